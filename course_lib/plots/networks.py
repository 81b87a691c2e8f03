"""Diagrams of networks: one row of layers per network, the shapes on the arrows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import FancyBboxPatch

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, ORANGE, SKY

STEP, WIDE, HIGH = 1.0, 0.62, 0.5  # from box to box, and the size of a box, as shares of a row


@drawing
def networks(
    rows: Mapping[str, Sequence[str]], *, title: str, alt: str, size: tuple[float, float] | None = None, learned: str = "*"
) -> LessonFigure:
    """Networks drawn from left to right, one below the other.

    Args:
        rows: name -> shapes and layers in turn: what enters ("" for nothing), the first layer, what leaves it, …, what comes
            out. A line break in a text starts a new line.
        title: of the figure. alt: its text alternative.
        size: in inches; by default 1.9 per layer and 1.5 per row.
        learned: a layer whose text begins so has parameters, and is filled blue; the sign itself is not drawn.

    Raises ValueError where a row does not begin and end with a shape.
    """
    for name, parts in rows.items():
        if len(parts) < 3 or len(parts) % 2 == 0:
            raise ValueError(f"row {name!r} has {len(parts)} parts; expected shape, layer, shape, …, layer, shape")
    longest = max(len(parts) // 2 for parts in rows.values())
    made = figure(title, size=size or (min(11.5, 1.9 * longest), 1.5 * len(rows) + 0.4), alt=alt)
    axes = made.axes[0]
    axes.set_axis_off()
    axes.set(xlim=(-0.72, longest - 0.28), ylim=(-len(rows) + 0.65, 0.62))
    for row, (name, parts) in enumerate(rows.items()):
        axes.text(-0.68, -row + 0.5, name, fontsize=12, fontweight="bold", color=BLACK, va="center")
        for place, (shape, layer) in enumerate(zip(parts[::2], parts[1::2], strict=False)):
            _box(axes, place * STEP, -row, layer, learned)
            if place or shape:
                _arrow(axes, place * STEP - STEP + WIDE / 2, place * STEP - WIDE / 2, -row, shape)
        last = (len(parts) // 2 - 1) * STEP
        _arrow(axes, last + WIDE / 2, last + STEP - WIDE / 2, -row, parts[-1])
    return made


def _box(axes, x: float, y: float, text: str, learned: str) -> None:
    filled = text.startswith(learned)
    box = FancyBboxPatch(
        (x - WIDE / 2, y - HIGH / 2), WIDE, HIGH, boxstyle="round,pad=0,rounding_size=0.05",
        facecolor=SKY if filled else "white", edgecolor=BLUE if filled else ORANGE, alpha=1.0, linewidth=1.6,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(x, y, text.removeprefix(learned), ha="center", va="center", fontsize=11, color=BLACK, linespacing=1.25)


def _arrow(axes, start: float, end: float, y: float, shape: str) -> None:
    axes.annotate("", (end - 0.02, y), (start + 0.02, y), arrowprops={"arrowstyle": "-|>", "color": BLACK, "linewidth": 1.4})
    axes.text((start + end) / 2, y + 0.06, shape, ha="center", va="bottom", fontsize=11, color=BLACK, linespacing=1.1)
