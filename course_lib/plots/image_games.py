"""Figures of GANs on images: their networks, gradients that vanish, remedies with all seeds, losses over time and steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import LogLocator, ScalarFormatter

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.networks import networks
from course_lib.plots.style import BLACK, BLUE, ORANGE, PALETTE, VERMILION

MARKS, LINES = ("o", "s", "^", "D"), ("-", "--", "-.", ":")


@drawing
def strips(rows: Mapping[str, Sequence[float]], *, title: str, xlabel: str, alt: str, first: str) -> LessonFigure:
    """Each row's numbers as dots on one logarithmic axis, their geometric mean as a bar, the row `first` and its range marked.

    rows: label -> the numbers of its seeds, from the top down.
    """
    made = figure(title, xlabel=xlabel, size=(9.0, 1.3 + 0.4 * len(rows)), alt=alt)
    axes = made.axes[0]
    axes.set_xscale("log")
    low, high = min(rows[first]), max(rows[first])
    axes.axvspan(low, high, color="0.9", zorder=0, label=f"range of “{first}”")
    for row, (label, values) in enumerate(rows.items()):
        colour = VERMILION if label == first else BLUE
        axes.plot(values, [-row] * len(values), "o", color=colour, markersize=7, alpha=0.75, markeredgecolor="white")
        axes.plot([np.exp(np.log(values).mean())] * 2, [-row - 0.3, -row + 0.3], color=BLACK, linewidth=2.5)
    axes.set_yticks([-row for row in range(len(rows))], list(rows), fontsize=11)
    axes.set_ylim(-len(rows) - 0.4, 0.6)  # one row more for the legend
    axes.legend(loc="lower right", fontsize=11)
    for which in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        which(ScalarFormatter())
    axes.xaxis.set_minor_locator(LogLocator(subs=(1.5, 2, 3, 4, 6, 8)))
    axes.tick_params(labelsize=11, which="both")
    axes.xaxis.label.set_size(11)
    return made


@drawing
def two_clocks(
    runs: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    title: str,
    ylabel: str,
    labels: tuple[str, str],
    alt: str,
) -> LessonFigure:
    """The same curves twice: on the left over the first clock, on the right over the second; all axes but the clocks' are shared.

    runs: label -> (values, first clock, second clock). labels: of the two clocks. The values' axis is logarithmic.
    """
    made = figure(title, columns=2, size=(10.0, 4.0), alt=alt, sharey=True)
    for index, (label, (values, *clocks)) in enumerate(runs.items()):
        for axes, clock in zip(made.axes, clocks, strict=True):
            style = {"color": PALETTE[(0, 3, 2)[index % 3]], "linestyle": LINES[index % 4], "marker": MARKS[index % 4]}
            axes.plot(clock, values, label=label, markersize=5, **style)
    for axes, name in zip(made.axes, labels, strict=True):
        axes.set(xlabel=name, yscale="log")
    made.axes[0].set_ylabel(ylabel)
    made.axes[1].legend(fontsize=10)
    return made


@drawing
def slopes_at(
    trained: Sequence[float], slopes: Mapping[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str, alt: str
) -> LessonFigure:
    """Lengths of gradients over the steps that the opponent had, on logarithmic axes; each line is named at its end."""
    made = figure(title, xlabel=xlabel, ylabel=ylabel, size=(8.5, 4.0), alt=alt)
    axes = made.axes[0]
    axes.set(xscale="log", yscale="log")
    for index, (label, values) in enumerate(slopes.items()):
        colour = (BLUE, VERMILION, ORANGE)[index % 3]
        axes.plot(trained, values, marker=MARKS[index % 4], linestyle=LINES[index % 4], color=colour)
        axes.annotate(
            label, (trained[-1], values[-1]), (8, 0), textcoords="offset points", color=colour, va="center", fontsize=12
        )
    axes.set_xlim(right=trained[-1] * 6)
    axes.tick_params(labelsize=11)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_size(11)
    return made


@drawing
def dcgan() -> LessonFigure:
    """Both players of `dcgan-mnist`, layer by layer."""
    up = ["z\n64", "*dense\nbatch norm\nReLU", "64 ×\n7 × 7", "*conv 3 × 3\nsub-pixel\nnorm, ReLU", "32 ×\n14 × 14"]
    up += ["*conv 3 × 3\nbatch norm\nReLU", "32 ×\n14 × 14", "*conv 3 × 3\nsub-pixel\nsigmoid", "1 ×\n28 × 28"]
    down = ["1 ×\n28 × 28", "*conv 5 × 5\nstride 2\nleaky ReLU", "32 ×\n14 × 14"]
    down += ["*conv 5 × 5\nstride 2\nnorm, leaky", "64 ×\n7 × 7", "*dense", "logit"]
    return networks(
        {"generator": up, "discriminator": down},
        title="dcgan-mnist: sides double on the way up, and halve on the way down",
        size=(11, 4.2),
        alt="Two rows of boxes. The generator turns 64 numbers into maps of 7 by 7, 14 by 14 and a picture of 28 by 28; the "
        "discriminator turns a picture into maps of 14 by 14 and 7 by 7, then into one logit.",
    )


@drawing
def style_generator() -> LessonFigure:
    """The two networks of a style-based generator (Karras, Laine & Aila 2019), with the sizes of the paper."""
    mapping = ["z\n512", "*8 dense\nlayers", "w\n512", "*dense, one\nper layer", "scales s"]
    synthesis = ["", "*learned\nconstant", "512 ×\n4 × 4", "*conv,\nscaled by s", "512 ×\n8 × 8", "*conv,\nscaled by s", "…"]
    return networks(
        {"mapping network": mapping, "synthesis network": synthesis},
        size=(9.0, 3.9),
        title="A style-based generator: the noise scales the channels of every layer",
        alt="Two rows of boxes: eight dense layers turn z into w; a learned constant passes through layers that are scaled by w.",
    )
