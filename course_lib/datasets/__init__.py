"""Data as tensors, from files that travel with the clone: `x, y = load("mnist", split="train")`."""

from course_lib.datasets.batches import Batches, binarise
from course_lib.datasets.loading import Data, load, names
from course_lib.datasets.manifest import DataFileError, verify

__all__ = ["Batches", "Data", "DataFileError", "binarise", "load", "names", "verify"]
