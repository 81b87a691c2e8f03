"""Figures of conditional models: the U-Net, where the game about a coin comes to rest, points by the label asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, ORANGE, PALETTE, SKY, VERMILION

MARKERS = "osD^vP*Xh"  # one per label
HOLLOW = {"color": "white", "markeredgecolor": "0.35", "markeredgewidth": 0.9}  # of labels beyond the colours


@drawing
def unet(shapes: Sequence[str], *, inputs: str, output: str, noise: str, title: str, alt: str) -> LessonFigure:
    """A U-Net: the way down on the left, the way up on the right, and the skips between them.

    shapes: of the maps from the full size down to the smallest. inputs, output, noise: what enters, what leaves, and the words
    beside the smallest maps, where the noise enters.
    """
    made = figure(title, size=(9.6, 1.15 * len(shapes) + 0.9), alt=alt)
    axes = made.axes[0]
    axes.set_axis_off()
    bottom = len(shapes) - 1
    axes.set(xlim=(-1.2, 2 * bottom + 1.2), ylim=(-bottom - 0.75, 0.45))
    for depth, shape in enumerate(shapes):
        for x in {float(depth), float(2 * bottom - depth)}:
            _box(axes, x, -depth, shape, SKY if depth < bottom else "white")
        if depth < bottom:
            _arrow(axes, (depth + 0.45, -depth), (2 * bottom - depth - 0.45, -depth), ORANGE)
            axes.text(bottom, -depth + 0.08, "skip", fontsize=11, color=BLACK, ha="center", va="bottom")
            _arrow(axes, (depth + 0.2, -depth - 0.24), (depth + 0.8, -depth - 0.76), BLACK)
            _arrow(axes, (2 * bottom - depth - 0.8, -depth - 0.76), (2 * bottom - depth - 0.2, -depth - 0.24), BLACK)
    for x, text in ((-1.15, inputs), (2 * bottom + 1.15, output)):
        axes.text(x, 0, text, fontsize=11, ha="left" if x < 0 else "right", va="center", linespacing=1.3)
    _arrow(axes, (-0.68, 0), (-0.44, 0), BLACK)
    _arrow(axes, (2 * bottom + 0.44, 0), (2 * bottom + 0.68, 0), BLACK)
    axes.text(bottom, -bottom - 0.35, noise, fontsize=11, color=VERMILION, ha="center", va="top")
    return made


def _box(axes, x: float, y: float, text: str, colour: str) -> None:
    box = FancyBboxPatch(
        (x - 0.42, y - 0.22), 0.84, 0.44, boxstyle="round,pad=0,rounding_size=0.05", facecolor=colour, edgecolor=BLUE
    )
    axes.add_patch(box)
    axes.text(x, y, text, fontsize=11, ha="center", va="center")


def _arrow(axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.6})


@drawing
def tosses(
    weights: Sequence[float],
    resting: Mapping[int, Sequence[float]],
    measured: Mapping[int, Sequence[float]],
    *,
    at: float,
    due: float,
) -> LessonFigure:
    """How often the rarer side of a coin is made, over the weight of the absolute error: theory as lines, runs as signs.

    resting: packing -> the share at each of the weights. measured: packing -> the share in each run, all at the weight `at`.
    due: the true share.
    """
    alt = f"Falling curves, one per packing ({', '.join(map(str, resting))}), from the true share {due}; runs as signs at {at}."
    title = "The stronger the absolute error, the rarer the toss"
    made = figure(title, xlabel="weight of the absolute error", ylabel="share of light fillings", size=(7.6, 4.8), alt=alt)
    axes = made.axes[0]
    axes.axhline(due, color="0.45", linewidth=1.2, linestyle=":")
    axes.text(weights[-1], due + 0.008, "the true coin", ha="right", va="bottom", fontsize=11, color="0.3")
    for place, (packing, shares) in enumerate(resting.items()):
        colour = PALETTE[place]
        axes.plot(
            weights, shares, color=colour, linestyle=("-", "--", "-.")[place % 3], label=f"packing of {packing}: rests here"
        )
        found = measured.get(packing, ())
        aside = weights[-1] / 40 * (place - (len(resting) - 1) / 2)  # so that no sign hides another
        spread = [at + aside + weights[-1] / 300 * (run - (len(found) - 1) / 2) for run in range(len(found))]
        axes.plot(
            spread, found, "osD"[place % 3], color=colour, markeredgecolor=BLACK, markersize=7,
            label=f"packing of {packing}: {len(found)} runs",
        )  # fmt: skip
    axes.set(ylim=(-0.02, due + 0.08), xlim=(0, weights[-1]))
    made.legend(fontsize=11, ncols=3, loc="outside lower center")
    return made


@drawing
def asked_points(panels: Mapping[str, Tensor], *, reach: float = 1.6) -> LessonFigure:
    """Planes side by side: the points (K, n, 2) that were made for each of K labels, in the label's colour and sign."""
    alt = "Points made for each label, one plane each for " + ", ".join(panels) + "; a colour and a sign per label."
    made = figure("What is made for each label (the first run)", columns=len(panels), size=(3.5 * len(panels), 4.4), alt=alt)
    for axes, (name, points) in zip(made.axes, panels.items(), strict=True):
        for label, cloud in enumerate(points):
            look = {"color": PALETTE[label], "markeredgewidth": 0, "alpha": 0.7} if label < len(PALETTE) else HOLLOW
            axes.plot(cloud[:, 1], cloud[:, 0], MARKERS[label % len(MARKERS)], markersize=5, label=f"{label}", **look)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="column")
        axes.set_title(name, fontsize=11)
    made.axes[0].set_ylabel("row")
    lines = made.axes[0].get_legend_handles_labels()
    made.legend(*lines, loc="outside lower center", ncols=9, title="label asked for (8 was never shown)", markerscale=1.8)
    return made
