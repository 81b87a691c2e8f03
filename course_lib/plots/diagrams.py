"""Diagrams: how a distribution factorises, and trees of kinds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE

_PLAIN = str.maketrans("", "", "${}_")  # TeX signs that a reader of the text alternative should not hear


@drawing
def factorisation(
    parents: Mapping[str, Sequence[str]] | Sequence[Sequence[int]], *, title: str = "", alt: str = "",
    positions: Mapping[str, tuple[float, float]] | None = None, shaded: Sequence[str] = (), into: LessonFigure | None = None,
    size: tuple[float, float] | None = None,
) -> LessonFigure:  # fmt: skip
    """The diagram of a factorisation p(x) = ∏ p(x_d | parents of x_d): one node per variable, an arrow from each parent.

    Args:
        parents: of each variable, by name, in the order in which they are drawn (left to right); or a list of lists of
            indices from 0, named x₁, x₂, …
        positions: of the nodes by name, where they do not stand in a line (the pixels of a patch: (column, -row)).
        shaded: names of the observed variables, filled grey.
        into: a figure that this function made before; it is drawn again in place, as an explorer needs it.
    """
    if not isinstance(parents, Mapping):
        names = [f"$x_{{{index + 1}}}$" for index in range(len(parents))]
        parents = {names[index]: [names[other] for other in of] for index, of in enumerate(parents)}
    names = list(parents)
    strangers = {other for of in parents.values() for other in of} - set(names)
    if strangers:
        raise ValueError(f"parents {sorted(strangers)} are not among the variables {names}")
    where = positions or {name: (index, 0.0) for index, name in enumerate(names)}
    made = into or figure(title, size=size or (max(4.0, min(10.0, 1.1 * len(names) + 1)), 2.6 if positions is None else 4.0))
    said = {name: name.translate(_PLAIN) for name in names}
    rows = "; ".join(f"{said[name]} given {', '.join(said[other] for other in of) or 'nothing'}" for name, of in parents.items())
    made.alt = alt or f"{title.rstrip('.')}. {rows}"
    axes = made.axes[0]
    axes.clear()
    axes.set_title(title)
    axes.set_axis_off()
    axes.set_aspect("equal")
    nodes = {}
    for name in names:
        fill = "#d9d9d9" if name in shaded else "white"
        nodes[name] = axes.add_patch(Circle(where[name], 0.26, facecolor=fill, edgecolor=BLACK, zorder=2))
        axes.text(*where[name], name, ha="center", va="center", zorder=3)
    for name, of in parents.items():
        for other in of:
            _arrow(axes, nodes[other], nodes[name], curved=positions is None)
    across, up = ([point[axis] for point in where.values()] for axis in (0, 1))
    reach = max((abs(names.index(name) - names.index(other)) for name, of in parents.items() for other in of), default=0)
    axes.set_xlim(min(across) - 0.5, max(across) + 0.5)
    axes.set_ylim(min(up) - 0.5, max(up) + (0.5 if positions else 0.5 + 0.22 * reach))
    return made


def _arrow(axes: Axes, start: Circle, end: Circle, *, curved: bool) -> None:
    """An arrow from node to node; where the nodes stand in a line, it bends around the nodes between the two."""
    distance = math.dist(start.center, end.center)
    bow = (
        -0.45 * (1 if end.center[0] > start.center[0] else -1) if curved and distance > 1.01 else -0.12 if distance > 1.5 else 0.0
    )
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "color": BLUE, "linewidth": 1.4, "connectionstyle": f"arc3,rad={bow}"}
    ends = {"posA": start.center, "posB": end.center, "patchA": start, "patchB": end, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(**ends, **style))


@drawing
def tree(rows: Sequence[tuple[int, str]], *, title: str, alt: str = "") -> LessonFigure:
    """A tree written from the top down, one line per node, like the listing of a folder.

    rows: (depth, label) of each node in depth-first order from the root at depth 0.
    Raises ValueError when the depths do not describe a tree.
    """
    if not rows or rows[0][0] != 0 or any(deep > above + 1 for (above, *_), (deep, *_) in itertools.pairwise(rows)):
        raise ValueError(f"rows have the depths {[depth for depth, *_ in rows]}; expected 0 first, and steps down by 1 at most")
    made = figure(title, size=(8.0, 0.6 + 0.24 * len(rows)), alt=alt)
    axes = made.axes[0]
    axes.set_axis_off()
    right = max(
        depth / max(0.2, 1 - 0.0115 * len(label)) for depth, label in rows
    )  # one letter takes about this share of the width
    axes.set(xlim=(-0.1, max(right, max(depth for depth, *_ in rows) + 2.5)), ylim=(-len(rows) + 0.5, 0.5))
    last: dict[int, int] = {}  # depth -> the line of the latest node there
    for line, (depth, label) in enumerate(rows):
        if depth:
            elbow = depth - 0.75
            axes.plot([elbow, elbow, depth - 0.1], [-last[depth - 1] - 0.35, -line, -line], color="0.6", linewidth=1.2)
        axes.text(depth, -line, label, va="center", color=BLACK, fontweight="bold")
        last[depth] = line
    return made
