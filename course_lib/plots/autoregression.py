"""Figures of autoregressive models: a series and its futures, and the weights by which a pixel looks at earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.nn import functional as F

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, ORANGE, SKY, VERMILION


@drawing
def series_parts(years: Tensor, values: Tensor, parts: Mapping[str, slice], *, title: str, unit: str, alt: str) -> LessonFigure:
    """A series (T,) over its years (T,), each part in a colour of its own. parts: name -> the part's places in the series."""
    made = figure(title, xlabel="year", ylabel=unit, size=(10, 3.2), alt=alt)
    for (name, part), colour in zip(parts.items(), (BLUE, ORANGE, VERMILION), strict=True):
        made.axes[0].plot(years[part].numpy(), values[part].numpy(), color=colour, linewidth=1.5, label=name)
    made.axes[0].legend(ncols=3, loc="upper left")
    return made


@drawing
def futures(
    known: tuple[Tensor, Tensor], years: Tensor, drawn: Tensor, mean: Tensor, *, title: str, unit: str, alt: str
) -> LessonFigure:
    """Futures drawn from a model, their mean, and what was known before.

    known: years and values. years (h,): those ahead. drawn (n, h): one future per row. mean (h,): of all futures.
    """
    made = figure(title, xlabel="year", ylabel=unit, size=(10, 4.4), alt=alt)
    axes = made.axes[0]
    axes.plot(*(part.numpy() for part in known), color=BLACK, linewidth=1.8, label="known")
    for row, future in enumerate(drawn):
        axes.plot(years.numpy(), future.numpy(), color=SKY, linewidth=1.0, label="" if row else f"{len(drawn)} futures, drawn")
    axes.plot(years.numpy(), mean.numpy(), color=VERMILION, linewidth=3, label="mean of all futures: the forecast")
    axes.legend(loc="lower left")
    return made


@drawing
def weights_around(weights: Tensor, pixels: Sequence[tuple[int, int]], *, reach: int = 5, title: str, alt: str) -> LessonFigure:
    """The weights of some pixels on the pixels around them, as maps of (2 reach + 1) x (2 reach + 1).

    weights (H, W, H, W): of the pixel (row, column) on every other one. pixels: rows and columns.
    """
    made = figure(title, columns=len(pixels), size=(11.0, 3.2), alt=alt)
    for axes, (row, column) in zip(list(made.axes), pixels, strict=True):
        near = F.pad(weights[row, column], (reach,) * 4)[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        extent = (-reach - 0.5, reach + 0.5, reach + 0.5, -reach - 0.5)
        shown = axes.imshow(near.numpy(), cmap="PuOr", vmin=-2, vmax=2, extent=extent)
        axes.plot(0, 0, "s", fillstyle="none", markersize=14, markeredgewidth=2, color=BLACK)
        axes.set_title(f"pixel in row {row}, column {column}", fontsize=11)
        axes.set(xlabel="columns away", ylabel="rows away" if axes is made.axes[0] else "")
    made.colorbar(shown, ax=list(made.axes), label="weight, in logits")
    return made
