"""Plots of points and lines drawn with Pillow, two side by side, in a few milliseconds: for sliders that move everything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FINE = 2  # drawn this much larger, then reduced
INSET = 6 * FINE  # from the frame to the ends of both spans, so that a dot there is whole
HIGH, WIDE, MARGIN = 330, 400, 46  # of one plot, in screen pixels; the margin holds its labels


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The letters in plots, of so many screen pixels."""
    return ImageFont.load_default(size=FINE * size)


class Plot:
    """One plot of a sheet, its `column` 0 or 1: data to pixels, clipped at the frame, with numbers at the ends of both axes."""

    def __init__(self, sheet: Image.Image, column: int, spans: Sequence[tuple[float, float]], title: str, labels: Sequence[str]):
        self.sheet, self.spans = sheet, np.array(spans, float)  # (2, 2): lowest, highest of x and of y
        left, top = (column * WIDE + MARGIN) * FINE, 28 * FINE
        right, bottom = ((column + 1) * WIDE - 12) * FINE, (HIGH - 38) * FINE
        self.corner, self.size = (left, top), np.array([right - left, bottom - top])
        self.inner = Image.new("RGB", (right - left, bottom - top), "white")
        self.draw = ImageDraw.Draw(self.inner)
        around = ImageDraw.Draw(sheet)
        around.line([(left - FINE, top), (left - FINE, bottom + FINE), (right, bottom + FINE)], fill="black", width=FINE)
        around.text((left, 4 * FINE), title, fill="black", font=font(13))
        around.text(((left + right) / 2, bottom + 18 * FINE), labels[0], fill="black", font=font(12), anchor="mt")
        self.draw.text((6 * FINE, 0), labels[1], fill="#555555", font=font(12))
        for end, anchor in ((0, "lt"), (1, "rt")):
            across, up = ((left, right)[end], bottom + 4 * FINE), (left - 5 * FINE, (bottom, top)[end])
            around.text(across, f"{self.spans[0, end]:.3g}", fill="black", font=font(11), anchor=anchor)
            around.text(up, f"{self.spans[1, end]:.3g}", fill="black", font=font(11), anchor=("rb", "rt")[end])

    def at(self, points: np.ndarray) -> list[tuple[float, float]]:
        """Data (N, 2) -> places in the frame."""
        share = (points - self.spans[:, 0]) / (self.spans[:, 1] - self.spans[:, 0])
        share[:, 1] = 1 - share[:, 1]
        return [tuple(place) for place in (INSET + share * (self.size - 2 * INSET)).tolist()]

    def line(self, points: np.ndarray, colour: str, width: int = 2) -> None:
        """A line through data (N, 2), `width` in screen pixels."""
        self.draw.line(self.at(points), fill=colour, width=width * FINE, joint="curve")

    def dots(self, points: np.ndarray, colours: np.ndarray | str, radius: float = 2.5) -> None:
        """A dot for each of data (N, 2), all of one colour, or each of its own (N, 3) in bytes."""
        colours = [colours] * len(points) if isinstance(colours, str) else [tuple(row) for row in colours.astype(int).tolist()]
        reach = radius * FINE
        for (x, y), colour in zip(self.at(points), colours, strict=True):
            self.draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def done(self) -> None:
        """Put the plot on its sheet."""
        self.sheet.paste(self.inner, self.corner)


def blank_sheet() -> Image.Image:
    """White, with room for two plots."""
    return Image.new("RGB", (2 * WIDE * FINE, HIGH * FINE), "white")


def finished(sheet: Image.Image) -> Image.Image:
    """The sheet at the size in which it is shown."""
    return sheet.reduce(FINE)
