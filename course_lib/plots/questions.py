"""Figures of lesson 01: the distributions of one labelled cloud, the families of models, two learners against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from course_lib.plots.blocks import GOAL, LAYER, SEEN, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, ORANGE


@drawing
def three_distributions(
    log_joint: Callable[[Tensor], Tensor], spans: Sequence[tuple[float, float]], x: Tensor, y: Tensor, *, title: str, alt: str
) -> LessonFigure:
    """p(x), p(x, y = 1) and p(y = 1 | x) over the plane, each with the points x (N, 2), which are labelled y (N,), 0 or 1.

    log_joint: points (B, 2) -> log p(x, y) for both labels, (B, 2).
    """
    across, up = (torch.linspace(low, high, 121) for low, high in spans)
    grid = torch.stack(torch.meshgrid(across, up, indexing="xy"), -1).reshape(-1, 2)
    joint = log_joint(grid)
    maps = {
        "p(x)": joint.logsumexp(1).exp(),
        "p(x, y = 1)": joint[:, 1].exp(),
        "p(y = 1 | x)": joint.softmax(1)[:, 1],
    }
    made = figure(title, xlabel="x₁", columns=3, size=(12.0, 4.0), alt=alt, sharey=True)
    panels = list(made.axes)
    panels[0].set_ylabel("x₂")
    for axes, (name, values) in zip(panels, maps.items(), strict=True):
        shades = axes.pcolormesh(across.numpy(), up.numpy(), values.reshape(121, 121).numpy(), cmap="cividis")
        for label, mark in ((0, "o"), (1, "^")):
            axes.plot(*x[y == label].numpy().T, mark, color="white", markersize=2.5, markeredgecolor="black", markeredgewidth=0.3)
        axes.set(title=name, xlim=spans[0], ylim=spans[1])
        made.colorbar(shades, ax=axes, label="probability" if "|" in name else "density")
    return made


@drawing
def families() -> LessonFigure:
    """What a model can tell of p(x): the branches of the family tree, with the lessons that teach them."""
    nodes = {
        "root": Node(6.2, 4.2, "generative models", SEEN, 2.2, 0.5),
        "explicit": Node(4.0, 3.1, "explicit: has a density", VALUE, 2.4, 0.5),
        "implicit": Node(11.2, 3.1, "implicit: only draws", VALUE, 2.2, 0.5),
        "exact": Node(2.0, 2.0, "tractable: exact log p(x)", VALUE, 2.6, 0.5),
        "near": Node(7.6, 2.0, "approximate: a bound, or up to a constant", VALUE, 4.1, 0.5),
        "tables": Node(0.0, 0.75, "tables,\nmixtures, HMMs\n02 to 05", LAYER, 1.65, 0.95),
        "auto": Node(1.95, 0.75, "autoregressive\n06 to 10", LAYER, 1.65, 0.95),
        "flows": Node(3.9, 0.75, "flows\n21", LAYER, 1.3, 0.95),
        "vae": Node(5.8, 0.75, "VAEs: bound\n12 to 14", LAYER, 1.5, 0.95),
        "diffusion": Node(7.6, 0.75, "diffusion:\nbound\n22, 23", LAYER, 1.4, 0.95),
        "energy": Node(9.4, 0.75, "energies:\nto a constant\n20, 22", LAYER, 1.5, 0.95),
        "gan": Node(11.2, 0.75, "GANs\n15 to 19", GOAL, 1.3, 0.95),
    }
    pairs = [("root", "explicit"), ("root", "implicit"), ("explicit", "exact"), ("explicit", "near"), ("exact", "tables"),
             ("exact", "auto"), ("exact", "flows"), ("near", "vae"), ("near", "diffusion"), ("near", "energy"),
             ("implicit", "gan")]  # fmt: skip
    return diagram(
        nodes,
        [Arrow(*pair) for pair in pairs],
        title="What can a model tell of p(x)? The numbers are lessons",
        alt="A tree. Generative models are explicit or implicit. Explicit ones are tractable (tables, mixtures, hidden Markov "
        "models, autoregressive models, flows) or approximate (VAEs and diffusion by a bound, energies up to a constant). "
        "Implicit ones are GANs.",
    )


@drawing
def accuracies(sizes: Sequence[int], found: Mapping[str, Mapping[str, Tensor]], *, title: str, alt: str) -> LessonFigure:
    """Accuracy against the number of training examples: mean and standard deviation over draws.

    found: name of the data -> name of the learner -> (draws, sizes).
    """
    made = figure(title, columns=len(found), xlabel="training examples", size=(11.0, 4.0), alt=alt)
    panels = list(made.axes)
    panels[0].set_ylabel("accuracy on 2,000 new ones")
    for axes, (name, learners) in zip(panels, found.items(), strict=True):
        for (learner, values), colour, line in zip(learners.items(), (BLUE, ORANGE), ("-", "--"), strict=True):
            axes.errorbar(sizes, values.mean(0), values.std(0), fmt=line, marker="o", capsize=3, color=colour, label=learner)
        axes.set(xscale="log", title=name)
        axes.legend(loc="lower right")
    return made


@drawing
def scores_by_kind(scores: Mapping[str, Tensor], mark: float, mark_name: str, *, title: str, alt: str) -> LessonFigure:
    """A histogram of log p(x) of examples, stacked by kind, and a line at one other picture. scores: kind -> (N,)."""
    made = figure(title, xlabel="log p(x), nats", ylabel="test digits", size=(9.0, 4.2), alt=alt)
    axes = made.axes[0]
    axes.hist([values.numpy() for values in scores.values()], bins=40, stacked=True, color=[BLUE, ORANGE], label=list(scores))
    axes.axvline(mark, color="black", linestyle="--", label=mark_name)
    axes.legend(loc="upper left")
    return made
