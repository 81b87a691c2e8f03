"""Figures of critics: what clipping does to weights and slopes, and estimates beside exact distances over a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION

COLOURS, MARKS = (BLUE, VERMILION, ORANGE, PURPLE), ("o", "s", "^", "D")


@drawing
def clipping(weights: Tensor, clip: float, slopes: Mapping[str, Sequence[float]], *, title: str, alt: str) -> LessonFigure:
    """Left, a histogram of a critic's weights (N,), which were cut to ±clip; right, lengths of gradients by layer.

    slopes: name -> the mean length of the gradient that reaches each layer, from the first layer to the last.
    """
    made = figure(title, columns=2, size=(10.0, 3.9), alt=alt)
    left, right = made.axes
    left.hist(weights.detach().numpy(), bins=np.linspace(-1.05 * clip, 1.05 * clip, 43), color=BLUE)
    left.set_xlabel(f"weight, cut to ±{clip:g}", fontsize=12)
    left.set_ylabel("number of weights", fontsize=12)
    for index, (name, values) in enumerate(slopes.items()):
        colour, mark = COLOURS[index % 4], MARKS[index % 4]
        places = np.arange(1, len(values) + 1)
        right.plot(places, values, color=colour, marker=mark)
        right.annotate(
            name, (places[0], values[0]), (-8, 0), textcoords="offset points", color=colour, ha="right", va="center", fontsize=12
        )
    right.set(yscale="log", xlim=(1 - 0.45 * len(places), len(places) + 0.3), xticks=places)
    right.set_xlabel("hidden layer, counted from the input", fontsize=12)
    right.set_ylabel("length of the gradient", fontsize=12)
    return made


@drawing
def beside_transport(
    settings: Mapping[str, tuple[Sequence[int], np.ndarray, np.ndarray]], *, title: str, alt: str
) -> LessonFigure:
    """One panel per setting: exact distances and critics' estimates over a training, a thin line per seed, readable from afar.

    settings: name -> (steps (F,), exact distances (S, F), estimates (S, F)).
    """
    made = figure(title, columns=len(settings), size=(11.0, 4.6), alt=alt)
    for index, (axes, (name, (steps, exact, estimates))) in enumerate(zip(made.axes, settings.items(), strict=True)):
        for seed in range(len(exact)):
            axes.plot(steps, exact[seed], color=GREEN, linewidth=1.8, label="exact" if seed == 0 else None)
            axes.plot(steps, estimates[seed], color=BLACK, linewidth=1.2, label="critic" if seed == 0 else None)
        axes.axhline(0, color="0.7", linewidth=1, zorder=0)
        axes.set_title(name, fontsize=13)
        axes.set_xlabel("moves of the generator", fontsize=12)
        axes.tick_params(labelsize=11)
        if index == 0:
            axes.set_ylabel("distance, units of x", fontsize=12)
            axes.legend(fontsize=12)
    return made
