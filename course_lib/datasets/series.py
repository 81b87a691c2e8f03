"""Two short series of real numbers: a geyser's eruptions and the yearly sunspots."""

from __future__ import annotations

import csv

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import manifest
from course_lib.datasets.data import PARTS, check_split

SPLITS = ("all", *PARTS)
_ROWS = {"old_faithful.csv": 272, "sunspots.csv": 309}
_ERUPTIONS = {"train": slice(0, 200), "validation": slice(200, 236), "test": slice(236, None)}  # after a shuffle
_YEARS = {"train": slice(0, 200), "validation": slice(200, 260), "test": slice(260, None)}


def _columns(name: str) -> Tensor:
    """All rows of data/series/<name> below its header line, (N, 2). Raises DataFileError where the file holds something else."""
    with manifest.reading(f"series/{name}") as path:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        table = torch.tensor([[float(value) for value in row] for row in rows])
        if table.shape != (_ROWS[name], 2) or not table.isfinite().all():
            raise ValueError(f"it has numbers of shape {tuple(table.shape)}; expected ({_ROWS[name]}, 2), all of them finite")
    return table


def old_faithful(split: str = "all") -> tuple[Tensor, None]:
    """272 eruptions, (272, 2): duration and waiting time to the next, in minutes (Härdle 1991; Azzalini & Bowman 1990).

    "all" keeps the order of time. The parts hold 200, 36 and 36 eruptions and come from a shuffle with a fixed seed.
    """
    eruptions = _columns("old_faithful.csv")
    if check_split(split, SPLITS, "old_faithful") == "all":
        return eruptions, None
    return eruptions[torch.randperm(len(eruptions), generator=runtime.generator(1))[_ERUPTIONS[split]]], None


def sunspots(split: str = "all") -> tuple[Tensor, Tensor]:
    """Yearly sunspot numbers, (309,), with their years, (309,), 1700 to 2008.

    The parts follow each other in time: train is 1700 to 1899, validation 1900 to 1959, test 1960 to 2008.
    """
    years, numbers = _columns("sunspots.csv")[_YEARS.get(check_split(split, SPLITS, "sunspots"), slice(None))].unbind(1)
    return numbers, years.long()
