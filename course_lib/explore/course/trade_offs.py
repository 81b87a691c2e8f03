"""Two columns of the scoreboard as a plane: a dot per model, the front that no model beats, and the digits of the dot clicked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
import torch
from PIL import Image, ImageDraw

from course_lib import plots
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.given import MAY_BE_EMPTY
from course_lib.explore.kit.panel import Choice, Panel
from course_lib.explore.kit.sheet import enlarged, font
from course_lib.metrics.front import front
from course_lib.training.scores import pictures
from course_lib.training.scores.lines import COLUMNS, Line, text

CELL, CELLS = 5, (76, 96)  # screen pixels of a cell to click, and how many there are, down and across
HIGH, WIDE = CELL * CELLS[0], CELL * CELLS[1]
LEFT, TOP, RIGHT, BOTTOM = 52, 26, WIDE - 14, HIGH - 44  # the frame
TINTS = dict(
    zip(
        ("real", "autoregressive", "latent", "adversarial", "energy", "flows", "diffusion"),
        (plots.BLACK, plots.BLUE, plots.GREEN, plots.ORANGE, plots.VERMILION, plots.PURPLE, plots.SKY),
        strict=True,
    )
)
COST, QUALITY = ("seconds", "parameters", "minutes"), ("fid_grey", "fid_binary", "nats", "bits", "precision", "recall")


def with_both(lines: Sequence[Line], x: str, y: str) -> list[Line]:
    """The lines that have a number in both columns."""
    return [line for line in lines if x in line.values and y in line.values]


def on_the_front(lines: Sequence[Line], x: str, y: str) -> list[bool]:
    """Which of these lines, all with both numbers, no other line beats in both columns."""
    signs = [-1 if COLUMNS[column].best == "high" else 1 for column in (x, y)]
    costs = torch.tensor([[line.values[x], line.values[y]] for line in lines]).view(-1, 2) * torch.tensor(signs)
    return front(costs).tolist()


@explorer
def trade_offs(lines: Annotated[Sequence[Line], MAY_BE_EMPTY], *, x: str = "seconds", y: str = "fid_binary") -> Panel:
    """Choose two columns, click a dot: its digits and its numbers. The line joins the models that no other beats in both.

    lines: of training/scores/lines.py. x, y: the columns at first, one of COST and one of QUALITY.
    """

    def background(x: str, y: str, **_) -> np.ndarray:
        return _plane(tuple(with_both(lines, x, y)), x, y)[0]

    def render(x: str, y: str, place: tuple[int, int]) -> Image.Image:
        kept = with_both(lines, x, y)
        if not kept:
            return _card(None, x, y)
        spots = _plane(tuple(kept), x, y)[1]
        at = [(place[1] + 0.5) * CELL, (place[0] + 0.5) * CELL]
        return _card(kept[min(range(len(kept)), key=lambda i: math.dist(spots[i], at))], x, y)

    names = {column: COLUMNS[column].label for column in (*COST, *QUALITY)}
    for across in COST:  # the letters are drawn once, here
        for up in QUALITY:
            background(across, up)
    return Panel(
        render,
        [
            Choice("x", "across: what it needs", {names[column]: column for column in COST}, value=x),
            Choice("y", "up: how good it is", {names[column]: column for column in QUALITY}, value=y),
            Pick("place", "click a dot", shape=CELLS, side=WIDE, background=background, value=_first(lines, x, y)),
        ],
        title="What does quality need?",
        alt="A plane of two columns with one dot per model and the front of the best; beside it the digits of one model.",
    )


def _first(lines: Sequence[Line], x: str, y: str) -> tuple[int, int]:
    """The cell of the first model on the front: the panel opens there."""
    kept = with_both(lines, x, y)
    if not kept:
        return CELLS[0] // 2, CELLS[1] // 2
    chosen = on_the_front(kept, x, y).index(True)
    across, down = _plane(tuple(kept), x, y)[1][chosen]
    return min(CELLS[0] - 1, int(down / CELL)), min(CELLS[1] - 1, int(across / CELL))


class _Axis:
    """Turns a column's numbers into places from 0 to 1, on a log scale where the column says so; with its ticks."""

    def __init__(self, column: str, values: Sequence[float]):
        self.log = COLUMNS[column].log
        ends = [self._scaled(value) for value in (min(values), max(values))]
        reach = max(ends[1] - ends[0], 1e-3)
        self.low, self.high = ends[0] - 0.06 * reach, ends[1] + 0.06 * reach

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.log else value

    def share(self, value: float) -> float:
        return (self._scaled(value) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """(place, words), three to seven of them."""
        if self.log:
            powers = range(math.ceil(self.low), math.floor(self.high) + 1)
            marks = [10.0**power for power in powers] if len(powers) > 1 else [10 ** (self.low + 0.1), 10 ** (self.high - 0.1)]
        else:
            step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
            step *= next(factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (step * factor) <= 6)
            marks = [step * k for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [(self.share(mark), f"{mark:.3g}" if mark < 1e4 else f"{mark / 1e6:g} M") for mark in marks]


@lru_cache(maxsize=64)
def _plane(lines: tuple[Line, ...], x: str, y: str) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """The plane (HIGH, WIDE, 3) in bytes, and where the dot of each line lies, (across, down) in screen pixels."""
    sheet = Image.new("RGB", (WIDE, HIGH), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((LEFT, TOP, RIGHT, BOTTOM), outline="black")
    if not lines:
        pen.text((LEFT + 20, TOP + 20), "no model has both numbers", fill="black", font=font(14))
        return np.asarray(sheet), []
    axes = [_Axis(column, [line.values[column] for line in lines]) for column in (x, y)]
    for share, words in axes[0].ticks():
        across = LEFT + share * (RIGHT - LEFT)
        pen.line((across, BOTTOM, across, BOTTOM + 4), fill="black")
        pen.text((across, BOTTOM + 6), words, fill="black", font=font(12), anchor="mt")
    for share, words in axes[1].ticks():
        down = BOTTOM - share * (BOTTOM - TOP)
        pen.line((LEFT - 4, down, LEFT, down), fill="black")
        pen.text((LEFT - 6, down), words, fill="black", font=font(12), anchor="rm")
    pen.text(((LEFT + RIGHT) / 2, HIGH - 4), COLUMNS[x].label, fill="black", font=font(13), anchor="mb")
    pen.text((LEFT, 6), f"{COLUMNS[y].label} ({COLUMNS[y].best} is good)", fill="black", font=font(13))
    spots = [
        (LEFT + axes[0].share(line.values[x]) * (RIGHT - LEFT), BOTTOM - axes[1].share(line.values[y]) * (BOTTOM - TOP))
        for line in lines
    ]
    best = sorted(spot for spot, kept in zip(spots, on_the_front(lines, x, y), strict=True) if kept)
    pen.line(best, fill="#555555", width=2)
    for line, (across, down) in zip(lines, spots, strict=True):
        reach = 7 if (across, down) in best else 5
        pen.ellipse(
            (across - reach, down - reach, across + reach, down + reach), fill=TINTS.get(line.family, "grey"), outline="black"
        )
    return np.asarray(sheet), spots


@lru_cache(maxsize=256)
def _card(line: Line | None, x: str, y: str) -> Image.Image:
    """The digits of one model, and its numbers in words."""
    card = Image.new("RGB", (8 * 29 * 2 + 12, HIGH), "white")
    pen = ImageDraw.Draw(card)
    if line is None:
        pen.text((6, 6), "no model has both numbers", fill="black", font=font(14))
        return card
    pen.text((6, 4), line.title, fill=TINTS.get(line.family, "black"), font=font(16))
    pen.text((6, 26), line.words["about"][:78], fill="#555555", font=font(11))
    if line.digits:
        card.paste(enlarged(plots.tile(pictures.unpacked(line.digits), columns=8), 2), (6, 46))
    numbers = [f"{COLUMNS[column].label}: {text(line, column)}" for column in COLUMNS if column in line.values]
    for place, words in enumerate(numbers):
        pen.text((6 + 236 * (place % 2), 176 + 22 * (place // 2)), words, fill="black", font=font(14, "DejaVu Sans"))
    for place, (family, tint) in enumerate(TINTS.items()):
        left, top = 6 + 116 * (place % 4), 316 + 22 * (place // 4)
        pen.ellipse((left, top + 2, left + 11, top + 13), fill=tint, outline="black")
        pen.text((left + 16, top), family, fill="black", font=font(12))
    return card
