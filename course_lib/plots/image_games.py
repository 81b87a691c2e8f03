"""Figures of GANs on images: gradients that vanish, remedies with all their seeds, and losses over time and over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.style import BLACK, BLUE, ORANGE, PALETTE, VERMILION

MARKS, LINES = ("o", "s", "^", "D"), ("-", "--", "-.", ":")


def strips(rows: Mapping[str, Sequence[float]], *, title: str, xlabel: str, alt: str, first: str) -> LessonFigure:
    """Each row's numbers as dots on one logarithmic axis, its mean as a bar, the row `first` and its range marked.

    rows: label -> the numbers of its seeds, from the top down.
    """
    made = figure(title, xlabel=xlabel, size=(9.0, 0.9 + 0.4 * len(rows)), alt=alt)
    axes = made.axes[0]
    axes.set_xscale("log")
    low, high = min(rows[first]), max(rows[first])
    axes.axvspan(low, high, color="0.9", zorder=0, label=f"range of “{first}”")
    for row, (label, values) in enumerate(rows.items()):
        colour = VERMILION if label == first else BLUE
        axes.plot(values, [-row] * len(values), "o", color=colour, markersize=7, alpha=0.75, markeredgecolor="white")
        axes.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color=BLACK, linewidth=2.5)
    axes.set_yticks([-row for row in range(len(rows))], list(rows), fontsize=11)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.legend(loc="lower right", fontsize=11)
    axes.tick_params(labelsize=11)
    axes.xaxis.label.set_size(11)
    return made


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
