"""Hold the compass: the score at a point that one picks, exact and learned, the denoiser's answer, and Langevin chains."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Pick, Slider, Toggle
from course_lib.explore.kit.sheet import font, shades
from course_lib.models.diffusion.score import ScoreModel, SmoothedMixture
from course_lib.models.energy.langevin import adjusted_step, langevin_step
from course_lib.models.inputs import trusted_values

CELLS, REACH = 42, 4.0  # cells along each side of the plane, and half the side of the plane that they show
SIDE, BELOW = 400, 110  # of the picture, in screen pixels, and the room for words under it
CHAINS, MOVES = 120, 40
ARROW = 60.0  # screen pixels of an arrow of length sigma · |score| = 1
SHOWN = {"density": "density", "exact score": "exact", "learned score": "learned", "difference": "difference"}


def plane() -> Tensor:
    """The middles of all cells, (CELLS², 2), row by row from the top; x₁ grows to the right, x₂ upwards."""
    line = REACH * (2 * (torch.arange(CELLS) + 0.5) / CELLS - 1)
    return torch.cartesian_prod(-line, line).flip(1)


def place(cell: tuple[int, int]) -> Tensor:
    """The point (1, 2) in the middle of the cell (row, column)."""
    return plane()[cell[0] * CELLS + cell[1]][None]


@torch.no_grad()
def brightness(exact: SmoothedMixture, t: float) -> Tensor:
    """The root of the density at t over its largest value, (CELLS²,) from 0 to 1, in the cells of `plane`."""
    x = plane()
    p = exact.log_density(x, x.new_full((len(x),), t)).exp()
    return (p / p.max()).sqrt()


@torch.no_grad()
def score_errors(exact: SmoothedMixture, learned: ScoreModel, t: float) -> tuple[float, float]:
    """The mean of sigma² |learned - exact|² over the plane, weighted by the density at t, and with equal weights."""
    x = plane()
    at = x.new_full((len(x),), t)
    error = float(exact.sigma(t)) ** 2 * (learned.score(x, at) - exact.score(x, at)).square().sum(1)
    return (exact.log_density(x, at).softmax(0) * error).sum().item(), error.mean().item()


def check_two_humps(exact: SmoothedMixture) -> None:
    """ValueError unless the mixture has two components in the plane."""
    if exact.event_shape != (2,) or len(exact.probs) != 2:
        raise ValueError(
            f"the mixture has {len(exact.probs)} components of shape {exact.event_shape}; expected two, of shape (2,)"
        )


class _Chains:
    """Chains that begin evenly spread over the plane and are followed as far as they are asked for."""

    def __init__(self, exact: SmoothedMixture, t: float, step: float, noise: bool, adjusted: bool):
        self.at = torch.full((CHAINS,), t)
        self.generator = runtime.generator(0)
        start = REACH * (2 * runtime.uniform((CHAINS, 2), torch.empty(0), self.generator) - 1)
        self.path, self.moved, self.exact = [start], [], exact
        self.step, self.noise, self.adjusted = step, noise, adjusted

    def score(self, x: Tensor) -> Tensor:
        return self.exact.score(x, self.at)

    def until(self, moves: int) -> Tensor:
        """Where the chains are after so many moves, (CHAINS, 2)."""
        while len(self.path) <= moves:
            x = self.path[-1]
            if not self.noise:
                x = x + self.step / 2 * self.score(x)
            elif self.adjusted:
                x, moved = adjusted_step(lambda at: self.exact.log_density(at, self.at), self.score, x, self.step, self.generator)
                self.moved.append(moved.float().mean().item())
            else:
                x = langevin_step(self.score, x, self.step, self.generator)
            self.path.append(x)
        return self.path[moves]


class _Compass:
    """What the panel draws, with everything kept that does not depend on the point."""

    def __init__(self, exact: SmoothedMixture, learned: ScoreModel):
        self.exact, self.learned = exact, learned
        self.middle, self.across = exact.means.mean(0), exact.means[0] - exact.means[1]
        self.chains = lru_cache(maxsize=64)(lambda *how: _Chains(exact, *how))
        self.errors = lru_cache(maxsize=64)(lambda t: score_errors(exact, learned, t))
        self.shades = lru_cache(maxsize=128)(self._shades)

    @torch.no_grad()
    def _shades(self, t: float, shown: str) -> np.ndarray:
        with trusted_values():
            return shades(_amounts(self.exact, self.learned, t, shown).reshape(CELLS, CELLS).numpy())

    def background(self, t: float, shown: str, **_) -> np.ndarray:
        """The colours of the plane, bytes (CELLS, CELLS, 3)."""
        return self.shades(t, shown)

    @torch.no_grad()
    def render(
        self, point: tuple[int, int], t: float, shown: str, step: float, moves: int, noise: bool, adjusted: bool
    ) -> Image.Image:
        """The plane with chains, arrows and a ring, and the words below."""
        sigma, x = float(self.exact.sigma(t)), place(point)
        length = step * (self.exact.variances.mean().item() + sigma**2)
        with trusted_values():
            chains = self.chains(t, length, noise, adjusted)
            ends = chains.until(moves)
            exact, learned = (model.score(x, x.new_full((1,), t))[0] for model in (self.exact, self.learned))
            errors = self.errors(t)
        sheet = Image.new("RGB", (SIDE, SIDE + BELOW), "white")
        sheet.paste(Image.fromarray(self.shades(t, shown)).resize((SIDE, SIDE), Image.Resampling.BILINEAR), (0, 0))
        pen = ImageDraw.Draw(sheet)
        dots(pen, ends)
        begin, target = pixels(torch.cat([x, x + sigma**2 * exact]))
        _arrow(pen, begin, sigma * exact, plots.VERMILION, 5)
        _arrow(pen, begin, sigma * learned, plots.SKY, 3)
        pen.ellipse((target[0] - 6, target[1] - 6, target[0] + 6, target[1] + 6), outline=plots.VERMILION, width=3)
        pen.rectangle((0, SIDE, SIDE, SIDE + BELOW), fill="white")
        share = ((ends - self.middle) @ self.across > 0).float().mean().item()
        rule = f"; {np.mean(chains.moved):.0%} accepted" if chains.moved else ""
        words = (
            f"sigma = {sigma:.2g}; chains right of the middle: {share:.0%}, data: {self.exact.probs[0]:.0%}{rule}",
            "arrows, sigma · score: exact (orange-red), learned (blue)",
            f"ring: where the exact denoiser puts the point, {sigma**2 * exact.norm():.2f} away",
            f"error of sigma · score, squared: {errors[0]:.3f} where the data are,",
            f"{errors[1]:.3f} over the whole plane",
        )
        for row, text in enumerate(words):
            pen.text((6, SIDE + 6 + 20 * row), text, fill="black", font=font(14))
        return sheet


@explorer
def compass(exact: SmoothedMixture, learned: ScoreModel) -> Panel:
    """A plane with humps under noise, a point to pick, and chains that follow the exact score.

    Args:
        exact: two components in the plane; the first is the one whose share is counted.
        learned: a model of the same scores, with the same lowest and highest sigma.
    """
    check_two_humps(exact)
    held = _Compass(exact, learned)
    controls = [
        Pick(
            "point", "click or drag: where the compass is", (CELLS, CELLS), background=held.background, value=(15, 14), side=294
        ),
        Slider("t", "noise level, from the lowest to the highest sigma", 0.0, 1.0, value=0.0, step=0.02, play=150),
        Choice("shown", "background", SHOWN),
        Slider("moves", "Langevin moves", 0, MOVES, value=MOVES, step=1, play=100),
        Slider("step", "step, in units of scale² + sigma²", 0.05, 2.0, value=0.5, step=0.05),
        Toggle("noise", "with noise", True),
        Toggle("adjusted", "accept or reject", False),
    ]
    alt = "A plane with two humps, chains as dots, two arrows at a point for both scores, and a ring where the denoiser puts it."
    return Panel(held.render, controls, title="Hold the compass", alt=alt)


def _amounts(exact: SmoothedMixture, learned: ScoreModel, t: float, shown: str) -> Tensor:
    """What the background shows, (CELLS²,) from 0 to 1: the density, or sigma times the length of a score, 3 and more as 1."""
    if shown == "density":
        return brightness(exact, t)
    x = plane()
    at, sigma = x.new_full((len(x),), t), float(exact.sigma(t))
    fields: dict[str, Callable[[], Tensor]] = {
        "exact": lambda: exact.score(x, at),
        "learned": lambda: learned.score(x, at),
        "difference": lambda: learned.score(x, at) - exact.score(x, at),
    }
    return (sigma * fields[shown]().norm(dim=1) / 3).clamp(max=1)


def pixels(x: Tensor) -> list[tuple[float, float]]:
    """Screen pixels (across, down) of places (n, 2)."""
    across, up = (SIDE * (x / REACH + 1) / 2).clamp(-10 * SIDE, 10 * SIDE).unbind(1)
    return list(zip(across.tolist(), (SIDE - up).tolist(), strict=True))


def dots(pen: ImageDraw.ImageDraw, x: Tensor) -> None:
    """A white dot at each of the places (n, 2) that lie in the window."""
    for across, down in pixels(x):
        if 0 <= across < SIDE and 0 <= down < SIDE:
            pen.ellipse((across - 3, down - 3, across + 3, down + 3), fill="white", outline="black")


def _arrow(pen: ImageDraw.ImageDraw, begin: tuple[float, float], vector: Tensor, colour: str, width: int) -> None:
    """An arrow from `begin` along the vector (2,), at most 160 pixels long."""
    along, up = (ARROW * vector).tolist()
    long = math.hypot(along, up)
    if long < 1:
        return
    along, up = (part * min(1.0, 160 / long) for part in (along, up))
    end = (begin[0] + along, begin[1] - up)
    pen.line((*begin, *end), fill=colour, width=width)
    angle = math.atan2(-up, along)
    wings = [(end[0] - 12 * math.cos(angle + turn), end[1] - 12 * math.sin(angle + turn)) for turn in (-0.4, 0.4)]
    pen.polygon([end, *wings], fill=colour)
