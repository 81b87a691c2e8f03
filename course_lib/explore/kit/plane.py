"""Planes drawn with Pillow in a few milliseconds: plots of points and lines, two side by side; and a plane of codes to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.sheet import SYMBOLS, font

FINE = 2  # drawn this much larger, then reduced
INSET = 6 * FINE  # from the frame to the ends of both spans, so that a dot there is whole
HIGH, WIDE, MARGIN = 330, 400, 46  # of one plot, in screen pixels; the margin holds its labels
CELLS, SIDE = 84, 336  # of a plane of codes: places to click along each side, and screen pixels
COLOURS = (*plots.PALETTE[:6], "#999999", "#000000", "#8C6D00", "#004466")  # one per class; the digit drawn names the class, too


_BOX = (MARGIN * FINE, 28 * FINE, (WIDE - 12) * FINE, (HIGH - 38) * FINE)  # inside of a frame: left, top, right, bottom


@lru_cache(maxsize=64)
def _frame(title: str, labels: tuple[str, ...], ends: tuple[str, ...]) -> Image.Image:
    """A plot without data. Letters are slow to draw, so frames are kept. ends: numbers at both ends of x, then of y."""
    frame, (left, top, right, bottom) = Image.new("RGB", (WIDE * FINE, HIGH * FINE), "white"), _BOX
    pen = ImageDraw.Draw(frame)
    pen.line([(left - FINE, top), (left - FINE, bottom + FINE), (right, bottom + FINE)], fill="black", width=FINE)
    pen.text((left, 4 * FINE), title, fill="black", font=font(13 * FINE))
    pen.text(((left + right) / 2, bottom + 18 * FINE), labels[0], fill="black", font=font(12 * FINE, SYMBOLS), anchor="mt")
    pen.text((left + 6 * FINE, top), labels[1], fill="#555555", font=font(12 * FINE, SYMBOLS))  # with x₁
    for end, anchor in ((0, "lt"), (1, "rt")):
        pen.text(((left, right)[end], bottom + 4 * FINE), ends[end], fill="black", font=font(11 * FINE), anchor=anchor)
        beside = (left - 5 * FINE, (bottom, top)[end])
        pen.text(beside, ends[2 + end], fill="black", font=font(11 * FINE), anchor=("rb", "rt")[end])
    return frame


class Plot:
    """One of the two plots of a sheet: turns data into pixels, cuts at the frame, and writes numbers at both ends of each axis.

    Args:
        sheet: from `blank_sheet`. column: 0 for the left plot, 1 for the right one.
        spans: (lowest, highest) of x and of y. title: above the plot. labels: of x and of y.
    """

    def __init__(self, sheet: Image.Image, column: int, spans: Sequence[tuple[float, float]], title: str, labels: Sequence[str]):
        self.sheet, self.spans = sheet, np.array(spans, float)  # (2, 2): lowest, highest of x and of y
        ends = tuple(f"{value:.3g}" for value in self.spans.flatten().tolist())
        frame, (left, top, right, bottom) = _frame(title, tuple(labels), ends), _BOX
        self.corner, self.size = (column * WIDE * FINE + left, top), np.array([right - left, bottom - top])
        sheet.paste(frame, (column * WIDE * FINE, 0))
        self.inner = frame.crop(_BOX)
        self.draw = ImageDraw.Draw(self.inner)

    def at(self, points: np.ndarray) -> list[tuple[float, float]]:
        """Data (N, 2) as N places in the frame, (across, down) in fine pixels."""
        share = (points - self.spans[:, 0]) / (self.spans[:, 1] - self.spans[:, 0])
        share[:, 1] = 1 - share[:, 1]
        return [tuple(place) for place in (INSET + share * (self.size - 2 * INSET)).tolist()]

    def line(self, points: np.ndarray, colour: str, width: int = 2) -> None:
        """A line through data (N, 2), `width` in screen pixels."""
        self.draw.line(self.at(points), fill=colour, width=width * FINE, joint="curve")

    def dots(self, points: np.ndarray, colours: np.ndarray | str, radius: float = 2.5) -> None:
        """A dot at each of the data (N, 2). colours: one for all of them, or bytes (N, 3), one row per dot."""
        colours = [colours] * len(points) if isinstance(colours, str) else [tuple(row) for row in colours.astype(int).tolist()]
        reach = radius * FINE
        for (x, y), colour in zip(self.at(points), colours, strict=True):
            self.draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def done(self) -> None:
        """Put the plot on its sheet."""
        self.sheet.paste(self.inner, self.corner)


def blank_sheet() -> Image.Image:
    """A white sheet with room for two plots."""
    return Image.new("RGB", (2 * WIDE * FINE, HIGH * FINE), "white")


def finished(sheet: Image.Image) -> Image.Image:
    """The sheet at the size in which it is shown."""
    return sheet.reduce(FINE)


@dataclass(frozen=True)
class Plane:
    """A window on the plane of two numbers z, shown as a square of CELLS by CELLS places to click, SIDE screen pixels wide.

    low, high: (2,), the lowest and the highest z₁ and z₂ that the window shows. z₁ grows to the right, z₂ upwards.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def around(cls, codes: Tensor) -> Plane:
        """The window that holds the middle 99 % of codes (N, 2) in each direction, and a fifth more on every side."""
        low, high = codes.quantile(torch.tensor([0.005, 0.995]), 0)
        margin = (high - low).clamp(min=1e-6) / 5
        return cls(low - margin, high + margin)

    def at(self, place: tuple[int, int]) -> Tensor:
        """The z (2,) in the middle of the cell `place` = (row from the top, column), as a click gives it."""
        share = torch.tensor([place[1] + 0.5, CELLS - place[0] - 0.5]) / CELLS
        return self.low + share * (self.high - self.low)

    def pixels(self, z: Tensor) -> list[tuple[float, float]]:
        """Where z (N, 2) lie in the picture: N pairs of screen pixels from the left and from the top."""
        share = ((z - self.low) / (self.high - self.low)).tolist()
        return [(across * SIDE, (1 - up) * SIDE) for across, up in share]

    def picture(self, codes: Tensor, labels: Tensor | None = None) -> np.ndarray:
        """Codes (N, 2) as digits in the colour of their class, labels (N,); as dots without labels: bytes (SIDE, SIDE, 3)."""
        drawn = Image.new("RGB", (SIDE, SIDE), "white")
        pen = ImageDraw.Draw(drawn)
        for index, (x, y) in enumerate(self.pixels(codes)):
            if labels is None:
                pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=plots.BLUE)
            else:
                digit = int(labels[index])
                pen.text((x, y), str(digit), fill=COLOURS[digit % len(COLOURS)], font=font(10), anchor="mm")
        return np.asarray(drawn)


def nearest(codes: Tensor, z: Tensor) -> str:
    """How far the nearest of codes (N, 2) is from z (2,), in words."""
    distance = (codes - z).square().sum(1).min().sqrt()
    return f"nearest of {len(codes):,} codes: {distance:.2f} away"
