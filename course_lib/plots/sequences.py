"""Figures of models of sequences: how a training went step by step, and what a longer memory gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, GREEN, ORANGE, VERMILION

STYLES = ((VERMILION, "-"), (BLUE, "--"), (GREEN, "-."))


@drawing
def losses_and_norms(
    losses: Mapping[str, Sequence[Sequence[float]]], norms: Mapping[str, Sequence[Sequence[float]]], *, title: str, alt: str
) -> LessonFigure:
    """The loss at every step, and beside it the length of the gradient before that step.

    Of the runs of each name a line shows the middle one at every step, and a band reaches from the least to the greatest.
    """
    made = figure(title, columns=2, size=(10.5, 3.9), alt=alt)
    panels = zip(list(made.axes), (losses, norms), ("nats per character", "length of the gradient"), strict=True)
    for axes, series, label in panels:
        for (name, runs), (colour, line) in zip(series.items(), STYLES, strict=False):
            steps, sorted_runs = range(1, len(runs[0]) + 1), [sorted(values) for values in zip(*runs, strict=True)]
            least, middle, most = ([values[k] for values in sorted_runs] for k in (0, len(runs) // 2, -1))
            axes.fill_between(steps, least, most, color=colour, alpha=0.3, linewidth=0)
            axes.plot(steps, middle, line, color=colour, linewidth=1.6, label=name)
        axes.set(xlabel="step of gradient descent", ylabel=label, yscale="log")
    made.axes[0].set(yticks=[2, 5, 10, 20, 50], yticklabels=["2", "5", "10", "20", "50"])
    made.axes[0].minorticks_off()
    made.axes[0].legend()
    return made


@drawing
def memory_gains(network: Mapping[int, float], tables: Mapping[int, float], *, title: str, alt: str) -> LessonFigure:
    """Nats per character of a network and of n-grams by how many characters before the predicted one they know."""
    made = figure(
        title, xlabel="characters known before the one predicted", ylabel="nats per character", size=(8.0, 4.2), alt=alt
    )
    axes = made.axes[0]
    axes.plot(list(network), list(network.values()), "o-", color=BLUE, label="LSTM, told the last k")
    axes.plot(list(tables), list(tables.values()), "s--", color=ORANGE, label="n-gram with k before")
    axes.set(xscale="symlog", xticks=list(network), xticklabels=list(network))
    axes.legend()
    return made
