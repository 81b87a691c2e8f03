"""A flow of digits: walk between the codes of two digits, cool the noise, and see what the noise in the grey levels costs."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import font, map_sheet, paste_row, place_map, shades
from course_lib.models.flows import Dequantised
from course_lib.models.latent.paths import lerp, slerp

TILE, GAP = 168, 8
SAMPLES = 4


def _tile(x: Tensor, side: int = TILE) -> Image.Image:
    return Image.fromarray(plots.as_uint8(x.clamp(0, 1))).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


@torch.no_grad()
def codes_of(model: Dequantised, x: Tensor) -> Tensor:
    """The latents z of grey pictures x (B, C, H, W) at one seeded draw of the noise: the same shape."""
    y, _ = model.infer(x, generator=runtime.generator(0))
    return model.flow.to_latent(y)[0]


@explorer
def walk(model: Dequantised, x: Tensor) -> Panel:
    """The picture between two digits' codes, and samples at a temperature.

    Args:
        model: a flow of grey pictures.
        x: pictures (B, C, H, W) to walk between.
    """
    codes = codes_of(model, x)
    noise = runtime.standard_normal((SAMPLES, *model.event_shape), codes, runtime.generator(1))
    usual = math.sqrt(codes[0].numel())

    @torch.no_grad()
    def render(a: int, b: int, share: float, path: str, temperature: float) -> Image.Image:
        between = lerp if path == "straight" else slerp
        middle = between(codes[a].flatten(), codes[b].flatten(), share).view_as(codes[a])
        y, _ = model.flow.to_data(torch.cat([middle[None], temperature * noise]))
        sheet = Image.new("RGB", (SAMPLES * (TILE + GAP) + GAP, 2 * TILE + 78), "white")
        paste_row(sheet, [_tile(x[a]), _tile(y[0]), _tile(x[b])], GAP, 24, GAP)
        paste_row(sheet, [_tile(picture) for picture in y[1:]], GAP, TILE + 56, GAP)
        pen = ImageDraw.Draw(sheet)
        words = ("digit A", f"{share:.0%} of the way; |z| = {middle.norm():.1f}", "digit B")
        for column, text in enumerate(words):
            pen.text((GAP + column * (TILE + GAP), 4), text, fill="black", font=font(13))
        pen.text((GAP + 3 * (TILE + GAP), 30), f"usual |z|: {usual:.1f}", fill="#555555", font=font(13))
        below = f"samples: noise of standard deviation {temperature:.2f}, through the flow"
        pen.text((GAP, TILE + 34), below, fill="black", font=font(13))
        return sheet

    last = len(x) - 1
    controls = [
        Slider("a", "digit A", 0, last, value=0, step=1),
        Slider("b", "digit B", 0, last, value=min(1, last), step=1),
        Slider("share", "how far from A to B", 0.0, 1.0, value=0.5, step=0.05),
        Choice("path", "between the codes", {"straight": "straight", "on the shell": "shell"}),
        Slider("temperature", "temperature of the samples", 0.0, 1.2, value=0.7, step=0.05),
    ]
    alt = "Two digits with a picture between them that is decoded from a code between theirs; below, four samples of the flow."
    return Panel(render, controls, title="Walk between two codes", alt=alt)


def slopes(model: Dequantised, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """For pictures x (B, …) at one draw of noise: the bound in nats, (B,), and the change of log p across each cell, (B, …)."""
    y, log_q = model.infer(x, generator=generator)
    y.requires_grad_(True)
    log_prob = model.flow.log_prob(y)
    (slope,) = torch.autograd.grad(log_prob.sum(), y)
    return (log_prob - log_q).detach(), slope / model.levels


def lost(change: Tensor) -> Tensor:
    """log E exp(a u) - E a u in bits, for u uniform on a cell across which log p changes by a: log(sinh(a/2) / (a/2))."""
    half = change.abs().double() / 2
    log_sinh = half + torch.log(-torch.expm1(-2 * half)) - math.log(2)
    return torch.where(half < 1e-3, half.square() / 6, log_sinh - half.clamp(min=1e-9).log()) / math.log(2)


@explorer
def under_the_floor(model: Dequantised, x: Tensor) -> Panel:
    """The noise within the grey levels: what the bound loses to it, pixel by pixel, to first order.

    Args:
        model: a flow of grey pictures.
        x: pictures (B, 1, H, W).
    """

    @lru_cache(maxsize=16)
    def found(which: int, draw: int) -> tuple[float, np.ndarray, np.ndarray]:
        bound, change = slopes(model, x[which : which + 1], runtime.generator(draw))
        return bound.item(), change[0, 0].numpy(), lost(change)[0, 0].numpy()

    def render(which: int, draw: int, shown: str) -> Image.Image:
        bound, change, bits = found(which, draw)
        sheet, pen = map_sheet(2, bits.shape, below=44)
        place_map(sheet, pen, 0, np.repeat(plots.as_uint8(x[which])[..., None], 3, 2), "the digit")
        if shown == "lost":
            place_map(sheet, pen, 1, shades(bits / 0.5), "bits lost to the noise (light: 0.5 or more)")
        else:
            place_map(sheet, pen, 1, shades(np.abs(change) / 4), "change of log p across a level (light: 4 nats)")
        size = bits.size
        words = f"bound of this draw: {-bound / (size * math.log(2)):.3f} bits per dimension"
        pen.text((14, sheet.height - 44), words, fill="black", font=font(14))
        words = f"lost to the noise, first order: {bits.sum() / size:.4f} of them"
        pen.text((14, sheet.height - 22), words, fill="black", font=font(14))
        return sheet

    controls = [
        Slider("which", "which digit", 0, len(x) - 1, value=0, step=1),
        Button("draw", "draw the noise again"),
        Choice("shown", "show", {"bits lost": "lost", "slope": "slope"}),
    ]
    alt = "A digit, and a map of its pixels that shows where the noise within the grey levels costs bits."
    return Panel(render, controls, title="The noise under the floor", alt=alt)
