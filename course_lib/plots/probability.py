"""Figures of tables of probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, ORANGE


@drawing
def paired_bars(
    rows: Mapping[str, Tensor], names: Sequence[str], *, title: str, xlabel: str, ylabel: str, alt: str
) -> LessonFigure:
    """Two tables over the same states as bars side by side. rows: name -> probabilities (M,); names: of the M states."""
    made = figure(title, xlabel=xlabel, ylabel=ylabel, size=(9.5, 3.8), alt=alt)
    axes = made.axes[0]
    for k, ((name, probs), colour) in enumerate(zip(rows.items(), (ORANGE, BLUE), strict=True)):
        axes.bar([place + 0.4 * k for place in range(len(names))], probs.tolist(), width=0.4, label=name, color=colour)
    axes.set_xticks([place + 0.2 for place in range(len(names))])
    axes.set_xticklabels(names, fontsize=12, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.legend()
    return made
