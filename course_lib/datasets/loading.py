"""`load(name, split, …)`: every data set of the course by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import close_ups, faces, manifest, numerals, series, text, toys
from course_lib.datasets.batches import BINARISATIONS, binarise
from course_lib.datasets.idx import read_idx
from course_lib.datasets.patches import cut_patches


@dataclass(frozen=True)
class Data:
    """A data set in memory: `x, y = load(…)` unpacks it. y is None where there are no labels."""

    x: Tensor
    y: Tensor | None
    name: str
    split: str
    binarisation: str | None = None

    def __iter__(self) -> Iterator[Tensor | None]:
        return iter((self.x, self.y))

    def __len__(self) -> int:
        return len(self.x)


def _images(folder: str, prefix: str) -> tuple[Tensor, Tensor]:
    images = read_idx(manifest.verify(f"{folder}/{prefix}-images-idx3-ubyte.gz"))
    labels = read_idx(manifest.verify(f"{folder}/{prefix}-labels-idx1-ubyte.gz"))
    return images[:, None].float().div_(255), labels.long()  # (N, 1, 28, 28), (N)


def _mnist(split: str) -> tuple[Tensor, Tensor]:
    return _images("mnist", "t10k" if split == "test" else "train")


def _mnist_patches(split: str) -> tuple[Tensor, Tensor]:
    """One 3 x 3 patch, (N, 1, 3, 3), of the middle of every digit after the fixed draw of seed 0; y is the digit's label."""
    grey, labels = _mnist(split)
    drawn = binarise(grey, generator=runtime.generator(0))
    return cut_patches(drawn, generator=runtime.generator(1)), labels


def _fashion(split: str) -> tuple[Tensor, Tensor]:
    return _images("fashion_mnist", "t10k")


_SOURCES: dict[str, tuple[tuple[str, ...], Callable[..., tuple[Tensor, Tensor | None]]]] = {
    "mnist": (("train", "test"), _mnist),
    "mnist_patches": (("train", "test"), _mnist_patches),
    "fashion": (("test",), _fashion),
    "faces": (("train", "validation", "test"), faces.split),
    "close_ups": (("train", "validation", "test"), close_ups.split),
    "novel": (("train", "validation", "test"), text.novel),
    "numerals": (("train", "test"), numerals.numerals),
    "old_faithful": (("all",), series.old_faithful),
    "sunspots": (("all",), series.sunspots),
    **{name: (("train", "validation", "test"), maker) for name, maker in toys.SPLITS.items()},
}
_IMAGES = ("mnist", "fashion")
_DRAWN = ("faces",)


def names() -> list[str]:
    """The names that `load` knows."""
    return list(_SOURCES)


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
        split: "train", "test", … as the data set has them; None takes the first.
        binarisation: of grey images, always said: None leaves grey values in [0, 1]; "fixed" draws every pixel once,
            by `seed`; "resampled" leaves the grey values, and `Batches` draws them anew in every pass.
        seed: of the fixed draw.
        size: pixels across, of the drawn faces only: 16, 32 (None) or 64.
        device: where to put the tensors; None is the CPU.

    Returns `Data`: x is float, images (N, 1, 28, 28) in [0, 1], faces (N, 3, size, size) in [0, 1]; y is labels (N),
    the faces' factors (N, F), or None.
    Raises DataFileError when a file is missing or damaged, ValueError when a name or split is unknown.
    """
    if name not in _SOURCES:
        near = difflib.get_close_matches(name, _SOURCES, n=1)
        raise ValueError(f"no data set is called {name!r}{f'; did you mean {near[0]!r}?' if near else ''} (have: {names()})")
    splits, source = _SOURCES[name]
    split = split or splits[0]
    if split not in splits:
        raise ValueError(f"{name} has no split {split!r}; expected one of {splits}")
    if binarisation not in BINARISATIONS:
        raise ValueError(f"binarisation is {binarisation!r}; expected one of {BINARISATIONS}")
    if binarisation and name not in _IMAGES:
        raise ValueError(f"{name} is not a set of grey images; binarisation must be None, got {binarisation!r}")
    if size is not None and name not in _DRAWN:
        raise ValueError(f"{name} comes in one size; size must be None, got {size!r}")
    x, y = source(split) if size is None else source(split, size)
    if binarisation == "fixed":
        x = binarise(x, generator=runtime.generator(seed))
    if device is not None:
        x, y = x.to(device), None if y is None else y.to(device)
    return Data(x, y, name, split, binarisation)
