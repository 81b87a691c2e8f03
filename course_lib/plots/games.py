"""Figures of games between two networks: moves on a line, clouds of points with their modes, and every seed of a study."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, PALETTE, VERMILION


@drawing
def moves(x: Tensor, real: Tensor, turns: Mapping[str, tuple[Tensor, Tensor]], *, title: str, alt: str) -> LessonFigure:
    """One panel per moment of a game on a line.

    x (N,): places. real (N,): the data's density. turns: what the moment is called -> the fake density (N,) and D (N,).
    """
    made = figure(title, columns=len(turns), size=(2.9 * len(turns), 3.2), alt=alt, sharey=True)
    for index, (axes, (name, (fake, judged))) in enumerate(zip(made.axes, turns.items(), strict=True)):
        axes.fill_between(x.numpy(), real.numpy(), color=BLUE, alpha=0.35, label="real p")
        axes.plot(x.numpy(), fake.numpy(), color=VERMILION, label="fake q")
        axes.plot(x.numpy(), judged.numpy(), color=BLACK, linestyle="--", linewidth=1.5, label="D(x)")
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="x", ylabel="density, probability" if index == 0 else "", ylim=(0, 1.1))
        axes.set_xticks([-5, 0, 5])
    made.axes[0].legend(loc="upper right", fontsize=10)
    return made


@drawing
def clouds(sets: Mapping[str, Tensor], centres: Tensor, *, title: str, alt: str) -> LessonFigure:
    """Clouds of points (N, 2) side by side on one scale, with a grey ring around each of the centres (K, 2)."""
    made = figure(title, columns=len(sets), size=(min(11.0, 3.6 * len(sets)), 3.9), alt=alt)
    reach = 1.35 * centres.abs().max().item()
    for axes, (name, x) in zip(made.axes, sets.items(), strict=True):
        axes.plot(*centres.T.numpy(), "o", color="0.6", markersize=12, fillstyle="none", markeredgewidth=1.2)
        axes.plot(*x.detach().T.numpy(), ".", color=BLUE, markersize=3, alpha=0.6)
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="x₁", ylabel="x₂", xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return made


@drawing
def every_seed(
    rows: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    title: str,
    alt: str,
    marks: Mapping[str, tuple[float, str]] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> LessonFigure:
    """One panel per measure, one line per setting, a dot per seed and a bar at the mean: readable from the last row.

    rows: setting -> {measure: the numbers of its seeds}, from the top down; a name that begins with "…" adds to the row above.
    marks: measure -> (number, words), a dashed line. limits: measure -> the ends of its axis.
    """
    names = list(next(iter(rows.values())))
    made = figure(title, columns=len(names), size=(11.0, 1.3 + 0.48 * len(rows)), alt=alt, sharey=True)
    for axes, measure in zip(made.axes, names, strict=True):
        for row, (values, colour) in enumerate(zip((found[measure] for found in rows.values()), _colours(rows), strict=True)):
            shift = np.linspace(-0.18, 0.18, len(values))  # equal numbers lie side by side
            axes.plot(values, -row + shift, "o", color=colour, markersize=7, alpha=0.8, markeredgecolor="white")
            axes.plot([np.mean(values)] * 2, [-row - 0.34, -row + 0.34], color=BLACK, linewidth=2.5)
        if marks and measure in marks:
            place, words = marks[measure]
            axes.axvline(place, color="0.35", linestyle="--", linewidth=1.3, zorder=0)
            axes.set_title(words, fontsize=10.5)
        axes.set_xlabel(measure, fontsize=11.5)
        axes.tick_params(axis="x", labelsize=11)
        if limits and measure in limits:
            axes.set_xlim(*limits[measure])
    made.axes[0].set_yticks([-row for row in range(len(rows))], list(rows), fontsize=11.5)
    made.axes[0].set_ylim(-len(rows) + 0.4, 0.6)
    return made


def _colours(labels: Iterable[str]) -> list[str]:
    """A colour per row; a row whose label begins with "…" has that of the row above it."""
    groups = itertools.accumulate(0 if label.startswith("…") else 1 for label in labels)
    return [PALETTE[:4][(group - 1) % 4] for group in groups]


@drawing
def over_time(
    runs: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    title: str,
    labels: tuple[str, str],
    alt: str,
) -> LessonFigure:
    """For each run a panel with a loss (left axis, dashed) and a figure of merit (right axis) over the same steps.

    runs: name -> (steps, losses, merits). labels: of the two axes.
    """
    made = figure(title, xlabel="moves of the generator", columns=len(runs), size=(min(5.2 * len(runs), 13.0), 3.6), alt=alt)
    for axes, (name, (steps, losses, merits)) in zip(list(made.axes), runs.items(), strict=True):
        axes.plot(steps, losses, "--", color=VERMILION, label=labels[0])
        axes.set_ylabel(labels[0], color=VERMILION, fontsize=11)
        axes.set_title(name, fontsize=11.5)
        right = axes.twinx()
        right.plot(steps, merits, color=BLUE, label=labels[1])
        right.set_ylabel(labels[1], color=BLUE, fontsize=11)
        right.spines["right"].set_visible(True)
    return made
