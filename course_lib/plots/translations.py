"""Figures of translations: rows of pictures with names, points coloured by a hidden label, the cycle of two generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.images import square
from course_lib.plots.style import BLACK, BLUE, ORANGE, SEQUENTIAL, SKY, VERMILION


@drawing
def named_rows(rows: Mapping[str, Tensor], *, title: str, alt: str, inches: float = 0.85) -> LessonFigure:
    """One row of pictures (N, C, H, W) per name, with the name on its left; all rows have equally many pictures.

    inches: the side of a picture.
    """
    columns, names = len(next(iter(rows.values()))), 1.75
    made = figure(title, rows=len(rows), size=(names + columns * inches, 0.42 + len(rows) * (inches + 0.06)), alt=alt)
    for axes, (name, pictures) in zip(list(made.axes), rows.items(), strict=True):
        parts = [np.repeat(part[:, :, None], 3, 2) if part.ndim == 2 else part for part in square(pictures)]
        gap = np.full((parts[0].shape[0], 1, 3), 255, np.uint8)
        axes.imshow(np.concatenate([piece for part in parts for piece in (part, gap)][:-1], 1), aspect="auto")
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=6)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return made


@drawing
def labelled_points(
    panels: Mapping[str, Sequence[tuple[Tensor, Tensor]]],
    *,
    title: str,
    alt: str,
    reach: float = 1.7,
    colour: str = "hidden label",
) -> LessonFigure:
    """Planes side by side; each shows sets of points (N, 2) coloured by their labels (N,) in [0, 1].

    Of two sets in one plane the first has small dots and the second large ones. reach: half the side of each plane. colour: what
    the labels are, in words for the colour bar.
    """
    made = figure(title, columns=len(panels), size=(3.3 * len(panels) + 0.8, 3.9), alt=alt)
    for axes, (name, sets) in zip(made.axes, panels.items(), strict=True):
        for size, (points, label) in zip((6, 26)[-len(sets) :], sets, strict=True):
            drawn = axes.scatter(points[:, 0], points[:, 1], c=label, s=size, cmap=SEQUENTIAL, vmin=0, vmax=1, linewidths=0)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="first coordinate")
        axes.set_title(name, fontsize=11)
    made.axes[0].set_ylabel("second coordinate")
    made.colorbar(drawn, ax=made.axes, label=colour, shrink=0.8)
    return made


@drawing
def message(change: Tensor, *, title: str, alt: str) -> LessonFigure:
    """A map (H, W) of changes in grey levels, from blue (darker) over white to red (lighter), with its colour bar."""
    made = figure(title, size=(5.2, 3.9), alt=alt, xlabel="column", ylabel="row")
    most = max(1.0, float(change.abs().max()))
    drawn = made.axes[0].imshow(change.numpy(), cmap="RdBu_r", vmin=-most, vmax=most)
    made.colorbar(drawn, ax=made.axes[0], label="grey levels")
    return made


@drawing
def cycle(*, title: str, alt: str) -> LessonFigure:
    """Both sets, both generators and both discriminators of a CycleGAN, and the ways of an example of a and of one of b."""
    made = figure(title, size=(9.6, 3.9), alt=alt)
    axes = made.axes[0]
    axes.set_axis_off()
    axes.set(xlim=(0, 12.4), ylim=(0, 5))
    for y, first, second, there, back in ((4.1, "a", "b", "to_b", "to_a"), (0.9, "b", "a", "to_a", "to_b")):
        colours = (BLUE, ORANGE) if first == "a" else (ORANGE, BLUE)
        words = ((0.7, f"${first}$", colours[0]), (4.6, f"${second}'$", colours[1]), (8.5, f"${first}''$", colours[0]))
        for x, text, colour in words:
            axes.text(x, y, text, fontsize=20, color=colour, ha="center", va="center", fontweight="bold")
        for x, text in ((2.65, there), (6.55, back)):
            _box(axes, x, y, text, SKY)
            for start, end in ((x - 1.55, x - 0.85), (x + 0.85, x + 1.45)):
                _arrow(axes, (start, y), (end, y))
        _box(axes, 4.6, 2.5 + (y - 2.5) * 0.12 + (0.35 if y > 2.5 else -0.35), f"discriminator of {second}", "white")
        _arrow(axes, (4.6, y - 0.4 if y > 2.5 else y + 0.4), (4.6, 2.5 + (0.8 if y > 2.5 else -0.8)))
        bend = 0.75 if y > 2.5 else -0.75
        arc = f"arc3,rad={-0.12 if y > 2.5 else 0.12}"
        look = {"arrowstyle": "<->", "color": VERMILION, "linewidth": 1.6, "connectionstyle": arc}
        axes.annotate("", (8.5, y + bend * 0.45), (0.7, y + bend * 0.45), arrowprops=look)
        axes.text(9.5, y, f"cycle loss: mean $|{first}'' - {first}|$", fontsize=11.5, va="center", color=VERMILION)
    return made


def _box(axes, x: float, y: float, text: str, colour: str) -> None:
    wide = 0.6 + 0.16 * len(text)
    box = FancyBboxPatch(
        (x - wide / 2, y - 0.32), wide, 0.64, boxstyle="round,pad=0,rounding_size=0.1", facecolor=colour, edgecolor=BLACK
    )
    axes.add_patch(box)
    axes.text(x, y, text, fontsize=11.5, ha="center", va="center")


def _arrow(axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": BLACK, "linewidth": 1.4})
