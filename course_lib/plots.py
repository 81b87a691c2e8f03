"""Figures and pictures in one style. A figure says what it shows: a title, labelled axes and a text alternative.

Colours are Okabe and Ito's eight, told apart by colour-blind eyes. Importing this module makes them, and the sizes
below, matplotlib's defaults, so that figures drawn by hand in a lesson look the same.

Every function returns its figure. A figure shows itself as the last expression of a cell and by `display(figure)`
anywhere else; it is not known to pyplot, so `plt.show()` is not needed and nothing is shown twice.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from PIL import Image

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK = PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip
SEQUENTIAL = "cividis"  # one colour map for quantities: even in lightness, the same to most colour-blind eyes

STYLE = {
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": False,
    "font.size": 10,
    "figure.dpi": 100,
    "image.cmap": SEQUENTIAL,
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}
matplotlib.rcParams.update(STYLE)


class LessonFigure(Figure):
    """A matplotlib figure that shows itself in a notebook, with a text alternative beside the picture."""

    alt = ""

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, str], dict[str, Any]]:
        bundle = {"image/png": base64.b64encode(png_bytes(self)).decode(), "text/plain": self.alt}
        return bundle, {"image/png": {"alt": self.alt}}


def figure(
    title: str, *, xlabel: str = "", ylabel: str = "", rows: int = 1, columns: int = 1,
    size: tuple[float, float] | None = None, alt: str = "", **subplots: Any,
) -> LessonFigure:  # fmt: skip
    """An empty figure in the course's style; its axes are in `figure.axes`, row by row.

    Args:
        title: what is shown; a heading over all axes when there are several.
        xlabel, ylabel: given to every axes (set others with `axes.set_xlabel`); with units.
        size: width and height in inches, at 100 pixels an inch; default 5 × 3.4 an axes, at most 10 wide.
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


def as_uint8(picture: Any) -> np.ndarray:
    """Grey (H, W) or colour (H, W, 3) bytes from an array or tensor of bytes, booleans or values in [0, 1].

    Channels may come first, as models have them: (1, H, W), (3, H, W). Raises ValueError for other shapes and values.
    """
    values = picture.detach().cpu().numpy() if isinstance(picture, torch.Tensor) else np.asarray(picture)
    if values.ndim == 3 and values.shape[0] in (1, 3) and values.shape[2] != 3:
        values = np.moveaxis(values, 0, 2)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim != 2 and not (values.ndim == 3 and values.shape[2] == 3):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) or (3, H, W); got {values.shape}: reshape a flat vector first")
    if values.dtype == np.uint8:
        return values
    if not np.isfinite(values).all():
        raise ValueError("the picture has values that are NaN or infinite")
    low, high = values.min(initial=0), values.max(initial=0)
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(f"a picture of numbers lies in [0, 1]; got [{low:.4g}, {high:.4g}]: divide bytes by 255, or clamp")
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def to_image(picture: Any, scale: int = 1, *, unknown: Any = None, tint: str = ORANGE, strength: float = 0.6) -> Image.Image:
    """A Pillow image of `picture` (see `as_uint8`), each pixel a square of `scale` by `scale`.

    Args:
        unknown: booleans (H, W), or flat (H·W,): the pixels to cover with the colour `tint`, as unknown or erased.
        strength: how much of the tint covers them; 1 hides what is below.
    """
    values = as_uint8(picture)
    if unknown is not None:
        mask = np.asarray(unknown.detach().cpu() if isinstance(unknown, torch.Tensor) else unknown).astype(bool)
        if mask.size != values.shape[0] * values.shape[1]:
            raise ValueError(f"unknown has shape {mask.shape}; expected that of the picture, {values.shape[:2]}")
        mask = mask.reshape(values.shape[:2])
        values = np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values.copy()
        colour = 255 * np.asarray(matplotlib.colors.to_rgb(tint))
        values[mask] = ((1 - strength) * values[mask] + strength * colour).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(values))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST) if scale != 1 else image


def png_bytes(picture: Any) -> bytes:
    """PNG bytes of a figure, a Pillow image or an array (see `as_uint8`): the same bytes for the same picture."""
    if isinstance(picture, Figure):
        canvas = picture.canvas if isinstance(picture.canvas, FigureCanvasAgg) else FigureCanvasAgg(picture)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    else:
        image = picture if isinstance(picture, Image.Image) else to_image(picture)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)  # fast: a slider waits for it
    return buffer.getvalue()


def square(images: Any) -> list[np.ndarray]:
    """Bytes of each image of a batch (B, H, W), (B, C, H, W), or flat (B, D) where D is a square number."""
    if isinstance(images, torch.Tensor):
        images = images.detach().cpu().numpy()
    if isinstance(images, np.ndarray) and images.ndim == 2:
        side = math.isqrt(images.shape[1])
        if side * side != images.shape[1]:
            raise ValueError(f"images of {images.shape[1]} numbers are not square; reshape them to (B, H, W)")
        images = images.reshape(-1, side, side)
    return [as_uint8(image) for image in images]


def tile(images: Any, columns: int | None = None, *, gap: int = 1, shade: int = 128) -> np.ndarray:
    """One picture of many, row by row: bytes (H, W) or (H, W, 3). `images` as for `square`, all of one size.

    Args:
        columns: images in a row; as near to a square as goes when None.
        gap, shade: width and grey of the lines between.
    """
    parts = square(images)
    if not parts:
        raise ValueError("there are no images to tile")
    columns = columns or math.ceil(math.sqrt(len(parts)))
    rows = math.ceil(len(parts) / columns)
    high, wide = (side + gap for side in parts[0].shape[:2])
    sheet = np.full((rows * high + gap, columns * wide + gap, *parts[0].shape[2:]), shade, np.uint8)
    for index, part in enumerate(parts):
        top, left = gap + index // columns * high, gap + index % columns * wide
        sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    return sheet


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
        titles: one a picture, for a few pictures; each then has axes of its own, in the order of `figure.axes`.
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


def curves(
    series: Mapping[str, Any], *, x: Sequence[float] | None = None, title: str, xlabel: str, ylabel: str, alt: str = "",
    size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """Lines with a legend, such as training and held-out loss: `series` maps a label to values, or to (values, errors).

    Args:
        x: common to all lines; 1, 2, … when None.
        series: errors (one standard error, or a spread: say which in the title) are drawn as a band of that height
            on either side.
    """
    made = figure(title, xlabel=xlabel, ylabel=ylabel, alt=alt, size=size or (6.0, 3.6))
    axes = made.axes[0]
    for index, (label, given) in enumerate(series.items()):
        values, errors = given if isinstance(given, tuple) else (given, None)
        values = np.asarray(values, dtype=float)
        at = np.arange(1, len(values) + 1) if x is None else np.asarray(x, dtype=float)[: len(values)]
        (line,) = axes.plot(
            at, values, label=label, linestyle=("-", "--", "-.", ":")[index % 4], marker="o" if len(at) < 15 else None
        )
        if errors is not None:
            errors = np.asarray(errors, dtype=float)
            axes.fill_between(at, values - errors, values + errors, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.legend()
    return made


def density(
    log_prob: Callable[[torch.Tensor], torch.Tensor] | Mapping[str, Callable[[torch.Tensor], torch.Tensor]],
    spans: Sequence[tuple[float, float]], *, data: Any = None, points: int = 200, title: str,
    labels: Sequence[str] = ("x₁", "x₂"), alt: str = "", size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """The density of one or two continuous variables, with data over it.

    Args:
        log_prob: of points (N, D) in nats, (N,); in one dimension also several by name, one line each.
        spans: (lowest, highest) of each variable: one pair or two.
        data: (N, D) or (N,); a histogram behind the line in 1-D, dots in 2-D.
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
            axes.plot(grids[0].numpy(), function(grids[0][:, None]).detach().cpu().exp().numpy(), label=label)
        if data is not None:
            axes.hist(data[:, 0], bins=40, range=spans[0], density=True, color=SKY, alpha=0.4, label="data", zorder=0)
        if len(axes.get_legend_handles_labels()[1]) > 0:
            axes.legend()
        return made
    if len(spans) != 2 or isinstance(log_prob, Mapping):
        raise ValueError(f"density draws one log_prob of 2 variables, or several of 1; got {len(spans)} spans")
    across, up = torch.meshgrid(*grids, indexing="xy")  # (points, points) each
    values = log_prob(torch.stack([across, up], dim=-1).reshape(-1, 2)).detach().cpu().exp().reshape(points, points).numpy()
    made = figure(title, xlabel=labels[0], ylabel=labels[1], alt=alt, size=size or (5.2, 4.2))
    mesh = made.axes[0].pcolormesh(across.numpy(), up.numpy(), values, shading="auto", rasterized=True)
    if data is not None:
        made.axes[0].plot(data[:, 0], data[:, 1], ".", color="white", markersize=3, alpha=0.7)
    made.axes[0].set(xlim=spans[0], ylim=spans[1])
    made.colorbar(mesh, label="density")
    return made


def factorisation(
    parents: Mapping[str, Sequence[str]] | Sequence[Sequence[int]], *, title: str = "", alt: str = "",
    positions: Mapping[str, tuple[float, float]] | None = None, shaded: Sequence[str] = (), into: LessonFigure | None = None,
    size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """The diagram of a factorisation p(x) = ∏ p(x_d | parents of x_d): a node a variable, an arrow from each parent.

    Args:
        parents: of each variable, by name, in the order in which they are drawn (left to right); or a list of lists of
            indices from 0, named x₁, x₂, …
        positions: of the nodes by name, when a line does not suit (the pixels of a patch: (column, -row)).
        shaded: names of the observed variables, filled grey.
        into: a figure that this function made before: drawn again in place, as an explorer needs it.
    """
    if not isinstance(parents, Mapping):
        names = [f"$x_{{{index + 1}}}$" for index in range(len(parents))]
        parents = {names[index]: [names[other] for other in of] for index, of in enumerate(parents)}
    names = list(parents)
    strangers = {other for of in parents.values() for other in of} - set(names)
    if strangers:
        raise ValueError(f"parents {sorted(strangers)} are not among the variables {names}")
    where = positions or {name: (index, 0.0) for index, name in enumerate(names)}
    made = into or figure(title, size=size or (max(4.0, min(10.0, 1.1 * len(names) + 1)), 2.6 if positions is None else 4.0))
    made.alt = alt or f"{title}. " + "; ".join(f"{name} given {', '.join(of) or 'nothing'}" for name, of in parents.items())
    axes = made.axes[0]
    axes.clear()
    axes.set_title(title)
    axes.set_axis_off()
    axes.set_aspect("equal")
    nodes = {}
    for name in names:
        fill = "#d9d9d9" if name in shaded else "white"
        nodes[name] = axes.add_patch(Circle(where[name], 0.26, facecolor=fill, edgecolor=BLACK, zorder=2))
        axes.text(*where[name], name, ha="center", va="center", zorder=3)
    for name, of in parents.items():
        for other in of:
            _arrow(axes, nodes[other], nodes[name], curved=positions is None)
    across, up = ([point[axis] for point in where.values()] for axis in (0, 1))
    reach = max((abs(names.index(name) - names.index(other)) for name, of in parents.items() for other in of), default=0)
    axes.set_xlim(min(across) - 0.5, max(across) + 0.5)
    axes.set_ylim(min(up) - 0.5, max(up) + (0.5 if positions else 0.5 + 0.22 * reach))
    return made


def _arrow(axes: Axes, start: Circle, end: Circle, *, curved: bool) -> None:
    """An arrow from node to node; on a line it bows over the nodes between."""
    distance = math.dist(start.center, end.center)
    bow = (
        -0.45 * (1 if end.center[0] > start.center[0] else -1) if curved and distance > 1.01 else -0.12 if distance > 1.5 else 0.0
    )
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "color": BLUE, "linewidth": 1.4, "connectionstyle": f"arc3,rad={bow}"}
    ends = {"posA": start.center, "posB": end.center, "patchA": start, "patchB": end, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(**ends, **style))
