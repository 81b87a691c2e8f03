"""Data as tensors, from files that travel with the clone: `x, y = load("mnist", split="train")`."""

from course_lib.datasets.batches import Batches, binarise, move
from course_lib.datasets.data import Data, Unpaired
from course_lib.datasets.loading import load, names, splits
from course_lib.datasets.manifest import DataFileError, verify

__all__ = ["Batches", "Data", "DataFileError", "Unpaired", "binarise", "load", "move", "names", "splits", "verify"]
