"""How long a step: Langevin chains on a line, at any step size, with and without the rule that accepts or rejects."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.plane import FINE, HIGH, WIDE, Plot, finished
from course_lib.explore.kit.sheet import font
from course_lib.models.diffusion.score import SmoothedMixture
from course_lib.models.energy.langevin import adjusted_step, langevin_step, stationary_variance
from course_lib.models.inputs import trusted_values

CHAINS, MOVES, REACH, BINS = 2_000, 40, 6.0, 48
TARGETS = {"N(0, 1)": "normal", "two humps": "humps"}
ROOM = 46  # pixels for words below the plots


def target(name: str) -> SmoothedMixture:
    """The density on the line: N(0, 1), or two humps at -2 and 2 of weights 0.3 and 0.7."""
    noise = {"lowest": 1e-4, "highest": 1.0}  # next to none: the density at t = 0 is the target
    if name == "normal":
        return SmoothedMixture(probs=[1.0], mean=[[0.0]], scale=[1.0], **noise)
    return SmoothedMixture(probs=[0.3, 0.7], mean=[[-2.0], [2.0]], scale=[0.7, 0.7], **noise)


def variance_of(density: SmoothedMixture) -> float:
    """The variance of a density on the line."""
    probs, means = torch.tensor(density.probs), density.means[:, 0]
    return (probs @ (density.variances + means**2) - (probs @ means) ** 2).item()


class _Chains:
    """Chains that all begin at 0: their places after every move (MOVES + 1, CHAINS), and the share of accepted moves."""

    @torch.no_grad()
    def __init__(self, density: SmoothedMixture, step: float, adjusted: bool):
        at, generator = torch.zeros(CHAINS), runtime.generator(0)  # the same noise for every step size
        x, self.accepted, path = torch.zeros(CHAINS, 1), [], []
        for _ in range(MOVES):
            path.append(x[:, 0])
            if adjusted:
                x, moved = adjusted_step(lambda x: density.log_density(x, at), lambda x: density.score(x, at), x, step, generator)
                self.accepted.append(moved.float().mean().item())
            else:
                x = langevin_step(lambda x: density.score(x, at), x, step, generator)
        self.path: Tensor = torch.stack([*path, x[:, 0]])
        self.variances = self.path.double().var(1).numpy()


class _StepSize:
    def __init__(self):
        self.targets = {name: target(name) for name in TARGETS.values()}
        self.chains = lru_cache(maxsize=128)(lambda name, step, adjusted: _Chains(self.targets[name], step, adjusted))

    @torch.no_grad()
    def render(self, density: str, step: float, moves: int, adjusted: bool) -> Image.Image:
        """Left the histogram of the chains over the target, right their variance by move, and words below."""
        with trusted_values():
            chains, model = self.chains(density, step, adjusted), self.targets[density]
            grid = torch.linspace(-REACH, REACH, 200)[:, None]
            curve = torch.cat([grid, model.log_density(grid, torch.zeros(200)).exp()[:, None]], 1).numpy()
        formula = stationary_variance(step) if density == "normal" and not adjusted and step < 4 else None
        sheet = Image.new("RGB", (2 * WIDE * FINE, (HIGH + ROOM) * FINE), "white")
        _histogram(sheet, chains.path[moves].numpy(), curve)
        wanted = variance_of(model)
        _variances(sheet, chains.variances, moves, wanted, formula)
        words = f"after {moves} moves: variance of the chains {chains.variances[moves]:.3g}, of the target {wanted:.3g}"
        if formula is not None:
            words += f"; where the chains end, by the formula, {formula:.3g}"
        if adjusted and moves:
            words += f"; accepted so far {np.mean(chains.accepted[:moves]):.0%}"
        outside = (chains.path[moves].abs() > REACH).float().mean().item()
        words += f"\noutside the picture: {outside:.0%} of the chains"
        ImageDraw.Draw(sheet).text((46 * FINE, (HIGH + 2) * FINE), words, fill="black", font=font(13 * FINE))
        return finished(sheet)


def _histogram(sheet: Image.Image, x: np.ndarray, curve: np.ndarray) -> None:
    plot = Plot(sheet, 0, ((-REACH, REACH), (0.0, 0.6)), "density: chains (blue), target (black)", ("x", ""))
    counts, edges = np.histogram(x, BINS, (-REACH, REACH))
    heights = (counts / len(x) / (edges[1] - edges[0])).clip(max=0.6)
    plot.line(np.stack([edges.repeat(2)[1:-1], heights.repeat(2)], 1), plots.BLUE, 3)
    plot.line(curve, plots.BLACK, 2)
    plot.done()


def _variances(sheet: Image.Image, found: np.ndarray, moves: int, wanted: float, formula: float | None) -> None:
    highest = 1.15 * max(wanted, formula or 0.0, min(found.max(), 10 * wanted))
    words = "orange: formula" if formula is not None else ""
    plot = Plot(sheet, 1, ((0.0, MOVES), (0.0, highest)), "variance: chains (blue), target (black)", ("move", words))
    plot.line(np.array([[0.0, wanted], [MOVES, wanted]]), plots.BLACK, 2)
    if formula is not None:
        plot.line(np.array([[0.0, formula], [MOVES, formula]]), plots.ORANGE, 2)
    line = np.stack([np.arange(MOVES + 1), found.clip(max=highest)], 1)
    plot.line(line, plots.SKY, 2)
    plot.dots(line[moves][None], plots.BLUE, 6)
    plot.done()


@explorer
def how_long_a_step() -> Panel:
    """Chains on a line: the bias of a step size, and the rule that removes it."""
    controls = [
        Slider("step", "step size ε", 0.1, 4.4, value=1.5, step=0.1),
        Slider("moves", "Langevin moves", 0, MOVES, value=MOVES, step=1, play=80),
        Toggle("adjusted", "accept or reject", False),
        Choice("density", "target", TARGETS),
    ]
    alt = "Left, a histogram of the chains over the curve of the target; right, the variance of the chains by move."
    return Panel(_StepSize().render, controls, title="How long a step?", alt=alt)
