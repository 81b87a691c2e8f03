"""Explorers of lesson 04: step EM back and forth, and choose the number of components by held-out nats.

Everything that a slider can ask for is computed once per run of EM. A move of the slider only draws, with Pillow, at twice the
size, and then halves the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from PIL import Image
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, Plot, blank_sheet, finished
from course_lib.explore.kit.sheet import font
from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.models.inputs import check_events
from course_lib.models.probability.mixtures import COVARIANCES, GaussianMixture, best_of

COLOURS = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.VERMILION, plots.PURPLE, plots.SKY, plots.YELLOW, "#777777")
_RGB = 255 * np.array([to_rgb(colour) for colour in COLOURS])
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * math.pi, 61)), np.sin(np.linspace(0, 2 * math.pi, 61))], 1)  # (61, 2)
STARTS = ("random examples", "k-means++")


@dataclass(frozen=True)
class Snapshot:
    """What is drawn of a mixture: probs (K,), mean (K, 2), root (K, 2, 2) with covariance = root root^T, and resp (N, K)."""

    probs: np.ndarray
    mean: np.ndarray
    root: np.ndarray
    resp: np.ndarray
    log_prob: float  # mean over the data, nats

    @classmethod
    def of(cls, model: GaussianMixture, x: Tensor) -> Snapshot:
        """The present parameters of the model, and its responsibilities for the points x (N, 2)."""
        joint = model.log_joint(x)
        root = torch.linalg.cholesky(model.covariances())
        made = (model.probs, model.mean, root, joint.softmax(1))
        return cls(*(value.detach().numpy().copy() for value in made), joint.logsumexp(1).mean().item())


def _show_mixture(plot: Plot, shot: Snapshot, x: np.ndarray) -> None:
    """Points x (N, 2) in colours mixed by their responsibilities; ellipses of one and two standard deviations."""
    plot.dots(x, shot.resp @ _RGB[: len(shot.probs)])
    for k, (prob, mean, root) in enumerate(zip(shot.probs, shot.mean, shot.root, strict=True)):
        for radius, width in ((1, 3), (2, 1)):
            plot.line(mean + radius * _CIRCLE @ root.T, COLOURS[k], width)
        (place,) = plot.at(mean[None])
        plot.draw.text(
            place, f"{prob:.2f}", fill="black", font=font(12 * FINE), anchor="mm", stroke_width=FINE, stroke_fill="white"
        )
    plot.done()


def _around(x: Tensor) -> list[tuple[float, float]]:
    """The lowest and the highest value of each of the two variables of x (N, 2), with some room on both sides."""
    low, high = x.min(0).values, x.max(0).values
    room = 0.12 * (high - low).clamp(min=1e-6)
    return list(zip((low - room).tolist(), (high + room).tolist(), strict=True))


def start_at_random(model: GaussianMixture, x: Tensor, *, generator: torch.Generator) -> GaussianMixture:
    """Put the means on random examples of x (N, 2) and give every component the covariance of all the data; return the model.

    This is the plain way to begin EM; k-means++ is a better one.
    """
    mean = x[torch.randperm(len(x), generator=generator)[: model.components]].double()
    whole = torch.cov(x.double().T)
    shape = {"full": whole, "diagonal": whole.diagonal(), "spherical": whole.diagonal().mean()[None]}[model.covariance]
    probs = torch.full((model.components,), 1 / model.components)
    return model.set_components(probs=probs, mean=mean, covariance=shape.expand_as(model.scale))


@explorer
def em_stepper(
    x: Tensor, *, labels: Sequence[str] = ("x₁", "x₂"), steps: int = 40, most: int = 6, components: int = 2,
    min_variance: float = 1e-3, seed: int = 0,
) -> Panel:  # fmt: skip
    """A slider over the steps of EM on points in the plane, back and forth: ellipses, responsibilities, mean log-likelihood.

    Args:
        x: (N, 2), at least `most` different points.
        labels: of the two variables, with units.
        steps: of EM in each run. most: the largest K offered, at most 8. components: the K shown first.
        min_variance: the smallest variance of a component, in squared units of x.
        seed: of the first run; each click on "another start" adds 1.
    """
    check_events(x, (2,))
    points, spans = x.numpy(), _around(x)

    @lru_cache(maxsize=64)
    def run(K: int, covariance: str, start: str, again: int) -> list[Snapshot]:
        model = GaussianMixture(event_shape=(2,), components=K, covariance=covariance, min_variance=min_variance)
        generator = runtime.generator(seed + again)
        begin = start_at_random if start == STARTS[0] else GaussianMixture.start
        begin(model, x, generator=generator)
        shots = [Snapshot.of(model, x)]
        for _ in range(steps):
            model.m_step(x, torch.from_numpy(shots[-1].resp))  # the E-step is in the snapshot
            shots.append(Snapshot.of(model, x))
        return shots

    def render(step: int, K: int, covariance: str, start: str, again: int) -> Image.Image:
        shots = run(K, covariance, start, again)
        heights = np.array([shot.log_prob for shot in shots])
        sheet = blank_sheet()
        _show_mixture(Plot(sheet, 0, spans, f"after {step} steps: colours are responsibilities", labels), shots[step], points)
        room = max(0.1 * np.ptp(heights), 1e-3)
        curve = Plot(
            sheet, 1, [(0, steps), (heights.min() - room, heights.max() + room)],
            f"mean log-likelihood: {heights[step]:.4f} nats", ("step of EM", "nats per point"),
        )  # fmt: skip
        path = np.stack([np.arange(steps + 1), heights], 1)
        curve.line(path, "#bbbbbb", 1)
        curve.line(path[: step + 1].repeat(2, 0), plots.BLUE, 3)
        curve.dots(path[step : step + 1], plots.VERMILION, 5)
        curve.done()
        return finished(sheet)

    controls = [
        Slider("step", "step of EM", 0, steps, value=0, step=1, play=250),
        Slider("K", "components K", 1, most, value=components, step=1),
        Choice("covariance", "covariance", COVARIANCES),
        Choice("start", "start", STARTS),
        Button("again", "another start"),
    ]
    return Panel(
        render, controls, title="EM, step by step",
        alt="Left: the data, coloured by the responsibilities, and each component as ellipses of one and two standard deviations "
        "with its probability. Right: the mean log-likelihood after every step; it never falls.",
    )  # fmt: skip


@explorer
def choose_components(
    train: Tensor,
    held_out: Tensor,
    *,
    labels: Sequence[str] = ("x₁", "x₂"),
    most: int = 8,
    min_variance: float = 1e-3,
    seed: int = 0,
) -> Panel:
    """A slider over K: the mixture fitted to `train`, and nats per point on `train` and on `held_out` for 1 to K components.

    It opens at K = 1: the nats of more components are seen when the slider comes to them, so that a prediction can stand first.

    train, held_out: (N, 2). The other arguments as for `em_stepper`.
    """
    spans = _around(torch.cat([train, held_out]))
    sets = {"training": (train, plots.BLUE), "held out": (held_out, plots.VERMILION)}
    shots: dict[str, list[Snapshot]] = {}
    nats: dict[str, dict[str, list[Estimate]]] = {}
    for covariance in COVARIANCES:
        models = [
            best_of(train, K, covariance=covariance, starts=2, min_variance=min_variance, seed=seed) for K in range(1, most + 1)
        ]
        shots[covariance] = [Snapshot.of(model, train) for model in models]
        nats[covariance] = {name: [mean_with_error(-model.log_prob(x)) for model in models] for name, (x, _) in sets.items()}
    reach = {}  # lowest and highest end of an error bar, by covariance
    for covariance, by_set in nats.items():
        values = [value for row in by_set.values() for value in row]
        ends = [value.mean + sign * value.standard_error for value in values for sign in (-1, 1)]
        reach[covariance] = (min(ends), max(ends))

    def render(K: int, covariance: str) -> Image.Image:
        sheet = blank_sheet()
        _show_mixture(
            Plot(sheet, 0, spans, f"K = {K}, fitted to the {len(train)} training points", labels),
            shots[covariance][K - 1],
            train.numpy(),
        )
        here = nats[covariance]["held out"][K - 1]
        title = f"held out: {here.mean:.3f} ± {here.standard_error:.3f} nats"
        plot = Plot(sheet, 1, [(0.5, most + 0.5), reach[covariance]], title, ("components K", ""))
        for row, (name, (_, colour)) in enumerate(sets.items()):
            seen = nats[covariance][name][:K]
            means = np.array([[k + 1, value.mean] for k, value in enumerate(seen)])
            plot.line(means.repeat(2, 0), colour, 2)  # two points at least
            plot.dots(means, colour, 3)
            for (at, mean), value in zip(means, seen, strict=True):
                plot.line(np.array([[at, mean - value.standard_error], [at, mean + value.standard_error]]), colour, 1)
            corner = (plot.size[0] - 4 * FINE, 16 * FINE * row)
            plot.draw.text(corner, f"{name}: nats per point, ± 1 standard error", fill=colour, font=font(12 * FINE), anchor="rt")
        plot.dots(np.array([[K, here.mean]]), plots.BLACK, 5)
        plot.done()
        return finished(sheet)

    controls = [Slider("K", "components K", 1, most, value=1, step=1), Choice("covariance", "covariance", COVARIANCES)]
    return Panel(
        render, controls, title="How many components?",
        alt="Left: the training points and the fitted components as ellipses. Right: negative log-likelihood in nats per point, "
        "of the training points and of the held-out ones, for 1 to K components.",
    )  # fmt: skip
