"""A data set in memory: examples with their labels, or two sets whose examples form no pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from course_lib import runtime

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Data:
    """A data set in memory: `x, y = load(…)` unpacks it.

    x: the examples, (N, …). y: their labels, (N, …), or None. name, split, binarisation: what `load` was asked for.
    """

    x: Tensor
    y: Tensor | None
    name: str
    split: str
    binarisation: str | None = None

    def __iter__(self) -> Iterator[Tensor | None]:
        return iter((self.x, self.y))

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Unpaired:
    """Two data sets, (N, …) and (M, …), whose examples form no pairs, such as digits and clothes.

    `Batches` shuffles each by itself; one epoch is as long as the shorter set.
    """

    a: Tensor
    b: Tensor


def check_split(split: str, known: Sequence[str], name: str) -> str:
    """The split, if the data set of this name has it; otherwise ValueError."""
    if split not in known:
        raise ValueError(
            f"{name} has no split {split!r}; expected one of {tuple(known)}{runtime.did_you_mean(str(split), known)}"
        )
    return split
