"""Melt and cool: walkers follow the score while the noise level falls, and their shares settle while they can still cross."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.diffusion.compass import CELLS, REACH, SIDE, brightness, check_two_humps, dots, pixels
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, WIDE, Plot, finished
from course_lib.explore.kit.sheet import font, shades
from course_lib.models.diffusion.score import ScoreModel, SmoothedMixture
from course_lib.models.energy.langevin import langevin_step
from course_lib.models.inputs import trusted_values

WALKERS, MOVES, STEP = 120, 120, 0.3  # STEP: of a move, in units of scale² + sigma²
LEVELS = {"1, the lowest alone": 1, "2": 2, "5": 5, "20": 20}
GRID, LONGEST = 11, 26.0  # arrows along each side of the plane, and screen pixels of the longest one
SCORES = {"exact": "exact", "learned": "learned"}


def times(levels: int) -> Tensor:
    """The time t of each move, (MOVES,): from 1, the highest level, down to 0 in equal parts; with one level, 0 always."""
    level = torch.arange(MOVES) * levels // MOVES
    return 1 - level / (levels - 1) if levels > 1 else torch.zeros(MOVES)


def exact_share(exact: SmoothedMixture, t: float) -> float:
    """The probability that a point of the density at t lies on the first hump's side of the middle between both."""
    half = (exact.means[0] - exact.means[1]).norm().item() / 2
    spreads = (exact.variances + float(exact.sigma(t)) ** 2).sqrt().tolist()
    sides = zip(exact.probs, (half, -half), spreads, strict=True)
    return sum(p * (1 + math.erf(at / spread / math.sqrt(2))) / 2 for p, at, spread in sides)


class _Walkers:
    """For each number of levels, walkers that begin evenly spread over the plane, and their share on the first hump's side."""

    @torch.no_grad()
    def __init__(self, exact: SmoothedMixture, model: ScoreModel, seed: int):
        generator, schedule = runtime.generator(seed), torch.stack([times(levels) for levels in LEVELS.values()], 1)
        x = REACH * (2 * runtime.uniform((WALKERS, 2), torch.empty(0), generator) - 1)
        path = [x.repeat(len(LEVELS), 1)]  # all schedules at once, row by row
        for row in schedule:
            at = row.repeat_interleave(WALKERS)
            step = STEP * (exact.variances.mean() + exact.sigma(at)[:, None] ** 2)  # one per walker, (B, 1)
            path.append(langevin_step(lambda x, at=at: model.score(x, at), path[-1], step, generator))
        self.path = torch.stack(path).view(MOVES + 1, len(LEVELS), WALKERS, 2)
        across = (self.path - exact.means.mean(0)) @ (exact.means[0] - exact.means[1])
        self.shares = (across > 0).float().mean(2).numpy()  # (MOVES + 1, levels)


class _Cooling:
    """What the panel draws, with walks and backgrounds kept."""

    def __init__(self, exact: SmoothedMixture, learned: ScoreModel):
        self.exact, self.models = exact, {"exact": exact, "learned": learned}
        self.walks = lru_cache(maxsize=32)(lambda by, seed: _Walkers(exact, self.models[by], seed))
        self.schedules = {levels: times(levels).tolist() for levels in LEVELS.values()}
        self.due = {levels: np.array([exact_share(exact, t) for t in at]) for levels, at in self.schedules.items()}
        self.ground = lru_cache(maxsize=64)(lambda t: shades(brightness(exact, t).reshape(CELLS, CELLS).numpy()))

    @torch.no_grad()
    def render(self, levels: int, moves: int, by: str, seed: int) -> Image.Image:
        """Left the plane at the noise level of the present move, right the share of walkers by move."""
        with trusted_values():
            walk, column = self.walks(by, seed), list(LEVELS.values()).index(levels)
            t = self.schedules[levels][max(moves - 1, 0)]
            plane = Image.fromarray(self.ground(t)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            pen = ImageDraw.Draw(plane)
            _field(pen, self.models[by], self.exact, t)
        dots(pen, walk.path[moves, column])
        sheet = Image.new("RGB", ((SIDE + WIDE) * FINE, (SIDE + 44) * FINE), "white")
        _shares(sheet, walk.shares[:, column], self.due[levels], moves, self.exact.probs[0])
        sheet = finished(sheet)
        sheet.paste(plane, (0, 0))
        due, data = exact_share(self.exact, t), self.exact.probs[0]
        words = (
            f"move {moves} of {MOVES}, sigma = {float(self.exact.sigma(t)):.2g}; "
            f"walkers on the side of the first hump: {walk.shares[moves, column]:.0%}",
            f"the density at this noise level has {due:.0%} there, the data have {data:.0%}",
        )
        for row, text in enumerate(words):
            ImageDraw.Draw(sheet).text((6, SIDE + 4 + 20 * row), text, fill="black", font=font(14))
        return sheet


def _field(pen: ImageDraw.ImageDraw, model: ScoreModel, exact: SmoothedMixture, t: float) -> None:
    """Arrows of the score, times sqrt(scale² + sigma²), from evenly spread points; long ones are cut at LONGEST."""
    line = REACH * (2 * (torch.arange(GRID) + 0.5) / GRID - 1)
    x = torch.cartesian_prod(line, line)
    wide = (exact.variances.mean() + float(exact.sigma(t)) ** 2).sqrt()
    arrows = 14 * wide * model.score(x, x.new_full((len(x),), t))
    arrows = (arrows * (LONGEST / arrows.norm(dim=1, keepdim=True).clamp(min=LONGEST))).tolist()
    for (across, down), (right, up) in zip(pixels(x), arrows, strict=True):
        pen.line((across, down, across + right, down - up), fill="#d0d0d0", width=2)
        pen.ellipse((across - 2, down - 2, across + 2, down + 2), fill="#d0d0d0")


def _shares(sheet: Image.Image, found: np.ndarray, due: np.ndarray, moves: int, data: float) -> None:
    """The right plot: the walkers' share (blue), that of the density at each move's level (orange), and the data's (black)."""
    title = "share on the first hump's side: walkers (blue)"
    plot = Plot(sheet, 1, ((0.0, MOVES), (0.3, 1.0)), title, ("move", "orange: of the smoothed density; black: of the data"))
    plot.line(np.array([[0.0, data], [MOVES, data]]), plots.BLACK, 1)
    at = np.arange(MOVES + 1)
    plot.line(np.stack([at[1:], due], 1), plots.ORANGE, 2)
    line = np.stack([at, found.clip(0.3, 1.0)], 1)
    plot.line(line, plots.SKY, 1)
    plot.line(line[: moves + 1], plots.BLUE, 3)
    plot.dots(line[moves][None], plots.BLUE, 6)
    plot.done()


@explorer
def melt_and_cool(exact: SmoothedMixture, learned: ScoreModel) -> Panel:
    """Annealed Langevin dynamics with more or fewer noise levels, at an equal number of moves.

    Args:
        exact: two components in the plane; the first is the one whose share is counted.
        learned: a model of the same scores, with the same lowest and highest sigma.
    """
    check_two_humps(exact)
    controls = [
        Choice("levels", "noise levels", LEVELS),
        Slider("moves", "moves so far", 0, MOVES, value=MOVES, step=2, play=80),
        Choice("by", "score", SCORES),
        Slider("seed", "seed", 0, 4, value=0, step=1),
    ]
    alt = "Left, a plane with two humps, arrows of the score and walkers as dots; right, lines of the walkers' share by move."
    return Panel(_Cooling(exact, learned).render, controls, title="Melt and cool", alt=alt)
