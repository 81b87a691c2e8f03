"""Explorer of a likelihood as a code: how many bits each pixel of a drawing needs, while one draws."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Canvas, Choice, Panel
from course_lib.explore.kit.sheet import MAP_SCALE, font, map_sheet, place_map, shades
from course_lib.metrics.likelihood import log_probs
from course_lib.models.autoregressive import AutoregressiveModel

MOST_BITS = 6.0  # the brightest shade of the map of bits
_BINS = 60
_BELOW = 124  # screen pixels under the maps: the histogram, its axis and the line of numbers


@explorer
def bits_as_you_draw(models: Mapping[str, AutoregressiveModel], digits: Tensor) -> Panel:
    """Draw a digit: the probability of ink at each pixel, the bits each pixel needs, and the total among real digits.

    Args:
        models: name -> autoregressive model of binary images (1, H, W).
        digits: real digits (B, 1, H, W) of 0 and 1. The first is the drawing to begin with; the totals of all make the histogram.
    """
    shape = next(iter(models.values())).event_shape[-2:]
    totals = {name: (-log_probs(model, digits) / math.log(2)).double().numpy() for name, model in models.items()}  # (B,) each
    longest = max(float(np.quantile(each, 0.995)) for each in totals.values())
    most = min(1.25 * longest, 1.05 * shape[0] * shape[1])  # where the axis of totals ends
    counts = {name: np.histogram(each, bins=_BINS, range=(0, most))[0] for name, each in totals.items()}

    @torch.no_grad()
    def render(ink: np.ndarray, model: str) -> Image.Image:
        x = torch.from_numpy(ink.astype(np.float32)).reshape(1, 1, *shape)
        given = models[model].conditionals(x)
        bits = (-given.log_prob(x) / math.log(2)).numpy().reshape(shape)
        canvas, draw = map_sheet(2, shape, below=_BELOW)
        expected = (255 * given.probs.numpy().reshape(shape))[..., None].repeat(3, -1)
        place_map(canvas, draw, 0, expected, "p(ink) given the pixels before")
        place_map(canvas, draw, 1, shades(bits / MOST_BITS), f"bits needed (brightest: {MOST_BITS:g} and more)")
        total = float(bits.sum())
        _histogram(draw, counts[model], total, most, 24 + shape[0] * MAP_SCALE + 12, canvas.width)
        share = float((totals[model] < total).mean())
        words = f"{total:.0f} bits   ·   raw: {bits.size}   ·   {share:.0%} of {len(digits):,} real digits cost less"
        draw.text((14, canvas.height - 24), words, fill="black", font=font())
        return canvas

    controls = [
        Canvas("ink", "draw a digit (0 to 9)", shape=shape, value=digits[0, 0].numpy(), tint="#FFFFFF", strength=1.0, brush=3),
        Choice("model", "model", list(models), value=next(iter(models))),
    ]
    return Panel(
        render,
        controls,
        title="The bits of each pixel as you draw",
        alt="Left: the probability of ink that the model gives each pixel of the drawing, from the pixels before it. Right: the "
        "bits each pixel needs. Below: the total, as a mark on the histogram of the totals of real digits.",
    )


def _histogram(draw: ImageDraw.ImageDraw, counts: np.ndarray, total: float, most: float, top: int, width: int) -> None:
    """The totals of real digits as bars from 0 to `most` bits, and a mark at the drawing's total."""
    left, right, high = 14, width - 14, 42
    step = (right - left) / len(counts)
    bottom = top + high
    for index, count in enumerate(counts):
        tall = high * count / max(counts.max(), 1)
        draw.rectangle([left + index * step, bottom - tall, left + (index + 1) * step - 1, bottom], fill=plots.SKY)
    draw.line([(left, bottom), (right, bottom)], fill="black")
    mark = left + (right - left) * min(total / most, 1.0)
    draw.line([(mark, top - 4), (mark, bottom)], fill=plots.VERMILION, width=3)
    for value in np.arange(0, most, 100):
        draw.text((left + (right - left) * value / most, bottom + 2), f"{value:.0f}", fill="black", font=font(12))
    draw.text((left, bottom + 18), "bits per digit   (bars: real digits; orange mark: this drawing)", fill="black", font=font(12))
