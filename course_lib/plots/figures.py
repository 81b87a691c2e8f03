"""Figures with a title, labelled axes and a text alternative: image sheets, curves and densities."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib import runtime
from course_lib.plots.given import drawing, drawing_with_gaps
from course_lib.plots.images import png_bytes, square, tile
from course_lib.plots.style import SKY, STYLE


class LessonFigure(Figure):
    """A matplotlib figure that shows itself in a notebook, with a text alternative beside the picture."""

    alt = ""
    still: Any = None  # the pixels of everything that does not move, once `hold_still` has drawn them
    moving: tuple[Artist, ...] = ()

    def hold_still(self, *moving: Artist) -> None:
        """Draw everything but these artists once; later pictures draw only these artists over it, which makes sliders fast."""
        self.draw_without_rendering()  # the layout is computed once, and kept
        self.set_layout_engine("none")
        for artist in moving:
            artist.set_animated(True)
        self.canvas.draw()
        self.still, self.moving = self.canvas.copy_from_bbox(self.bbox), moving

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, str], dict[str, Any]]:
        bundle = {"image/png": base64.b64encode(png_bytes(self)).decode(), "text/plain": self.alt}
        return bundle, {"image/png": {"alt": self.alt}}


@drawing
def figure(
    title: str, *, xlabel: str = "", ylabel: str = "", rows: int = 1, columns: int = 1,
    size: tuple[float, float] | None = None, alt: str = "", **subplots: Any,
) -> LessonFigure:  # fmt: skip
    """An empty figure in the course's style; its axes are in `figure.axes`, row by row.

    Args:
        title: what is shown; a heading over all axes when there are several.
        xlabel, ylabel: given to every axes (set others with `axes.set_xlabel`); with units.
        size: width and height in inches, at 100 pixels per inch; the default is 5 × 3.4 per axes, at most 10 wide.
        alt: the text alternative, one sentence; the title where none is given.
        subplots: passed to matplotlib's `Figure.subplots` (sharex, width_ratios, subplot_kw …).
    """
    shape = size or (min(10.0, 5.0 * columns), 3.4 * rows)
    made = LessonFigure(figsize=shape, layout="constrained")
    FigureCanvasAgg(made)  # a canvas that can be read back as pixels
    made.alt = alt or title
    for axes in made.subplots(rows, columns, squeeze=False, **subplots).flat:
        axes.set(xlabel=xlabel, ylabel=ylabel)
    if rows * columns == 1:
        made.axes[0].set_title(title)
    else:
        made.suptitle(title, x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
    return made


@drawing
def show_images(
    images: Any,
    *,
    columns: int | None = None,
    titles: Sequence[str] | None = None,
    title: str = "",
    alt: str = "",
    inches: float = 0.75,
) -> LessonFigure:
    """A sheet of images, each `inches` wide, with one title; `images` as for `square`.

    Args:
        titles: one per picture, for a few pictures; each picture then has axes of its own, in the order of `figure.axes`.
    """
    parts = square(images)
    columns = columns or (min(len(parts), 8) if titles else min(math.ceil(math.sqrt(len(parts))), 16))
    rows = math.ceil(len(parts) / columns)
    if titles is None:
        made = figure(title, size=(max(3.0, columns * inches), rows * inches + 0.4), alt=alt)
        _picture(made.axes[0], tile(parts, columns))
        return made
    if len(titles) != len(parts):
        raise ValueError(f"{len(parts)} images need as many titles; got {len(titles)}")
    made = figure(
        title, rows=rows, columns=columns, size=(columns * max(inches, 1.2), rows * (max(inches, 1.2) + 0.3) + 0.3), alt=alt
    )
    for index, axes in enumerate(list(made.axes)):
        if index < len(parts):
            _picture(axes, parts[index])
            axes.set_title(titles[index], fontsize=9, loc="center")
        else:
            axes.remove()
    return made


def _picture(axes: Axes, values: np.ndarray) -> None:
    axes.imshow(values, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


@drawing_with_gaps
def curves(
    series: Mapping[str, Any], *, x: Sequence[float] | None = None, title: str, xlabel: str, ylabel: str, alt: str = "",
    size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """Lines with a legend, such as training and held-out loss: `series` maps a label to values, or to (values, errors).

    Args:
        x: common to all lines; 1, 2, … when None.
        series: values and errors are numbers, arrays or tensors on any device. Errors are drawn as a band of that height on
            either side; say in the title what they are (one standard error, one standard deviation).
    """
    made = figure(title, xlabel=xlabel, ylabel=ylabel, alt=alt, size=size or (6.0, 3.6))
    axes = made.axes[0]
    for index, (label, given) in enumerate(series.items()):
        values, errors = given if isinstance(given, tuple) else (given, None)
        values = _numbers(values)
        at = np.arange(1, len(values) + 1) if x is None else _numbers(x)[: len(values)]
        (line,) = axes.plot(
            at, values, label=label, linestyle=("-", "--", "-.", ":")[index % 4], marker="o" if len(at) < 15 else None
        )
        if errors is not None:
            errors = _numbers(errors)
            axes.fill_between(at, values - errors, values + errors, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.legend()
    return made


def _numbers(values: Any) -> np.ndarray:
    """Numbers as an array of floats: from a tensor on any device, an array, or a sequence of numbers and one-number tensors."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().double().numpy()
    return np.asarray([part.item() if isinstance(part, torch.Tensor) else part for part in values], dtype=float)


def _density_at(function: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor) -> np.ndarray:
    """The density at points (N, D): (N,). A method of a model is given the points on the device of its model."""
    owner = getattr(function, "__self__", None)
    where = runtime.device_of(owner) if isinstance(owner, torch.nn.Module) else points.device
    return function(points.to(where)).detach().cpu().exp().numpy()


@drawing
def density(
    log_prob: Callable[[torch.Tensor], torch.Tensor] | Mapping[str, Callable[[torch.Tensor], torch.Tensor]],
    spans: Sequence[tuple[float, float]], *, data: Any = None, points: int = 200, title: str,
    labels: Sequence[str] = ("x₁", "x₂"), alt: str = "", size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """The density of one or two continuous variables, with data over it.

    Args:
        log_prob: of points (N, D) in nats, (N,); in one dimension also several by name, one line each. A model's own method
            may lie on any device; any other function must take points on the CPU.
        spans: (lowest, highest) of each variable: one pair or two.
        data: (N, D) or (N,), on any device; a histogram behind the line in 1-D, dots in 2-D.
        points: of the grid, along each axis.
        labels: of the variables, with units.
    """
    data = None if data is None else np.asarray(torch.as_tensor(data).detach().cpu()).reshape(-1, len(spans))
    grids = [torch.linspace(low, high, points) for low, high in spans]
    if len(spans) == 1:
        made = figure(title, xlabel=labels[0], ylabel="density", alt=alt, size=size)
        axes = made.axes[0]
        named = log_prob if isinstance(log_prob, Mapping) else {"": log_prob}
        for label, function in named.items():
            axes.plot(grids[0].numpy(), _density_at(function, grids[0][:, None]), label=label)
        if data is not None:
            axes.hist(data[:, 0], bins=40, range=spans[0], density=True, color=SKY, alpha=0.4, label="data", zorder=0)
        if len(axes.get_legend_handles_labels()[1]) > 0:
            axes.legend()
        return made
    if len(spans) != 2 or isinstance(log_prob, Mapping):
        raise ValueError(f"density draws one log_prob of 2 variables, or several of 1; got {len(spans)} spans")
    across, up = torch.meshgrid(*grids, indexing="xy")  # (points, points) each
    values = _density_at(log_prob, torch.stack([across, up], dim=-1).reshape(-1, 2)).reshape(points, points)
    made = figure(title, xlabel=labels[0], ylabel=labels[1], alt=alt, size=size or (5.2, 4.2))
    mesh = made.axes[0].pcolormesh(across.numpy(), up.numpy(), values, shading="auto", rasterized=True)
    if data is not None:
        made.axes[0].plot(data[:, 0], data[:, 1], ".", color="white", markersize=3, alpha=0.7)
    made.axes[0].set(xlim=spans[0], ylim=spans[1])
    made.colorbar(mesh, label="density")
    return made
