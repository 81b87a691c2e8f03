"""`load(name, split, …)`: every data set of the course by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import close_ups, faces, images, numerals, series, text, toys
from course_lib.datasets.batches import BINARISATIONS
from course_lib.datasets.data import PARTS, Data, check_split

_SOURCES: dict[str, tuple[tuple[str, ...], Callable[..., tuple[Tensor, Tensor | None]]]] = {
    "mnist": (images.MNIST_SPLITS, images.mnist),
    "mnist_patches": (images.MNIST_SPLITS, images.mnist_patches),
    "fashion": (images.FASHION_SPLITS, images.fashion),
    "faces": (PARTS, faces.split),
    "close_ups": (PARTS, close_ups.split),
    "novel": (PARTS, text.novel),
    "numerals": (numerals.SPLITS, numerals.numerals),
    "old_faithful": (series.SPLITS, series.old_faithful),
    "sunspots": (series.SPLITS, series.sunspots),
    **{name: (PARTS, maker) for name, maker in toys.SPLITS.items()},
}
_GREY = ("mnist", "fashion")
_DRAWN_IN_SIZES = ("faces", "close_ups")


def names() -> list[str]:
    """The names that `load` knows."""
    return list(_SOURCES)


def splits(name: str) -> tuple[str, ...]:
    """The splits of a data set; the first is what `load(name)` gives. ValueError when no data set has this name."""
    if name not in _SOURCES:
        raise ValueError(f"no data set is called {name!r}{runtime.did_you_mean(str(name), _SOURCES)} (have: {names()})")
    return _SOURCES[name][0]


def load(
    name: str,
    split: str | None = None,
    *,
    binarisation: str | None = None,
    seed: int = 0,
    size: int | None = None,
    device: str | torch.device | None = None,
) -> Data:
    """A data set as tensors.

    Args:
        name: one of `names()`.
        split: one of `splits(name)`, such as "train", "validation" or "test"; None takes the first.
        binarisation: for grey images only: None leaves grey values in [0, 1]; "fixed" draws every pixel once, by `seed`;
            "resampled" leaves the grey values, and `Batches` draws them anew in every epoch.
        seed: of the fixed draw.
        size: pixels across, for the drawn faces only: 16, 32 (None) or 64; for close-ups 16 (None) or 32.
        device: where to put the tensors; None is the CPU.

    Returns `Data` with x and y:
        mnist, fashion: images (N, 1, 28, 28) in [0, 1]; classes (N).
        mnist_patches: patches of 0 and 1, (N, 1, 3, 3); the digit's class (N).
        faces, close_ups: colour images (N, 3, size, size) in [0, 1]; their factors (N, F).
        novel: characters as integers, (T,); None.
        numerals: symbols as integers, (N, 20), padded with -1; the numbers (N).
        old_faithful: minutes, (N, 2); None. sunspots: yearly numbers (N,); the years (N).
        ring, grid: points (N, 2); None. moons, spiral: points (N, 2); which half circle or arm (N).
    Labels, characters, symbols, numbers and years are int64, all else is float32.

    Raises DataFileError when a file is missing or damaged, ValueError when a name, split or option is unknown.
    """
    known = splits(name)
    split = check_split(known[0] if split is None else split, known, name)
    if binarisation not in BINARISATIONS:
        raise ValueError(f"binarisation is {binarisation!r}; expected one of {BINARISATIONS}")
    if binarisation and name not in _GREY:
        raise ValueError(f"{name} is not a set of grey images; binarisation must be None, got {binarisation!r}")
    if size is not None and name not in _DRAWN_IN_SIZES:
        raise ValueError(f"{name} comes in one size; size must be None, got {size!r}")
    options: dict[str, Any] = {} if size is None else {"size": size}
    if binarisation == "fixed":
        options["drawn"] = runtime.generator(seed)
    x, y = _SOURCES[name][1](split, **options)
    if device is not None:
        x, y = x.to(device), None if y is None else y.to(device)
    return Data(x, y, name, split, binarisation)
