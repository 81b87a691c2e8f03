"""Networks that read a picture pixel by pixel, each as one diagram with the shapes on its arrows."""

from __future__ import annotations

from course_lib.plots.blocks import GOAL, LAYER, SEEN, SUM, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure
from course_lib.plots.given import drawing


@drawing
def two_stacks() -> LessonFigure:
    """One block of the gated PixelCNN: the vertical stack, the step down by a row, the horizontal stack."""
    nodes = {
        "v": Node(0.0, 0.0, "vertical maps", SEEN, 1.9, 0.5),
        "wide": Node(0.0, 1.15, "2 × 3 kernel, both sides:\nrow i and the row above", LAYER, 2.4, 0.7),
        "vgate": Node(0.0, 2.9, "gate: $\\tanh(a) \\odot \\sigma(b)$", VALUE, 2.3, 0.5),
        "vout": Node(0.0, 4.9, "vertical maps", GOAL, 1.9, 0.5),
        "link": Node(3.2, 1.15, "1 × 1 kernel", LAYER, 1.4, 0.5),
        "down": Node(3.2, 2.1, "moved down\nby one row", VALUE, 1.5, 0.7),
        "h": Node(6.6, 0.0, "horizontal maps", SEEN, 1.9, 0.5),
        "left": Node(6.6, 1.15, "1 × 3 kernel, mask B:\nown row, not the right", LAYER, 2.3, 0.7),
        "plus": Node(6.6, 2.1, "+", SUM, high=0.4),
        "hgate": Node(6.6, 2.9, "gate: $\\tanh(a) \\odot \\sigma(b)$", VALUE, 2.3, 0.5),
        "mix": Node(6.6, 3.6, "1 × 1 kernel", LAYER, 1.4, 0.5),
        "add": Node(6.6, 4.25, "+", SUM, high=0.4),
        "kept": Node(9.3, 2.1, "unchanged", VALUE, 1.2, 0.5),
        "hout": Node(6.6, 4.9, "horizontal maps", GOAL, 1.9, 0.5),
    }
    arrows = [
        Arrow("v", "wide", "F"), Arrow("wide", "vgate", "2 F"), Arrow("vgate", "vout", "F"),
        Arrow("wide", "link", "2 F", strong=True), Arrow("link", "down", strong=True), Arrow("down", "plus", "2 F", strong=True),
        Arrow("h", "left", "F"), Arrow("left", "plus"), Arrow("plus", "hgate"), Arrow("hgate", "mix"), Arrow("mix", "add"),
        Arrow("add", "hout"), Arrow("h", "kept"), Arrow("kept", "add"),
    ]  # fmt: skip
    return diagram(
        nodes,
        arrows,
        title="One block of the gated PixelCNN: the thick path tells the pixel's own row what lies above it",
        alt="Left, the vertical stack: maps, a kernel that looks to both sides, a gate, maps. Right, the horizontal stack: a "
        "masked kernel one row high, a gate, and what came in is added. A thick path leads from the vertical kernel through a "
        "1 × 1 kernel, moved down by one row, to a sum in the horizontal stack.",
    )
