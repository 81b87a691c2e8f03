"""A ladder of temperatures over two valleys: chains that swap their states from rung to rung."""

from __future__ import annotations

from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider
from course_lib.explore.kit.sheet import font, shades
from course_lib.models.energy.tempering import Tempering, metropolis, temperatures
from course_lib.models.energy.wells import TwoWells
from course_lib.models.inputs import trusted_values

STEPS, CHAINS, WALK = 120, 30, 0.3  # moves of a run; chains of each temperature; step of the random walk at temperature 1
TILE, GAP, ABOVE, BELOW = 118, 8, 44, 112  # pixels: of one plane, between two, and for the words
WINDOW = ((-2.0, 2.0), (-0.9, 2.1))  # of the plane that is shown
MOST = 7  # rungs


@lru_cache(maxsize=64)
def _background(model: TwoWells, temperature: float) -> Image.Image:
    """exp(-E / T) over the window, the largest value dark."""
    (left, right), (low, high) = WINDOW
    x, y = torch.linspace(left, right, TILE), torch.linspace(high, low, TILE)
    energy = model.energy(torch.cartesian_prod(y, x).flip(1)).reshape(TILE, TILE)
    return Image.fromarray(shades(1 - 0.75 * torch.exp(-(energy - energy.min()) / temperature).sqrt().numpy()))


def pixels(points: Tensor) -> list[list[float]]:
    """Points (N, 2) of the plane as pixels of a tile: N pairs (across, down)."""
    (left, right), (low, high) = WINDOW
    across, down = (points[:, 0] - left) / (right - left), (high - points[:, 1]) / (high - low)
    return (TILE * torch.stack([across, down], 1)).tolist()


@explorer
def ladder_of_temperatures(model: TwoWells | None = None) -> Panel:
    """Thirty chains at each of several temperatures, all begun in the left valley; shares, crossings and swaps counted."""
    model = model or TwoWells()

    @lru_cache(maxsize=8)
    def run(rungs: int, ratio: float) -> tuple[Tempering, list[Tensor], list[Tensor]]:
        start = torch.tensor([[-1.0, 0.5]]).expand(CHAINS, 2)
        chains = Tempering(
            model, metropolis(model.energy, WALK), temperatures(rungs, ratio), start, generator=runtime.generator(0)
        )
        return chains, [chains.states.clone()], [torch.full((rungs - 1,), torch.nan)]

    def render(rungs: int, ratio: float, steps: int) -> Image.Image:
        chains, states, rates = run(rungs, ratio)
        with trusted_values():
            while len(states) <= steps:
                chains.step()
                states.append(chains.states.clone())
                rates.append(chains.swap_rates())
        path = torch.stack(states[: steps + 1])  # (S, K, n, 2)
        right = path[..., 0] > 0  # (S, K, n)
        sheet = Image.new("RGB", (MOST * (TILE + GAP) + GAP, ABOVE + TILE + BELOW), "white")
        pen = ImageDraw.Draw(sheet)
        pen.text(
            (GAP, 4),
            f"{CHAINS} chains per temperature after {steps} moves, all begun in the left valley",
            fill="black",
            font=font(14),
        )
        for k, temperature in enumerate(chains.ladder):
            _rung(sheet, pen, k, model, temperature, path[-1, k], right[len(right) // 3 :, k].float().mean().item())
        for k, rate in enumerate(rates[steps].tolist()):
            words = f"{100 * rate:.0f} %" if rate == rate else "–"
            pen.text(
                (GAP + (k + 1) * (TILE + GAP) - GAP / 2, ABOVE + TILE + 64), words, fill=plots.BLUE, font=font(12), anchor="mt"
            )
        crossed = int((right[1:, 0] != right[:-1, 0]).sum())
        words = f"At T = 1 the chains changed valley {crossed} times."
        pen.text(
            (GAP, ABOVE + TILE + 88), words + " In blue, the share of swaps made between neighbours.", fill="black", font=font(13)
        )
        return sheet

    controls = [
        Slider("rungs", "number of temperatures", 1, MOST, value=6, step=1, live=False),
        Slider("ratio", "each is hotter by a factor of", 1.1, 3.0, value=1.7, step=0.1, live=False),
        Slider("steps", "moves", 0, STEPS, value=STEPS, step=1, play=100),
    ]
    alt = (
        "A row of planes, one per temperature, with two dark valleys and the chains as dots; below each, the share of time to "
        "the right of the pass beside the exact one."
    )
    return Panel(render, controls, title="A ladder of temperatures", alt=alt)


def _rung(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, k: int, model: TwoWells, temperature: float, points: Tensor, share: float
) -> None:
    """One plane with its dots: those in the left valley orange, the others white; its shares below."""
    left = GAP + k * (TILE + GAP)
    tile = _background(model, temperature).copy()
    dots = ImageDraw.Draw(tile)
    for (x, y), on_the_right in zip(pixels(points), (points[:, 0] > 0).tolist(), strict=True):
        dots.ellipse((x - 3, y - 3, x + 3, y + 3), fill="white" if on_the_right else plots.ORANGE, outline="black")
    sheet.paste(tile, (left, ABOVE))
    pen.text((left, ABOVE - 18), f"T = {temperature:.3g}", fill="black", font=font(13))
    lines = ("time on the right:", f"{share:.2f}, exact {model.right_share(temperature):.2f}")
    for row, words in enumerate(lines):
        pen.text((left, ABOVE + TILE + 6 + 18 * row), words, fill="black", font=font(12))
    if k:
        return
    pen.text((left, ABOVE + TILE + 64), "swaps", fill=plots.BLUE, font=font(12))
