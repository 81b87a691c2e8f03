"""Figures of scores: a distance over the count, known changes in order, and two scores of one model against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.images import square
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION

_COLOURS, _SIGNS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE), "osD^v"


class Line(NamedTuple):
    """Distances (K,) at counts (K,), and a straight line limit + slope / n through them, as `frechet_at_infinity` finds it."""

    counts: Sequence[float]
    distances: Sequence[float]
    limit: float
    slope: float


@drawing
def over_counts(lines: Mapping[str, Line], *, title: str, alt: str, ylabel: str = "FID") -> LessonFigure:
    """Distances over 1/n with their straight lines, which end at n = ∞ on the left edge. lines: name -> what was measured."""
    made = figure(title, size=(8.6, 4.4), alt=alt)
    axes = made.axes[0]
    longest = 1.05 * max(1 / min(line.counts) for line in lines.values())
    for index, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        ends = np.array([0, longest])
        axes.plot(ends, line.limit + line.slope * ends, color=colour, linewidth=1.5)
        label = f"{name}: {line.limit:.1f} at n = ∞"
        axes.plot(
            1 / np.array(line.counts, float), line.distances, _SIGNS[index % len(_SIGNS)], color=colour, markersize=8, label=label
        )
    counts = sorted({count for line in lines.values() for count in line.counts})
    axes.set_xticks([0, *(1 / count for count in counts)], ["∞", *(f"{count:,.0f}" for count in counts)], rotation=45)
    axes.set_xlabel("n, pictures of each set (placed at 1/n)", fontsize=12)
    axes.set_ylabel(ylabel, fontsize=12)
    axes.tick_params(labelsize=11)
    axes.set_xlim(-0.01 * longest, longest)
    axes.legend(fontsize=12)
    return made


@drawing
def changes(
    pictures, scores: Mapping[str, float], *, title: str, alt: str, xlabel: str = "FID", marked: Sequence[str] = ()
) -> LessonFigure:
    """One picture per change, and a bar of its score on a logarithmic axis: the smallest score above.

    Args:
        pictures: (R, 1, H, W) with values in [0, 1], one per row. scores: name -> score, in the same order.
        marked: names whose bars are orange.
    """
    parts, order = square(pictures), sorted(range(len(scores)), key=lambda row: list(scores.values())[row])
    names = list(scores)
    made = figure(title, size=(9.6, 0.42 * len(scores) + 1.1), alt=alt)
    axes = made.axes[0]
    lowest = 0.5 * min(scores.values())
    for place, row in enumerate(order):
        value, colour = scores[names[row]], ORANGE if names[row] in marked else BLUE
        axes.barh(-place, value - lowest, left=lowest, height=0.66, color=colour)
        axes.text(value * 1.06, -place, f"{value:.1f}", va="center", fontsize=12)
        picture = axes.inset_axes((-0.062, 1 - (place + 1) / len(order), 0.055, 1 / len(order)))
        picture.imshow(parts[row], cmap="gray", vmin=0, vmax=255)
        picture.set_axis_off()
    axes.set_xscale("log")
    axes.set_xlim(lowest, 3 * max(scores.values()))
    axes.set_ylim(-len(order) + 0.5, 0.5)
    axes.set_yticks([-place for place in range(len(order))], [names[row] for row in order], fontsize=12)
    axes.tick_params(axis="y", length=0, pad=46)
    axes.tick_params(axis="x", labelsize=11)
    axes.set_xlabel(xlabel, fontsize=12)
    return made


class Scored(NamedTuple):
    """One source of pictures with its two scores, and the kind of the second one: "exact", "bound" …"""

    name: str
    across: float
    up: float
    kind: str


@drawing
def two_scores(
    rows: Sequence[Scored], *, title: str, alt: str, xlabel: str, ylabel: str, size: tuple[float, float] = (10.0, 6.0)
) -> LessonFigure:
    """Each source at its two scores, both on logarithmic axes: the best corner is below on the left. One sign per kind."""
    made = figure(title, size=size, alt=alt)
    axes = made.axes[0]
    kinds = list(dict.fromkeys(row.kind for row in rows))
    for index, kind in enumerate(kinds):
        some = [row for row in rows if row.kind == kind]
        axes.plot(
            [row.across for row in some], [row.up for row in some], _SIGNS[index], color=_COLOURS[index], markersize=12,
            linestyle="none", label=kind,
        )  # fmt: skip
    for place, row in enumerate(sorted(rows, key=lambda row: row.across)):
        offset = (4, 14) if place % 2 else (8, -22)  # neighbours above and below in turn, clear of each other's signs
        axes.annotate(row.name, (row.across, row.up), xytext=offset, textcoords="offset points", fontsize=13, color=BLACK)
    axes.set(xscale="log", yscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.margins(x=0.22, y=0.12)
    axes.set_xlabel(xlabel, fontsize=13)
    axes.set_ylabel(ylabel, fontsize=13)
    axes.tick_params(labelsize=12, which="both")
    axes.legend(fontsize=12, loc="upper right")
    return made
