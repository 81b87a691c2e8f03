"""The lower part of a digit rubbed out and drawn again: all cuts at once, so that the slider only looks up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import runtime
from course_lib.explore.autoregressive.completion import INK, PAPER
from course_lib.explore.autoregressive.pixels import font
from course_lib.explore.kit.controls import Button, Choice, Slider
from course_lib.explore.kit.panel import Panel
from course_lib.models.autoregressive import AutoregressiveModel
from course_lib.models.inputs import check_binary

SCALE, GAP = 5, 6


@torch.no_grad()
def complete_cuts(model: AutoregressiveModel, x: Tensor, *, copies: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Completions of one image x (1, H, W) after each number of known rows, all from the same noise, in one batch.

    The model's order must be raster order, so that what is known comes first: every completion is exact.

    Returns (completions (H + 1, copies, H, W), -log p(the true rest | the known rows) in nats (H + 1,)).
    """
    check_binary(x[None], model.event_shape)
    _, H, W = model.event_shape
    if list(model.order) != list(range(H * W)):
        raise ValueError(f"the model's order starts {model.order[:3]} …; expected raster order: 0, 1, 2, …")
    noise = model.noise(copies, runtime.generator(seed)).repeat(H + 1, 1, 1)  # (cuts * copies, D, 1)
    start = W * torch.arange(H + 1).repeat_interleave(copies)
    drawn = model.sample_from_noise(noise, x.flatten().expand(len(noise), -1), start)
    paid = -model.conditionals(x[None]).log_prob(x[None])[0, 0].double().sum(1)  # (H,)
    rest = torch.cat([paid.flip(0).cumsum(0).flip(0), paid.new_zeros(1)])
    return drawn.reshape(H + 1, copies, H, W), rest


def keep_rows(models: Mapping[str, AutoregressiveModel], digits: Tensor, *, copies: int = 4, seed: int = 0) -> Panel:
    """A slider over the rows that stay: below them, `copies` exact completions by each model.

    Args:
        models: name -> model of binary images (1, H, W) in raster order.
        digits: (B, 1, H, W) of 0 and 1.
        seed: of the first completions; "draw again" counts on from it.
    """
    H = next(iter(models.values())).event_shape[1]

    @lru_cache(maxsize=32)
    def completed(model: str, digit: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        drawn, rest = complete_cuts(models[model], digits[digit], copies=copies, seed=seed)
        return drawn.numpy() > 0, rest.numpy()

    def render(rows: int, model: str, digit: int, again: int) -> Image.Image:
        drawn, rest = completed(model, digit, seed + again)
        words = f"{rows} rows known; what really stood below costs {rest[rows]:.1f} nats given them"
        return _sheet(drawn[rows], digits[digit, 0].numpy() > 0, rows, words)

    controls = [
        Slider("rows", "rows that stay", 0, H, value=H // 2, step=1),
        Choice("model", "model", list(models)),
        Choice("digit", "digit", list(range(len(digits)))),
        Button("again", "draw again"),
    ]
    alt = f"The digit, and {copies} completions: rows that stay in black and white, what the model drew below in orange."
    return Panel(render, controls, title="Erase below, complete it", alt=alt)


def _sheet(drawn: np.ndarray, true: np.ndarray, rows: int, words: str) -> Image.Image:
    """The true digit and its completions (N, H, W) side by side; below the cut, ink in orange."""
    high, wide = (side * SCALE for side in true.shape)
    sheet = Image.new("RGB", ((len(drawn) + 1) * (wide + GAP) + GAP, high + 2 * GAP + 24), "white")
    below = (np.arange(len(true)) >= rows)[:, None, None]
    for index, strokes in enumerate([true, *drawn]):
        plain = np.where(strokes[..., None], 255, 0)
        fresh = np.where(strokes[..., None], INK, PAPER)
        picture = np.where(below & (index > 0), fresh, plain).astype(np.uint8)
        tile = Image.fromarray(picture).resize((wide, high), Image.Resampling.NEAREST)
        sheet.paste(tile, (GAP + index * (wide + GAP), GAP))
    ImageDraw.Draw(sheet).text((GAP, high + 2 * GAP), words, fill="black", font=font(13))
    return sheet
