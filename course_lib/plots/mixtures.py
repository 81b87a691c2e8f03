"""Figures of mixtures of Gaussians in the plane: components as ellipses, and EM frame by frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, "#777777")
Mixture = tuple[Tensor, Tensor, Tensor]  # means (K, 2), covariances (K, 2, 2), responsibilities (N, K)


@drawing
def components(x: Tensor, mixture: Mixture, *, title: str, alt: str, labels: tuple[str, str] = ("x₁", "x₂")) -> LessonFigure:
    """Points x (N, 2) in the colours of their components, each component as ellipses of one and two standard deviations."""
    made = figure(title, xlabel=labels[0], ylabel=labels[1], size=(6.0, 5.4), alt=alt)
    _draw(made.axes[0], x, mixture)
    made.axes[0].set_aspect("equal")
    return made


@drawing
def em_frames(x: Tensor, model, after: Sequence[int], *, labels: tuple[str, str], title: str, alt: str) -> LessonFigure:
    """EM as a row of pictures, or two rows of more than three: a GaussianMixture after so many steps on points x (N, 2).

    The model takes the steps, up to the last that is drawn.
    """
    frames = []
    for step in range(max(after) + 1):
        if step in after:
            heading = f"after {step} steps: {model.log_prob(x).mean():.3f} nats"
            frames.append((heading, (model.mean.clone(), model.covariances(), model.responsibilities(x))))
        if step < max(after):
            model.em_step(x)
    rows = 1 if len(frames) <= 3 else 2
    columns = math.ceil(len(frames) / rows)
    made = figure(title, rows=rows, columns=columns, size=(10.0, 2.9 * rows + 0.4), alt=alt, sharex=True, sharey=True)
    for place, (axes, (heading, mixture)) in enumerate(zip(list(made.axes), frames, strict=True)):
        _draw(axes, x, mixture)
        axes.set_title(heading, fontsize=11)
        axes.set(xlabel=labels[0] if place >= (rows - 1) * columns else "", ylabel=labels[1] if place % columns == 0 else "")
    low, high = x.min(0).values, x.max(0).values
    room = 0.15 * (high - low)
    made.axes[0].set(
        xlim=((low - room)[0].item(), (high + room)[0].item()), ylim=((low - room)[1].item(), (high + room)[1].item())
    )
    return made


def _draw(axes: Axes, x: Tensor, mixture: Mixture) -> None:
    means, covariances, resp = (part.detach().double().numpy() for part in mixture)
    colours = np.array([to_rgb(colour) for colour in COLOURS])[: len(means)]
    shades = np.clip(np.round(4 * resp) / 4 @ colours, 0, 1)  # few colours keep the picture small
    axes.scatter(*x.numpy().T, c=shades, s=9)
    turn = np.linspace(0, 2 * np.pi, 80)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    for mean, root, colour in zip(means, np.linalg.cholesky(covariances), colours, strict=True):
        for radius, width in ((1, 2.6), (2, 1.2)):
            axes.plot(*(mean + radius * circle @ root.T).T, color=colour, linewidth=width)
