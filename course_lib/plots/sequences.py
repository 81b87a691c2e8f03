"""Figures of models of sequences: how a training went step by step, and what a longer memory gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, GREEN, ORANGE, VERMILION

STYLES = ((VERMILION, "-"), (BLUE, "--"), (GREEN, "-."))


@drawing
def losses_and_norms(
    losses: Mapping[str, Sequence[float]], norms: Mapping[str, Sequence[float]], *, title: str, alt: str
) -> LessonFigure:
    """The loss at every step, and below it the length of the gradient before that step; one line per name."""
    made = figure(title, columns=2, size=(10.5, 3.9), alt=alt)
    panels = zip(list(made.axes), (losses, norms), ("nats per character", "length of the gradient"), strict=True)
    for axes, series, label in panels:
        for (name, values), (colour, line) in zip(series.items(), STYLES, strict=False):
            axes.plot(range(1, len(values) + 1), values, line, color=colour, linewidth=1.6, label=name)
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
