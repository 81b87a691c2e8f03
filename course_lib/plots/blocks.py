"""Diagrams of boxes and circles joined by arrows, at places that the caller chooses: the drawing behind `architectures`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION

LAYER, VALUE, SEEN, STATE, SUM, GOAL = "layer", "value", "seen", "state", "sum", "goal"
FILLED = {  # kind -> the colours of the inside and of the edge
    LAYER: (SKY, BLUE),  # with parameters
    VALUE: ("white", ORANGE),  # computed without parameters
    SEEN: ("#d9d9d9", BLACK),  # data
    STATE: ("white", BLACK),
    SUM: ("white", BLACK),
    GOAL: ("#cdeee2", GREEN),
}
ROUND = (STATE, SUM)
LETTER = 0.085  # about the width of a letter, in inches


@dataclass(frozen=True)
class Node:
    """Something in a diagram, at a place measured in units of one inch.

    text: may have line breaks and mathematics between dollars. kind: one of the names above. wide, high: of a box, in inches;
    the diameter of a circle is `high`.
    """

    x: float
    y: float
    text: str
    kind: str = LAYER
    wide: float = 1.3
    high: float = 0.5


@dataclass(frozen=True)
class Arrow:
    """An arrow from node to node, by their names.

    text: beside its middle, usually a shape. bend: how far it curves, 0 for a straight one. strong: thick and vermilion.
    dashed: for what is only drawn or copied. shift: moves the text, (x, y) in inches.
    """

    start: str
    end: str
    text: str = ""
    bend: float = 0.0
    strong: bool = False
    dashed: bool = False
    shift: tuple[float, float] = (0.0, 0.0)


@drawing
def diagram(
    nodes: Mapping[str, Node], arrows: Sequence[Arrow], *, title: str, alt: str, notes: Sequence[tuple[float, float, str]] = (),
    margin: float = 0.25,
) -> LessonFigure:  # fmt: skip
    """The nodes and arrows as a figure that is as large as they need.

    notes: (x, y, words) written beside the nodes, in inches. margin: around all of it.
    Raises ValueError where an arrow names a node that is not there, or a node is of an unknown kind.
    """
    strangers = {name for arrow in arrows for name in (arrow.start, arrow.end)} - set(nodes)
    if strangers:
        raise ValueError(f"arrows name {sorted(strangers)}; expected some of the nodes {sorted(nodes)}")
    unknown = {node.kind for node in nodes.values()} - set(FILLED)
    if unknown:
        raise ValueError(f"nodes are of the kinds {sorted(unknown)}; expected some of {sorted(FILLED)}")
    across = [node.x + side * _width(node) / 2 for node in nodes.values() for side in (-1, 1)]
    across += [edge for x, _, words in notes for edge in (x, x + LETTER * max(map(len, words.split("\n"))))]
    up = [node.y + side * node.high / 2 for node in nodes.values() for side in (-1, 1)] + [y for _, y, _ in notes]
    left, right, low, high = min(across) - margin, max(across) + margin, min(up) - margin, max(up) + margin
    made = figure(title, size=(right - left, high - low + 0.35), alt=alt)
    axes = made.axes[0]
    axes.set_axis_off()
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    drawn = {name: axes.add_patch(_shape(node)) for name, node in nodes.items()}
    for node in nodes.values():
        axes.text(node.x, node.y, node.text, ha="center", va="center", fontsize=11, color=BLACK, linespacing=1.2, zorder=4)
    for arrow in arrows:
        _draw(axes, arrow, nodes, drawn)
    for x, y, words in notes:
        axes.text(x, y, words, fontsize=11, color=BLACK, va="center", linespacing=1.2)
    return made


def _width(node: Node) -> float:
    return node.high if node.kind in ROUND else node.wide


def _shape(node: Node) -> Circle | FancyBboxPatch:
    inside, edge = FILLED[node.kind]
    if node.kind in ROUND:
        return Circle((node.x, node.y), node.high / 2, facecolor=inside, edgecolor=edge, linewidth=1.6, zorder=3)
    corner = (node.x - node.wide / 2, node.y - node.high / 2)
    return FancyBboxPatch(
        corner, node.wide, node.high, boxstyle="round,pad=0,rounding_size=0.08", facecolor=inside, edgecolor=edge,
        linewidth=1.6, zorder=3,
    )  # fmt: skip


def _draw(axes, arrow: Arrow, nodes: Mapping[str, Node], drawn: Mapping[str, Circle | FancyBboxPatch]) -> None:
    start, end = nodes[arrow.start], nodes[arrow.end]
    colour = VERMILION if arrow.strong else BLACK
    axes.add_patch(
        FancyArrowPatch(
            (start.x, start.y),
            (end.x, end.y),
            patchA=drawn[arrow.start],
            patchB=drawn[arrow.end],
            shrinkA=1,
            shrinkB=1,
            arrowstyle="-|>",
            mutation_scale=13,
            color=colour,
            linewidth=2.2 if arrow.strong else 1.3,
            linestyle="--" if arrow.dashed else "-",
            connectionstyle=f"arc3,rad={arrow.bend}",
            zorder=2,
        )
    )
    if arrow.text:
        x, y = (start.x + end.x) / 2 + arrow.shift[0], (start.y + end.y) / 2 + arrow.shift[1]
        halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axes.text(x, y, arrow.text, fontsize=11, color=colour, ha="center", va="center", bbox=halo, zorder=5)
