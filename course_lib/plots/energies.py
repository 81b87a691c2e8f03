"""Figures of energy models: a machine of two layers, what its learning does over time, Jacobians, and estimates that close in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, VERMILION


@drawing
def machine(visible: str, hidden: str, *, units: tuple[int, int] = (6, 4), title: str, alt: str) -> LessonFigure:
    """A restricted Boltzmann machine: units in two layers, and a line for each weight. visible, hidden: what each layer is."""
    made = figure(title, size=(8.4, 3.0), alt=alt)
    axes = made.axes[0]
    places = [np.linspace(-1, 1, count) * (1.0 if row == 0 else 0.7) for row, count in enumerate(units)]
    for x in places[0]:
        for h in places[1]:
            axes.plot([x, h], [0, 1], color="0.7", linewidth=1, zorder=1)
    for row, (name, colour) in enumerate(((visible, BLUE), (hidden, ORANGE))):
        axes.scatter(places[row], [row] * units[row], s=420, color=colour, edgecolor=BLACK, zorder=2)
        axes.text(1.2, row, name, fontsize=12, va="center")
    axes.text(1.2, 0.5, "weights W (V, H)", fontsize=12, va="center", color="0.35")
    axes.set(xlim=(-1.15, 2.9), ylim=(-0.35, 1.35))
    axes.axis("off")
    return made


@drawing
def likelihood_and_error(
    runs: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]], *, xlabel: str, title: str, alt: str
) -> LessonFigure:
    """Two panels over the same steps: exact nats, and reconstruction error. runs: name -> (steps, nats, errors)."""
    made = figure(title, columns=2, size=(11.0, 4.2), alt=alt)
    for (name, (steps, nats, errors)), colour, style in zip(
        runs.items(), (VERMILION, BLUE, GREEN), ("-", "--", ":"), strict=False
    ):
        for axes, values in zip(made.axes, (nats, errors), strict=True):
            axes.plot(steps, values, style, color=colour, linewidth=2.5, label=name)
    for axes, words in zip(made.axes, ("exact nats per example", "squared error of reconstructions"), strict=True):
        axes.set_xlabel(xlabel, fontsize=12)
        axes.set_title(words + " (less is better)", fontsize=12)
        axes.tick_params(labelsize=11)
    made.axes[0].legend(fontsize=12)
    return made


@drawing
def seeds(
    runs: Mapping[str, Sequence[Sequence[float]]], steps: Sequence[int], *, title: str, xlabel: str, ylabel: str, alt: str
) -> LessonFigure:
    """One thin line per seed and one thick line at the mean, for each setting. runs: name -> one row of values per seed."""
    made = figure(title, size=(8.4, 4.2), alt=alt)
    axes = made.axes[0]
    for (name, rows), colour, style in zip(runs.items(), (VERMILION, BLUE, GREEN), ("-", "--", ":"), strict=False):
        for row in rows:
            axes.plot(steps, row, style, color=colour, linewidth=0.8, alpha=0.5)
        axes.plot(steps, np.mean(rows, 0), style, color=colour, linewidth=3, label=name)
    axes.set_xlabel(xlabel, fontsize=12)
    axes.set_ylabel(ylabel, fontsize=12)
    axes.legend(fontsize=12)
    return made


@drawing
def jacobians(found: Mapping[str, Tensor], *, title: str, alt: str) -> LessonFigure:
    """For each matrix (P, P), its difference from its mirror image, on one scale. found: name -> Jacobian."""
    made = figure(title, columns=len(found), size=(4.3 * len(found), 4.0), alt=alt)
    gaps = {name: (jacobian - jacobian.T).numpy() for name, jacobian in found.items()}
    reach = max(np.abs(gap).max() for gap in gaps.values())
    for axes, (name, gap) in zip(list(made.axes), gaps.items(), strict=True):
        shown = axes.imshow(gap, cmap="PuOr", vmin=-reach, vmax=reach)
        axes.set_title(name, fontsize=11.5)
        axes.set(xlabel="parameter", ylabel="parameter")
    made.colorbar(shown, ax=made.axes, label="entry minus its mirrored entry")
    return made


@drawing
def survival(shares: Mapping[str, Sequence[float]], steps: Sequence[int], *, title: str, alt: str) -> LessonFigure:
    """The share of chains that are still of the class in which they began, after so many Gibbs steps."""
    made = figure(title, xlabel="Gibbs steps", ylabel="share still recognised as a 3", size=(8.4, 3.8), alt=alt)
    axes = made.axes[0]
    for (name, row), colour, mark in zip(shares.items(), (VERMILION, BLUE, GREEN), ("o", "s", "^"), strict=False):
        axes.plot(steps, row, f"-{mark}", color=colour, label=name)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks(list(steps), [str(step) for step in steps])
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=11)
    return made
