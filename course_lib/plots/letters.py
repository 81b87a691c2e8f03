"""Figures of models of letters: transition tables, what hidden states emit, and nats against the number of states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.probability import paired_bars
from course_lib.plots.style import BLUE, VERMILION


@drawing
def transition_table(table: Tensor, names: Sequence[str], *, title: str, alt: str) -> LessonFigure:
    """A matrix p(next | this), (K, K), as a heat map with the letters on both axes."""
    made = figure(title, xlabel="next letter", ylabel="this letter", size=(7.0, 6.0), alt=alt)
    axes = made.axes[0]
    places = range(len(names))
    image = axes.imshow(table.numpy())
    axes.set(xticks=places, yticks=places)
    axes.set_xticklabels(names, fontsize=11)
    axes.set_yticklabels(names, fontsize=11)
    made.colorbar(image, label="probability")
    return made


@drawing
def emissions(rows: Mapping[str, Tensor], names: Sequence[str], *, title: str, alt: str) -> LessonFigure:
    """What each of two states emits, as bars side by side. rows: state -> probabilities (M), of the symbols with these names."""
    return paired_bars(rows, names, title=title, xlabel="letter", ylabel="p(letter | state)", alt=alt)


@drawing
def nats_by_states(starts: Mapping[int, Sequence[float]], lines: Mapping[str, float], *, title: str, alt: str) -> LessonFigure:
    """Nats per character against the number of hidden states: a dot per start, a curve through the means.

    starts: K -> the nats of every start. lines: name -> nats of models without hidden states, as horizontal lines.
    """
    made = figure(title, xlabel="hidden states K", ylabel="nats per character, test", size=(9.0, 4.8), alt=alt)
    axes = made.axes[0]
    means = [sum(values) / len(values) for values in starts.values()]
    axes.plot(list(starts), means, color=BLUE, label="HMM, the mean of its starts")
    for place, (states, values) in enumerate(starts.items()):
        label = {} if place else {"label": "HMM, one start"}
        axes.plot([states] * len(values), values, "o", color=BLUE, markersize=8, alpha=0.6, **label)
    for place, (name, value) in enumerate(lines.items()):
        axes.axhline(value, color=VERMILION, linestyle=("--", ":", "-.")[place % 3], label=f"{name}: {value:.3f}")
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(starts))
    axes.set_xticklabels([str(states) for states in starts])
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.95), fontsize=11)
    return made
