"""A surface to draw on and a picture to click, by mouse, pen, touch or keyboard: two more controls of a panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets
from PIL import Image, ImageDraw

from course_lib import plots

HERE = Path(__file__).parent


class Surface(anywidget.AnyWidget):
    """The widget under both controls. Pictures travel as PNG, cells as raw bytes; `value` is what render gets.

    `value` is a boolean array (rows, columns), true where painted, or the pair (row, column) where mode is "pick".
    """

    _esm = HERE / "canvas.js"
    _css = HERE / "canvas.css"
    rows = traitlets.Int().tag(sync=True)
    columns = traitlets.Int().tag(sync=True)
    side = traitlets.Int(252).tag(sync=True)  # CSS pixels of the longer side
    mode = traitlets.Enum(["paint", "pick"], "paint").tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    tint = traitlets.Unicode(plots.ORANGE).tag(sync=True)
    strength = traitlets.Float(0.75).tag(sync=True)
    brush = traitlets.Int(4).tag(sync=True)  # width in cells
    picture = traitlets.CBytes().tag(sync=True)  # PNG
    mask = traitlets.CBytes().tag(sync=True)  # one byte per cell, 0 or 1
    pixel = traitlets.List([0, 0]).tag(sync=True)
    value = traitlets.Any()

    def __init__(self, *, value: Any, **given: Any):
        super().__init__(**given)
        self.value, self._shown = value, None

    @property
    def across(self) -> int:
        """Its width in pixels of the page."""
        return self.columns * _cell_side(self.side, (self.rows, self.columns))

    @traitlets.observe("mask")
    def _drawn(self, _) -> None:
        if self.mode == "paint" and len(self.mask) == self.rows * self.columns:
            cells = np.frombuffer(self.mask, np.uint8).reshape(self.rows, self.columns) > 0
            if not np.array_equal(cells, self.value):
                self.value = cells

    @traitlets.observe("pixel")
    def _picked(self, _) -> None:
        if self.mode == "pick" and tuple(self.pixel) != self.value:
            self.value = tuple(self.pixel)

    @traitlets.observe("value")
    def _given(self, _) -> None:
        if self.mode == "paint":
            cells = np.asarray(self.value).astype(np.uint8)
            if cells.shape != (self.rows, self.columns):
                raise ValueError(f"cells to paint have shape {(self.rows, self.columns)}; got {cells.shape}")
            self.mask = cells.tobytes()
        else:
            self.pixel = list(self.value)

    def show(self, picture: Any) -> None:
        """Lay `picture` (an array, see plots.as_uint8, or a Pillow image) under the cells; it is encoded only if it changed."""
        values = plots.as_uint8(picture).copy()
        if not np.array_equal(values, self._shown):
            self.picture, self._shown = plots.png_bytes(values, quick=True), values


@dataclass(frozen=True)
class Canvas:
    """Cells to paint over a picture: render gets a boolean array `shape`, true where painted.

    Args:
        name, label: the name of render's argument, and what the student reads.
        shape: (rows, columns) of the cells.
        background: the picture below: an array, or a function that gets all values of the panel by name and returns one.
        value: the cells painted at first; none when None.
        tint, strength: the colour of painted cells, and how much it covers (1 covers fully); white and 1 to draw a digit.
        brush: its width at first, in cells. side: of the surface, in pixels of the page.
    """

    name: str
    label: str = "draw here"
    shape: tuple[int, int] = (28, 28)
    background: Any | Callable[..., Any] = None
    value: Any = None
    tint: str = plots.ORANGE
    strength: float = 0.75
    brush: int = 4
    side: int = 252

    @property
    def first(self) -> np.ndarray:
        """The cells painted at first, booleans of this shape."""
        return np.zeros(self.shape, bool) if self.value is None else np.asarray(self.value).astype(bool)

    def values(self) -> list[np.ndarray]:
        """The cells painted at first, none, a stroke from corner to corner, and all."""
        rows, columns = np.indices(self.shape)
        stroke = np.abs(rows / self.shape[0] - columns / self.shape[1]) < 0.1
        return [self.first, np.zeros(self.shape, bool), stroke, np.ones(self.shape, bool)]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A surface to paint on, under its label."""
        surface = Surface(
            rows=self.shape[0], columns=self.shape[1], label=self.label, tint=self.tint, strength=self.strength, brush=self.brush,
            side=self.side, value=self.first,
        )  # fmt: skip
        return surface, [ipywidgets.Label(self.label), surface]

    def below(self, values: dict[str, Any]) -> Any:
        """The picture under the cells for these values."""
        picture = self.background(**values) if callable(self.background) else self.background
        return np.zeros(self.shape) if picture is None else picture

    def update(self, surface: Surface, values: dict[str, Any]) -> None:
        """Show the background for these values."""
        surface.show(self.below(values))

    def still(self, values: dict[str, Any]) -> Image.Image:
        """The surface as the page shows it, with the painted cells."""
        sheet = _page_size(self, values)
        covered = np.uint8(255 * self.strength * np.asarray(values[self.name]))
        sheet.paste(self.tint, mask=Image.fromarray(covered).resize(sheet.size, Image.Resampling.NEAREST))
        return sheet


@dataclass(frozen=True)
class Pick:
    """A picture to click: render gets the pair (row, column). Arguments as for `Canvas`."""

    name: str
    label: str = "click a pixel"
    shape: tuple[int, int] = (28, 28)
    background: Any | Callable[..., Any] = None
    value: tuple[int, int] | None = None
    tint: str = plots.ORANGE
    side: int = 252

    @property
    def first(self) -> tuple[int, int]:
        """The cell picked at first: the value given, or else the one in the middle."""
        return (self.shape[0] // 2, self.shape[1] // 2) if self.value is None else tuple(self.value)

    def values(self) -> list[tuple[int, int]]:
        """Cells on a grid of 7 by 7 at most, with the corners."""
        sides = [sorted({round(step * (length - 1) / 6) for step in range(7)}) for length in self.shape]
        return [(row, column) for row in sides[0] for column in sides[1]]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A picture to click, under its label."""
        surface = Surface(
            rows=self.shape[0], columns=self.shape[1], label=self.label, tint=self.tint, side=self.side, mode="pick",
            value=self.first,
        )  # fmt: skip
        return surface, [ipywidgets.Label(self.label), surface]

    below, update = Canvas.below, Canvas.update

    def still(self, values: dict[str, Any]) -> Image.Image:
        """The surface as the page shows it, with a square around the picked cell."""
        sheet, cell = _page_size(self, values), _cell_side(self.side, self.shape)
        half = max(10, cell - 2) / 2  # the mark on a small cell must be seen as well
        y, x = ((place + 0.5) * cell for place in values[self.name])
        ImageDraw.Draw(sheet).rectangle((x - half, y - half, x + half, y + half), outline=self.tint, width=2)
        return sheet


def _cell_side(side: int, shape: tuple[int, int]) -> int:
    """Pixels of the page along a cell's side, as canvas.js has it."""
    return max(1, round(side / max(shape)))


def _page_size(surface: Canvas | Pick, values: dict[str, Any]) -> Image.Image:
    """The background, as large as on the page."""
    rows, columns = (length * _cell_side(surface.side, surface.shape) for length in surface.shape)
    return plots.to_image(surface.below(values)).convert("RGB").resize((columns, rows), Image.Resampling.NEAREST)
