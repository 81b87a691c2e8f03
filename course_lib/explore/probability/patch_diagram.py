"""The nine pixels of a patch and the arrows of a factorisation, drawn fast enough for a click to show at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patches import Circle
from torch import Tensor

from course_lib import plots

SIDE, D = 3, 9
PLACES = torch.tensor([[d % SIDE, -(d // SIDE)] for d in range(D)]).float()  # (9, 2): where pixel d stands in the diagram
RADIUS = 0.27  # of its node


def _arrow(start: int, end: int) -> tuple[Tensor, Tensor]:
    """An arrow between the nodes of two pixels: its curve (20, 2) and its head (3, 2). It bends around a node between the two."""
    a, b = PLACES[start], PLACES[end]
    along = b - a
    bow = 0.34 if (along % 2 == 0).all() else 0.0  # only then does another node stand half-way
    bend = (a + b) / 2 + bow * torch.stack([along[1], -along[0]])  # control point of a quadratic Bézier curve
    a, b = a + RADIUS * (bend - a) / (bend - a).norm(), b + RADIUS * (bend - b) / (bend - b).norm()
    t = torch.linspace(0, 1, 20)[:, None]
    curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * bend + t**2 * b
    back = 0.13 * (bend - b) / (bend - b).norm()
    across = 0.4 * torch.stack([back[1], -back[0]])
    return curve, torch.stack([b, b + back + across, b + back - across])


class PatchDiagram:
    """The nine pixels and their arrows in one axes. Two artists hold all arrows, so that a click shows at once."""

    def __init__(self, axes):
        self.axes = axes
        axes.set(xlim=(-0.5, 2.5), ylim=(-2.5, 0.5), aspect="equal")
        axes.set_axis_off()
        self.curves = axes.add_collection(LineCollection([], colors=plots.BLUE, linewidths=1.3, zorder=1))
        self.heads = axes.add_collection(PolyCollection([], facecolors=plots.BLUE, zorder=3))
        for d, place in enumerate(PLACES.tolist()):
            axes.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor=plots.BLACK, zorder=2))
            axes.text(*place, f"x{'₁₂₃₄₅₆₇₈₉'[d]}", ha="center", va="center", zorder=3)

    def show(self, parents: Sequence[Sequence[int]]) -> None:
        """Move the arrows to this factorisation."""
        arrows = [_arrow(p, d) for d in range(D) for p in parents[d]]
        self.curves.set_segments([curve.numpy() for curve, _ in arrows])
        self.heads.set_verts([head.numpy() for _, head in arrows])
