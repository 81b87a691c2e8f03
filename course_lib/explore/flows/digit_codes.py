"""A flow of digits: walk between the codes of two digits, cool the noise, and see what the noise in the grey levels loses."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Pick, Slider
from course_lib.explore.kit.sheet import font, paste_row
from course_lib.models.flows import Dequantised
from course_lib.models.latent.paths import lerp, slerp

TILE, GAP = 168, 8
SAMPLES = 4
PLACES = 12  # in a cell, where log p is computed
WIDE, HIGH, RANGE = 470, 260, 3  # of the curve in screen pixels, and nats to either side


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


@torch.no_grad()
def over_the_cell(model: Dequantised, x: Tensor, pixel: int, generator: torch.Generator) -> Tensor:
    """log p(y) in nats, (PLACES,), while the noise of one pixel goes through its cell; that of the other pixels stays as drawn.

    x: one picture (1, *event_shape). pixel: its number in flat order.
    """
    y, _ = model.infer(x, generator=generator)
    every = y.flatten(1).repeat(PLACES, 1)
    places = (torch.arange(PLACES, device=y.device) + 0.5) / PLACES
    every[:, pixel] = (model.level(x).flatten()[pixel] + places) / model.levels
    return model.flow.log_prob(every.view(PLACES, *x.shape[1:])).double()


def lost(log_density: Tensor) -> Tensor:
    """What the bound loses: log of the mean density minus mean of the log-density (…, PLACES), in nats, (…)."""
    return torch.logsumexp(log_density, -1) - math.log(log_density.shape[-1]) - log_density.mean(-1)


def _curve(log_density: Tensor, loss: float, level: int, levels: int) -> Image.Image:
    """log p over a cell, relative to its mean, with the mean and the log of the mean density as lines."""
    picture = Image.new("RGB", (WIDE, HIGH), "white")
    pen, left, right, top, bottom = ImageDraw.Draw(picture), 46, WIDE - 12, 30, HIGH - 48

    def up(nats: float) -> float:
        return bottom - (max(-RANGE, min(RANGE, nats)) + RANGE) / (2 * RANGE) * (bottom - top)

    pen.text((4, 4), "log p(y) in nats, relative to its mean over the cell", fill="black", font=font(13))
    for nats in range(-RANGE, RANGE + 1):
        pen.line((left, up(nats), right, up(nats)), fill="#dddddd")
        pen.text((14, up(nats) - 8), f"{nats:+d}" if nats else " 0", fill="black", font=font(13))
    across = [left + (place + 0.5) / len(log_density) * (right - left) for place in range(len(log_density))]
    dots = list(zip(across, (up(nats) for nats in (log_density - log_density.mean()).tolist()), strict=True))
    pen.line((left, up(0), right, up(0)), fill="#555555", width=2)
    pen.line((left, up(loss), right, up(loss)), fill=plots.VERMILION, width=2)
    pen.line(dots, fill=plots.BLUE, width=3)
    for x, y in dots:
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=plots.BLUE)
    for place, text in ((left, f"{level}/{levels}"), (right - 52, f"{level + 1}/{levels}")):
        pen.text((place, bottom + 6), text, fill="black", font=font(13))
    pen.text(((left + right) / 2 - 70, bottom + 6), "the pixel's place y", fill="black", font=font(13))
    return picture


@explorer
def within_a_cell(model: Dequantised, x: Tensor) -> Panel:
    """The noise of one pixel goes through the cell of its grey level: how log p changes, and what the bound loses by it.

    Args:
        model: a flow of grey pictures with one channel.
        x: pictures (B, 1, H, W).
    """

    def background(which: int, **_) -> np.ndarray:
        return plots.as_uint8(x[which, 0])

    def render(which: int, pixel: tuple[int, int], draw: int) -> Image.Image:
        number, digit = pixel[0] * x.shape[-1] + pixel[1], x[which : which + 1]
        log_density = over_the_cell(model, digit, number, runtime.generator(draw))
        loss, level = lost(log_density).item(), int(model.level(digit).flatten()[number])
        sheet = Image.new("RGB", (WIDE, HIGH + 50), "white")
        sheet.paste(_curve(log_density, loss, level, model.levels), (0, 0))
        pen = ImageDraw.Draw(sheet)
        words = f"grey line: mean of log p; orange-red: log of the mean of p; grey level {level}"
        pen.text((4, HIGH + 2), words, fill="black", font=font(13))
        words = f"between them: {loss:.3f} nats = {loss / math.log(2):.3f} bits, lost to this pixel's noise"
        pen.text((4, HIGH + 24), words, fill="black", font=font(13))
        return sheet

    controls = [
        Pick("pixel", "click a pixel", tuple(x.shape[-2:]), background, (13, 18)),
        Slider("which", "which digit", 0, len(x) - 1, value=0, step=1),
        Button("draw", "draw the noise again"),
    ]
    alt = "A digit with a marked pixel; beside it, a curve of log p while the pixel's noise goes through its cell."
    return Panel(render, controls, title="Within a cell", alt=alt)
