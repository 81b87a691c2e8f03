"""Two short series of real numbers: a geyser's eruptions and the yearly sunspots."""

from __future__ import annotations

import csv

import torch
from torch import Tensor

from course_lib.datasets import manifest


def _columns(name: str) -> Tensor:
    """All rows of data/series/<name> below its header line, (N, columns)."""
    with manifest.verify(f"series/{name}").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return torch.tensor([[float(value) for value in row] for row in rows])


def old_faithful(split: str = "all") -> tuple[Tensor, None]:
    """272 eruptions, (272, 2): duration and waiting time to the next, in minutes (Härdle 1991; Azzalini & Bowman 1990)."""
    return _columns("old_faithful.csv"), None


def sunspots(split: str = "all") -> tuple[Tensor, Tensor]:
    """Yearly sunspot numbers, (309,), with their years, (309,), 1700 to 2008."""
    years, numbers = _columns("sunspots.csv").unbind(1)
    return numbers, years.long()
