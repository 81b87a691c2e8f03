"""The lower part of a digit rubbed out and drawn again. All cuts are drawn at once, so that the slider only looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib import runtime
from course_lib.explore.kit.controls import Button, Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import enlarged, ink, with_words
from course_lib.models.autoregressive import AutoregressiveModel
from course_lib.models.inputs import check_binary

SCALE = 5  # screen pixels per pixel of the image


@torch.no_grad()
def complete_cuts(model: AutoregressiveModel, x: Tensor, *, copies: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Completions of one image x (1, H, W) after each number of known rows, all from the same noise, in one batch.

    The model's order must be raster order (ValueError otherwise): then the known pixels come first, and every completion is
    exact.

    Returns (completions (H + 1, copies, H, W), -log p(the true rest | the known rows) in nats (H + 1,)).
    """
    check_binary(x[None], model.event_shape)
    _, H, W = model.event_shape
    if list(model.order) != list(range(H * W)):
        raise ValueError(f"the model's order starts {model.order[:3]} …; expected raster order: 0, 1, 2, …")
    noise = model.noise(copies, runtime.generator(seed)).repeat(H + 1, 1, 1)  # (cuts * copies, D, 1)
    start = W * torch.arange(H + 1).repeat_interleave(copies)
    drawn = model.sample_from_noise(noise, x.flatten().expand(len(noise), -1), start)
    row_nats = -model.conditionals(x[None]).log_prob(x[None])[0, 0].double().sum(1)  # (H,)
    rest = torch.cat([row_nats.flip(0).cumsum(0).flip(0), row_nats.new_zeros(1)])
    return drawn.reshape(H + 1, copies, H, W), rest


@explorer
def keep_rows(models: Mapping[str, AutoregressiveModel], digits: Tensor, *, copies: int = 4, seed: int = 0) -> Panel:
    """A slider over the number of rows that stay: below them, `copies` exact completions by the chosen model.

    Args:
        models: name -> model of binary images (1, H, W) in raster order.
        digits: (B, 1, H, W) of 0 and 1.
        seed: of the first completions; each click on "draw again" adds 1.
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
    alt = f"The digit, and {copies} completions: the rows that stay in black and white, what the model drew below them in orange."
    return Panel(render, controls, title="Erase below, complete it", alt=alt)


def _sheet(drawn: np.ndarray, true: np.ndarray, rows: int, words: str) -> Image.Image:
    """The true digit (H, W) and its completions (N, H, W) side by side; what a model drew below the cut is orange."""
    below = (np.arange(len(true)) >= rows)[:, None]
    tiles = [enlarged(ink(true, False), SCALE), *(enlarged(ink(strokes, below), SCALE) for strokes in drawn)]
    return with_words(tiles, words)
