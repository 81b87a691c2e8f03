"""Figures of scores and of the chains that follow them: arrows over a density, variances, clouds, and two diagrams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_number
from course_lib.plots.blocks import GOAL, LAYER, SEEN, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, SEQUENTIAL, VERMILION

# of points (B, 2): vectors (B, 2)
Function = Callable[[Tensor], Tensor]


def lattice(reach: float, count: int) -> Tensor:
    """count² points of the square (-reach, reach)², (count², 2), row by row with x₂ upwards."""
    reach, count = check_number(reach, "reach", above=0), check_count(count, "count")
    line = torch.linspace(-reach, reach, count)
    return torch.cartesian_prod(line, line).flip(1)


@drawing
def fields(
    panels: Mapping[str, tuple[Tensor, Tensor]], reach: float, *, title: str, alt: str, longest: float = 3.0
) -> LessonFigure:
    """Arrows over colours, side by side. panels: name -> (colours (n, n) from 0 to 1, vectors (m², 2) on `lattice(reach, m)`).

    Colours are rounded to 17 steps, which keeps the picture small. longest: vectors beyond this length are drawn with it, so that
    their direction still shows.
    """
    made = figure(title, columns=len(panels), size=(max(5.0, 3.7 * len(panels)), 4.1 if len(panels) > 1 else 4.8), alt=alt)
    for axes, (name, (colours, vectors)) in zip(list(made.axes), panels.items(), strict=True):
        extent = (-reach, reach, -reach, reach)
        axes.imshow((16 * colours).round().numpy() / 16, origin="lower", extent=extent, cmap=SEQUENTIAL, vmin=0, vmax=1)
        x = lattice(reach, round(len(vectors) ** 0.5))
        drawn = vectors * (longest / vectors.norm(dim=1, keepdim=True).clamp(min=longest))
        axes.quiver(
            *x.T.numpy(), *drawn.T.numpy(), color="white", angles="xy", scale_units="xy", scale=longest / 0.7, width=0.006
        )
        axes.set_title(name if len(panels) > 1 else title, fontsize=11.5)
        axes.set(xlabel="x₁", ylabel="x₂" if axes is made.axes[0] else "", xlim=(-reach, reach), ylim=(-reach, reach))
    return made


@drawing
def compared(
    colours: Tensor, exact: Function, found: Function, reach: float, *, title: str, alt: str, longest: float = 3.0
) -> LessonFigure:
    """Three panels of `fields`: the arrows of two functions of points (B, 2) over the same colours (n, n), and their difference.

    The difference lies over its own length, yellow from `longest` on.
    """
    x, fine = lattice(reach, 15), lattice(reach, len(colours))
    gap = (found(fine) - exact(fine)).norm(dim=1).reshape(colours.shape)
    panels = {"exact score": (colours, exact(x)), "learned score": (colours, found(x))}
    panels[f"error (yellow: {longest:g} or more)"] = ((gap / longest).clamp(max=1), found(x) - exact(x))
    return fields(panels, reach, title=title, alt=alt, longest=longest)


@drawing
def bias(steps: Sequence[float], measured: Sequence[float], ends: Mapping[str, Tensor], *, title: str, alt: str) -> LessonFigure:
    """Left, the variance of chains against the step size, dots on the formula's line; right, ends of chains on N(0, 1).

    ends: name -> (n,).
    """
    made = figure(title, columns=2, size=(10.0, 3.8), alt=alt)
    left, right = made.axes
    line = np.linspace(0.01, 3.3, 100)
    left.plot(line, 1 / (1 - line / 4), color=BLUE, label="1 / (1 − ε/4)")
    left.plot(steps, measured, "o", color=VERMILION, markersize=8, label="chains")
    left.axhline(1, color="0.5", linestyle=":", label="the target")
    left.set(xlabel="step size ε", ylabel="variance", ylim=(0.8, 6))
    left.legend(fontsize=11)
    grid = np.linspace(-5, 5, 300)
    right.plot(grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), color=BLACK, label="the target N(0, 1)")
    for (name, x), colour in zip(ends.items(), (ORANGE, GREEN), strict=False):
        right.hist(x.numpy(), bins=60, range=(-5, 5), density=True, histtype="step", linewidth=2.5, color=colour, label=name)
    right.set(xlabel="x", ylabel="density", ylim=(0, 0.56))
    right.legend(fontsize=11, loc="upper left")
    return made


@drawing
def clouds(
    draws: Mapping[str, Tensor], mean: Tensor, covariance: Tensor, *, names: tuple[str, str], title: str, alt: str
) -> LessonFigure:
    """Draws (n, 2) side by side, each with the ellipse that holds 95 % of a Gaussian of this mean (2,) and covariance (2, 2)."""
    made = figure(title, columns=len(draws), size=(3.6 * len(draws), 3.9), alt=alt, sharex=True, sharey=True)
    angle = torch.linspace(0, 2 * torch.pi, 200)
    circle = torch.stack([angle.cos(), angle.sin()], 1).to(mean) * 5.991**0.5
    ellipse = mean + circle @ torch.linalg.cholesky(covariance).T
    for axes, (name, x) in zip(list(made.axes), draws.items(), strict=True):
        axes.plot(*x.T.numpy(), ".", color=BLUE, markersize=2.5, alpha=0.5)
        axes.plot(*ellipse.T.numpy(), color=VERMILION, linewidth=2.5)
        axes.set_title(name, fontsize=11.5)
        axes.set(xlabel=names[0], ylabel=names[1] if axes is made.axes[0] else "")
    return made


@drawing
def shares(found: Mapping[str, Sequence[float]], truth: float, *, title: str, xlabel: str, alt: str) -> LessonFigure:
    """One row per method with a dot per seed, and a dashed line at the true share."""
    made = figure(title, xlabel=xlabel, size=(9.0, 1.4 + 0.5 * len(found)), alt=alt)
    axes = made.axes[0]
    for row, (values, colour) in enumerate(zip(found.values(), (VERMILION, ORANGE, BLUE, GREEN), strict=False)):
        axes.plot(values, -row + np.linspace(-0.2, 0.2, len(values)), "o", color=colour, markersize=8, alpha=0.8)
    axes.axvline(truth, color=BLACK, linestyle="--", linewidth=1.5)
    axes.set_yticks([-row for row in range(len(found))], list(found), fontsize=11.5)
    axes.set(xlim=(0.3, 1.0), ylim=(-len(found) + 0.4, 0.6))
    axes.tick_params(axis="x", labelsize=11)
    return made


@drawing
def score_network() -> LessonFigure:
    """How a network of the score is trained: noise is added to the data, and the network is asked for minus that noise."""
    nodes = {
        "x": Node(0.0, 1.0, "data x", SEEN, 1.0),
        "e": Node(0.0, 0.0, "noise e", SEEN, 1.0),
        "y": Node(2.2, 0.5, "y = x + σ e", VALUE, 1.5),
        "net": Node(5.0, 0.5, "network\n3 hidden layers", LAYER, 1.6, 0.7),
        "s": Node(7.8, 0.5, "score s(y, σ)", GOAL, 1.5),
        "loss": Node(7.8, -0.8, "|σ s + e|²", VALUE, 1.4),
    }
    arrows = [
        Arrow("x", "y", "(B, 2)", shift=(0.0, 0.22)),
        Arrow("e", "y", "times σ", shift=(0.1, -0.24)),
        Arrow("y", "net", "y, log σ\n(B, 3)", shift=(0.0, 0.36)),
        Arrow("net", "s", "divided by σ\n(B, 2)", strong=True, shift=(0.0, 0.36)),
        Arrow("s", "loss"),
        Arrow("e", "loss", "the noise that was added", bend=0.25, dashed=True, shift=(0.0, -0.2)),
    ]
    return diagram(
        nodes,
        arrows,
        title="Denoising score matching: the network is asked for minus the noise, over σ",
        alt="Data and noise are added; a network reads the sum and log sigma; its answer over sigma is compared with the noise.",
        margin=0.45,
    )


@drawing
def deep_energy(values: int, hidden: int) -> LessonFigure:
    """A dense network as an energy: `values` numbers in, one number out, and its slope in each by back-propagation."""
    nodes = {
        "x": Node(0.0, 0.0, "example x", SEEN, 1.4),
        "one": Node(2.7, 0.0, "dense, SiLU", LAYER, 1.4),
        "two": Node(5.4, 0.0, "dense, SiLU", LAYER, 1.4),
        "E": Node(8.0, 0.0, "energy E(x)", GOAL, 1.4),
    }
    arrows = [
        Arrow("x", "one", f"{values}", shift=(0.0, 0.2)),
        Arrow("one", "two", f"{hidden}", shift=(0.0, 0.2)),
        Arrow("two", "E", f"{hidden} to 1", shift=(0.0, 0.2)),
        Arrow("E", "x", f"score −dE/dx, {values} numbers, by back-propagation", bend=-0.11, dashed=True, shift=(0.0, -0.72)),
    ]
    return diagram(
        nodes,
        arrows,
        title="A deep energy: one number per example, and its slope in every coordinate",
        alt="An example goes through two dense layers to one number; back-propagation gives its slope in the example.",
        margin=0.65,
    )
