"""Be the generator: move a bump of fake points towards two humps of real ones, against the best discriminator there is."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.distributions import UnivariateGaussianMixture, gaussian_log_prob
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.plane import FINE, HIGH, WIDE, Plot, finished
from course_lib.explore.kit.sheet import font
from course_lib.metrics.divergence import game_value, jensen_shannon_on_a_line

SPAN = (-9.0, 9.0)
QUADRATURE = (-40.0, 40.0)  # outside of it, both densities are negligible
GRID = torch.linspace(*SPAN, 361, dtype=torch.double)
FROZEN_AT = (-5.0, 1.0)  # mean and width of the bump that the frozen discriminator was made for
QUANTILES = torch.special.ndtri(torch.linspace(0.1, 0.9, 9, dtype=torch.double))  # of the nine fake points
LOSSES = {"minimax": "minimax", "non-saturating": "non-saturating", "Wasserstein": "wasserstein"}
INVISIBLE = 0.02  # an arrow shorter than this, in units of x per unit of step, is not drawn
ROOM = 24  # pixels below the plots, for the numbers
LONGEST = 2.0  # arrows are drawn no longer than this


def log_p(x: Tensor) -> Tensor:
    """The log-density of the real points, (N,), at x (N,): two equal humps at -2 and 2."""
    mean = torch.tensor([-2.0, 2.0], dtype=torch.double)
    humps = UnivariateGaussianMixture(torch.zeros_like(mean), mean, torch.full_like(mean, math.log(0.6)))
    return humps.log_prob(x)


def log_q(x: Tensor, mean: float, width: float) -> Tensor:
    """The log-density of the fake points, (N,), at x (N,): one bump."""
    return gaussian_log_prob(x, mean, math.log(width))


def best_logit(x: Tensor, mean: float, width: float) -> Tensor:
    """The logit of the best discriminator against that bump, (N,): log p(x) - log q(x) (Goodfellow et al. 2014, prop. 1)."""
    return log_p(x) - log_q(x, mean, width)


def _slope_of_logit(x: Tensor, mean: float, width: float) -> Tensor:
    at = x.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(best_logit(at, mean, width).sum(), at)
    return slope


def _cdf(x: Tensor, mean: float, width: float) -> Tensor:
    return torch.special.ndtr((x - mean) / width)


def arrows(x: Tensor, loss: str, mean: float, width: float) -> Tensor:
    """Where one step down the generator's loss moves each fake point x (N,), per unit of step size: (N,).

    The discriminator is the best one against a bump of this mean and width. With logit l and D = 1 / (1 + exp(-l)):
    minimax, log(1 - D), gives D l'; non-saturating, -log D, gives (1 - D) l'. The best Wasserstein critic on a line has slope
    +1 where more fake than real mass lies to the left, and -1 elsewhere.
    """
    if loss == "wasserstein":
        real = (_cdf(x, -2.0, 0.6) + _cdf(x, 2.0, 0.6)) / 2
        return (_cdf(x, mean, width) - real).sign()
    logit, slope = best_logit(x, mean, width), _slope_of_logit(x, mean, width)
    return torch.sigmoid(logit if loss == "minimax" else -logit) * slope


def numbers(mean: float, width: float) -> dict[str, float]:
    """JS(p, q) and the value of the game at its best discriminator, in nats, by quadrature."""
    js = jensen_shannon_on_a_line(log_p, lambda x: log_q(x, mean, width), QUADRATURE, 2_001)
    return {"JS": js, "value": 2 * js - math.log(4)}


def value_against(frozen: tuple[float, float], mean: float, width: float) -> float:
    """The value of the game, in nats, of a bump against the discriminator that is best for another bump `frozen`."""
    return game_value(lambda x: best_logit(x, *frozen), log_p, lambda x: log_q(x, mean, width), QUADRATURE, 2_001)


@explorer
def be_the_generator() -> Panel:
    """Mean and width of the fake bump by hand; its best discriminator, how it moves nine points, and the value of the game."""

    def render(loss: str, mean: float, width: float, frozen: bool) -> Image.Image:
        at = FROZEN_AT if frozen else (mean, width)
        sheet = Image.new("RGB", (2 * WIDE * FINE, (HIGH + ROOM) * FINE), "white")
        _densities(sheet, mean, width, at)
        pushes = arrows(mean + width * QUANTILES, loss, *at)
        _arrows(sheet, mean + width * QUANTILES, pushes, best_logit(GRID, *at))
        found = numbers(mean, width)
        value = value_against(FROZEN_AT, mean, width) if frozen else found["value"]
        words = f"JS {found['JS']:.3f} of at most 0.693   value {value:.3f}   largest arrow {pushes.abs().max():.2g}"
        pen = ImageDraw.Draw(sheet)
        pen.text((46 * FINE, (HIGH + 2) * FINE), words, fill="black", font=font(13 * FINE))
        return finished(sheet)

    controls = [
        Choice("loss", "the generator's loss", LOSSES),
        Slider("mean", "mean of the fake bump", -8.0, 8.0, value=-4.0, step=0.1),
        Slider("width", "its width", 0.2, 3.0, value=1.0, step=0.1),
        Toggle("frozen", "freeze the discriminator of mean −5, width 1", False),
    ]
    alt = (
        "Left, two humps of real points, a bump of fake ones and the discriminator's probability of real; right, its logit and "
        "an arrow on each of nine fake points."
    )
    return Panel(render, controls, title="Be the generator", alt=alt)


def _densities(sheet: Image.Image, mean: float, width: float, at: tuple[float, float]) -> None:
    """The left plot: both densities, and D between 0 and 1."""
    plot = Plot(sheet, 0, (SPAN, (0.0, 1.05)), "real p (blue), fake q (orange), D (black)", ("x", ""))
    curves = ((log_p(GRID).exp(), plots.BLUE), (log_q(GRID, mean, width).exp(), plots.VERMILION))
    for density, colour in curves:
        plot.line(_points(density.clamp(max=1.05)), colour)
    plot.line(_points(torch.sigmoid(best_logit(GRID, *at))), plots.BLACK, 1)
    plot.done()


def _arrows(sheet: Image.Image, x: Tensor, pushes: Tensor, logit: Tensor) -> None:
    """The right plot: the logit, cut at 8, and below it the nine points with their arrows."""
    plot = Plot(sheet, 1, (SPAN, (-8.0, 8.0)), "logit of D; what D tells nine fake points", ("x", "logit"))
    plot.line(np.array([[SPAN[0], 0.0], [SPAN[1], 0.0]]), "#bbbbbb", 1)
    plot.line(_points(logit.clamp(-8, 8)), plots.BLACK, 2)
    heights = torch.linspace(-7.5, -2.5, len(x))
    for place, push, height in zip(x.tolist(), pushes.tolist(), heights.tolist(), strict=True):
        plot.dots(np.array([[place, height]]), plots.VERMILION, 3)
        if abs(push) >= INVISIBLE:
            end = place + math.copysign(min(abs(push), LONGEST), push)
            _arrow(plot, place, end, height)
    plot.done()


def _arrow(plot: Plot, start: float, end: float, height: float) -> None:
    """A horizontal arrow; its head is drawn in pixels, so that short arrows have one too."""
    plot.line(np.array([[start, height], [end, height]]), plots.VERMILION, 2)
    ((x, y),) = plot.at(np.array([[end, height]]))
    back = math.copysign(6 * FINE, start - end)
    plot.draw.polygon([(x, y), (x + back, y - 4 * FINE), (x + back, y + 4 * FINE)], fill=plots.VERMILION)


def _points(values: Tensor) -> np.ndarray:
    return torch.stack([GRID, values], 1).numpy()
