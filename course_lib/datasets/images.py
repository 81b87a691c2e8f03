"""The image sets that come as IDX files: MNIST, patches of it, and the test file of Fashion-MNIST."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import manifest
from course_lib.datasets.batches import binarise
from course_lib.datasets.data import check_split
from course_lib.datasets.idx import read_idx
from course_lib.datasets.patches import cut_patches

MNIST_SPLITS = ("train", "validation", "test", "train+validation")
FASHION_SPLITS = ("train", "validation", "test", "all")
MNIST_TRAIN = 50_000  # images of MNIST's training file for training; the last 10,000 are for validation
FASHION_CLASSES = 10
SMALL = 14  # side of the small digits
_COUNTS = {"mnist/train": 60_000, "mnist/t10k": 10_000, "fashion_mnist/t10k": 10_000}  # images of a file
_FASHION_PARTS = {"train": slice(0, 800), "validation": slice(800, 900), "test": slice(900, 1_000)}  # of each class


def mnist(split: str, drawn: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Digits (N, 1, 28, 28) and their labels (N).

    The first 50,000 of the training file are "train" and its last 10,000 "validation", as is usual for MNIST;
    "train+validation" is the whole file, for a last training once every setting is fixed. "test" is the file of 10,000 test
    digits. drawn: a generator that binarises; None leaves grey values in [0, 1].
    """
    return _images(f"mnist/{_mnist_file(split)}", _mnist_rows(split), drawn)


def mnist_patches(split: str) -> tuple[Tensor, Tensor]:
    """One 3 x 3 patch, (N, 1, 3, 3), of the middle of every digit after the fixed draw of seed 0; y is the digit's label."""
    digits, labels = _images(f"mnist/{_mnist_file(split)}", slice(None), runtime.generator(0))
    rows = _mnist_rows(split)
    return cut_patches(digits, generator=runtime.generator(1))[rows].clone(), labels[rows].clone()


def small_digits(split: str) -> Tensor:
    """Binary digits of 14 x 14 pixels as sequences (N, 196) of the integers 0 and 1, row after row.

    Each 2 x 2 pixels are averaged, then every pixel is drawn from its grey value with seed 0. split: as for `mnist`.
    """
    grey = torch.nn.functional.avg_pool2d(mnist(split)[0], 2)  # (N, 1, 14, 14)
    return binarise(grey, generator=runtime.generator(0)).flatten(1).long()


def fashion(split: str, drawn: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Clothes (N, 1, 28, 28) and their classes (N), all from the 10,000 of Fashion-MNIST's test file: only that file is here.

    Of each class 800 images are for training, 100 for validation and 100 for test, by a shuffle with a fixed seed: parts in
    file order would hold the classes in unequal shares. Each part keeps the order of the file. "all" is the whole file. drawn:
    as for `mnist`. Results on these parts cannot be compared with published ones, which use the 60,000 training images.
    """
    check_split(split, FASHION_SPLITS, "fashion")
    rows = slice(None) if split == "all" else fashion_rows(_labels("fashion_mnist/t10k"), split)
    return _images("fashion_mnist/t10k", rows, drawn)


def fashion_rows(labels: Tensor, split: str) -> Tensor:
    """Which rows of the file, in rising order, belong to a part; labels: the class of every row, (N)."""
    generator, chosen = runtime.generator(0), []
    for label in range(FASHION_CLASSES):
        (rows,) = (labels == label).nonzero(as_tuple=True)
        chosen.append(rows[torch.randperm(len(rows), generator=generator)][_FASHION_PARTS[split]])
    return torch.cat(chosen).sort().values


def _mnist_file(split: str) -> str:
    return "t10k" if check_split(split, MNIST_SPLITS, "mnist") == "test" else "train"


def _mnist_rows(split: str) -> slice:
    return {"train": slice(0, MNIST_TRAIN), "validation": slice(MNIST_TRAIN, None)}.get(split, slice(None))


def _labels(prefix: str) -> Tensor:
    """The classes of a file, (N,). Raises DataFileError where the file holds something else."""
    with manifest.reading(f"{prefix}-labels-idx1-ubyte.gz") as path:
        labels, count = read_idx(path), _COUNTS[prefix]
        if labels.shape != (count,) or (labels > 9).any():
            raise ValueError(f"it has labels of shape {tuple(labels.shape)}; expected ({count},), each from 0 to 9")
    return labels.long()


@lru_cache(maxsize=2)
def _unpacked(path: Path, size: int, modified: int) -> Tensor:
    """The bytes of this version of a file of images (N, 28, 28), kept because unpacking 60,000 digits takes most of a second."""
    return read_idx(path)


def _images(prefix: str, rows: slice | Tensor, drawn: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Some rows of a file of images, as floats in [0, 1], (N, 1, 28, 28), and their labels, (N).

    Every image of the file is binarised before the rows are taken: an image then has the same pixels in each of its splits.
    """
    labels = _labels(prefix)[rows]
    with manifest.reading(f"{prefix}-images-idx3-ubyte.xz") as path:
        images, shape = _unpacked(path, path.stat().st_size, path.stat().st_mtime_ns), (_COUNTS[prefix], 28, 28)
        if images.shape != shape:
            raise ValueError(f"it has images of shape {tuple(images.shape)}; expected {shape}")
    images = images[:, None]
    if drawn is None:
        return images[rows].float().div_(255), labels
    x = binarise(images.float().div_(255), generator=drawn)[rows]
    return x if len(x) == len(images) else x.clone(), labels  # a clone frees the other rows' memory
