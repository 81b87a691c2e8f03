"""Figures of normalising flows: equal masses on two lines, areas under a map, densities of the plane, and two diagrams."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from course_lib.plots.blocks import GOAL, LAYER, SEEN, STATE, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, ORANGE, SEQUENTIAL, VERMILION


@drawing
def equal_masses(
    x: Tensor, z: Tensor, p_x: Tensor, p_z: Tensor, pieces: Mapping[str, tuple[int, int]], *, title: str, alt: str
) -> LessonFigure:
    """A density of x and that of z = f(x), with pieces of the two lines that hold the same mass in one colour.

    x, z (N,): points and their images. p_x, p_z (N,): the two densities there. pieces: label -> first and last index.
    """
    made = figure(title, columns=2, size=(10.0, 3.4), alt=alt)
    for axes, places, density, name in zip(made.axes, (x, z), (p_x, p_z), ("x", "z"), strict=True):
        order = places.argsort()
        axes.plot(places[order].numpy(), density[order].numpy(), color="black")
        for (label, (first, last)), colour in zip(pieces.items(), (ORANGE, BLUE, VERMILION), strict=False):
            inside = slice(first, last + 1)
            mass = torch.trapezoid(density[inside], places[inside]).abs().item()
            axes.fill_between(places[inside], density[inside], color=colour, alpha=0.6, label=f"{label}: mass {mass:.3f}")
        axes.set(xlabel=name, ylabel=f"density of {name}", ylim=(0, 1.4 * density.max().item()))
        axes.legend(fontsize=10, loc="upper right")
    return made


@drawing
def areas(
    bend: Callable[[Tensor], Tensor], square: Tensor, image: Tensor, *, reach: float, names: tuple[str, str], title: str, alt: str
) -> LessonFigure:
    """A square grid and what a map makes of it, each with four filled corners.

    bend: points (N, 2) -> points (N, 2). square, image: corners (4, 2). reach: the grid goes from -reach to reach. names: of the
    two planes; their first letters name the axes.
    """
    at, along = torch.linspace(-reach, reach, 13), torch.linspace(-reach, reach, 61)
    upright = torch.stack(torch.meshgrid(at, along, indexing="ij"), -1)
    lines = torch.cat([upright, upright.flip(-1)]).to(square)  # (26, 61, 2)
    bent = bend(lines.reshape(-1, 2)).view_as(lines)
    made = figure(title, columns=2, size=(9.0, 4.4), alt=alt)
    for axes, every, corners, name in zip(made.axes, (lines, bent), (square, image), names, strict=True):
        for index, line in enumerate(every.tolist()):
            axes.plot(*zip(*line, strict=True), color=BLUE if index < len(every) // 2 else ORANGE, linewidth=0.8)
        axes.fill(*corners.T.tolist(), color=VERMILION, alpha=0.7)
        axes.set_title(name, fontsize=11.5)
        axes.set(xlabel=f"{name[0]}₁", ylabel=f"{name[0]}₂", aspect="equal")
    return made


@drawing
def landscapes(
    densities: Mapping[str, Tensor], reach: float, *, title: str, alt: str, points: Tensor | None = None
) -> LessonFigure:
    """Densities on a square grid, (n, n) each with x₂ upwards, side by side on one scale of colours, over (-reach, reach)².

    points: (N, 2), drawn over the first panel.
    """
    made = figure(title, columns=len(densities), size=(3.3 * len(densities) + 0.6, 3.7), alt=alt)
    top = max(values.quantile(0.995).item() for values in densities.values())
    for axes, (name, values) in zip(list(made.axes), densities.items(), strict=True):
        extent = (-reach, reach, -reach, reach)
        shown = axes.imshow(values.numpy(), origin="lower", extent=extent, cmap=SEQUENTIAL, vmin=0, vmax=top)
        axes.set_title(name, fontsize=11.5)
        axes.set(xlabel="x₁", ylabel="x₂" if axes is made.axes[0] else "")
    if points is not None:
        made.axes[0].plot(*points.T.numpy(), ".", color="white", markersize=1.5, alpha=0.6)
    made.colorbar(shown, ax=made.axes, label="density", shrink=0.85)
    return made


@drawing
def coupling_layer() -> LessonFigure:
    """One affine coupling: the kept half goes through, and a network reads from it how the other half is stretched and moved."""
    nodes = {
        "x1": Node(0.0, 1.4, "$x_1$", SEEN, 0.8),
        "x2": Node(0.0, 0.0, "$x_2$", SEEN, 0.8),
        "net": Node(2.6, 0.85, "network", LAYER, 1.2),
        "stretch": Node(3.6, 0.0, "× exp(s) + t", VALUE, 1.5),
        "z1": Node(6.2, 1.4, "$z_1 = x_1$", GOAL, 1.2),
        "z2": Node(6.2, 0.0, "$z_2$", GOAL, 0.8),
    }
    arrows = [
        Arrow("x1", "z1", "kept", shift=(-0.9, 0.15)),
        Arrow("x1", "net"),
        Arrow("net", "stretch", "s, t", strong=True, shift=(0.45, 0.05)),
        Arrow("x2", "stretch", "changed", shift=(-0.3, -0.17)),
        Arrow("stretch", "z2"),
    ]
    return diagram(
        nodes,
        arrows,
        title="An affine coupling: log |det| is the sum of s",
        alt="The half x1 goes straight to z1. A network reads x1 and gives s and t, by which x2 is stretched and moved to z2.",
    )


@drawing
def realnvp_of_digits() -> LessonFigure:
    """The flow of digits: histogram, couplings on three stages, and where half of the values are finished."""
    across = (0.0, 2.6, 5.3, 8.0, 10.9)
    nodes = {
        "x": Node(across[0], 0.0, "pixels y\nin (0, 1)", SEEN, 1.1, 0.7),
        "hist": Node(across[1], 0.0, "histogram,\nthen quantile", VALUE, 1.5, 0.7),
        "checker": Node(across[2], 0.0, "2 couplings,\ncheckerboard", LAYER, 1.5, 0.7),
        "wide": Node(across[3], 0.0, "4 couplings,\nchannels", LAYER, 1.4, 0.7),
        "deep": Node(across[4], 0.0, "8 couplings,\nchannels", LAYER, 1.4, 0.7),
        "early": Node(across[3] + 1.35, -1.4, "$z$", STATE, high=0.6),
        "late": Node(across[4] + 2.2, 0.0, "$z$", STATE, high=0.6),
    }
    arrows = [
        Arrow("x", "hist", "1×28×28", shift=(0.0, 0.28)),
        Arrow("hist", "checker", "1×28×28", shift=(0.0, 0.28)),
        Arrow("checker", "wide", "squeeze\n4×14×14", shift=(0.0, 0.42)),
        Arrow("wide", "deep", "squeeze\n8×7×7", shift=(0.0, 0.42)),
        Arrow("wide", "early", "half is done\n2×14×14", shift=(1.15, -0.05)),
        Arrow("deep", "late", "8×7×7", shift=(0.0, 0.28)),
    ]
    return diagram(
        nodes,
        arrows,
        title="RealNVP of digits: 784 numbers in, 784 numbers out, on three stages",
        alt="Pixels go through the histogram layer, two checkerboard couplings, a squeeze, four channel couplings; half of the "
        "channels are finished there, the others are squeezed once more and go through eight channel couplings.",
    )
