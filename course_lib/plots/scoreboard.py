"""Figures of the scoreboard: likelihoods with what their kinds say of the truth."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.lines import Line2D

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, ORANGE, VERMILION

TINTS = {"exact": BLUE, "bound": ORANGE, "estimate": VERMILION}
WORDS = {
    "exact": "exact ± 2 standard errors",
    "bound": "bound: the truth lies to the left",
    "estimate": "estimate, or between two",
}


@drawing
def likelihood_ranges(
    readings: Sequence[tuple[str, str, float, float, float | None]],
    *,
    told: bool,
    title: str,
    alt: str,
    ends: tuple[float, float],
) -> LessonFigure:
    """One line per reading: a bare dot, or with what its kind says of the truth.

    Args:
        readings: (name, kind, value, standard error, a second estimate or None), in nats.
        told: draw the kinds: an exact number with two standard errors, a bound as a dot whose truth lies anywhere to its left, an
            estimate with two errors or as a bar to the second estimate. Without it all are dots of one colour.
        ends: of the axis.
    """
    made = figure(title, size=(9.6, 0.32 * len(readings) + 1.6), alt=alt)
    axes = made.axes[0]
    for row, (_, kind, value, error, other) in enumerate(readings):
        colour, y = TINTS[kind] if told else BLACK, -row
        axes.plot([value], [y], "o", color=colour, markersize=8, zorder=3)
        if not told:
            continue
        if kind == "bound":
            axes.plot([ends[0], value], [y, y], ":", color=colour, linewidth=2)
            axes.plot([ends[0] + 0.012 * (ends[1] - ends[0])], [y], "<", color=colour, markersize=8)
        else:
            low, high = (value - 2 * error, value + 2 * error) if other is None else sorted((value, other))
            axes.plot([low, high], [y, y], color=colour, linewidth=4, alpha=0.6, zorder=2)
    axes.set_yticks([-row for row in range(len(readings))], [name for name, *_ in readings], fontsize=11)
    axes.set_xlim(*ends)
    axes.set_xlabel("nats per binary test digit (less is better)", fontsize=12)
    axes.tick_params(axis="x", labelsize=11)
    axes.grid(axis="x", color="0.9")
    if told:
        found = [kind for kind in WORDS if any(reading[1] == kind for reading in readings)]
        handles = [Line2D([], [], color=TINTS[kind], marker="o", linewidth=3, label=WORDS[kind]) for kind in found]
        made.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=10.5)
    return made
