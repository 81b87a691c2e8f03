"""What a pixel may see of those before it, layer by layer, and what a trained model makes of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw

from course_lib.explore.autoregressive.pixels import font
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.panel import Panel
from course_lib.models.autoregressive.pixels import PixelModel

SCALE = 10
SEEN, BLIND, OWN, AFTER = (86, 180, 233), (230, 159, 0), (213, 94, 0), (225, 225, 225)  # Okabe & Ito's colours, and grey


def before(shape: tuple[int, int], i: int, j: int) -> np.ndarray:
    """The pixels that come before (i, j) in raster order: booleans (H, W)."""
    return (np.arange(shape[0] * shape[1]) < i * shape[1] + j).reshape(shape)


def receptive_fields(models: Mapping[str, PixelModel]) -> Panel:
    """Click a pixel: blue is what its conditional can see, orange what came before and stays unseen, by the layers' geometry."""
    shape = tuple(next(iter(models.values())).event_shape[1:])
    most = max(model.layers for model in models.values())

    @lru_cache(maxsize=512)
    def context(model: str, i: int, j: int, layers: int) -> np.ndarray:
        return models[model].context(i, j, layers=layers).numpy()

    def render(pixel: tuple[int, int], model: str, layers: int) -> Image.Image:
        seen = context(model, *pixel, layers)
        earlier = before(shape, *pixel)
        picture = np.where(seen[..., None], SEEN, np.where(earlier[..., None], BLIND, AFTER)).astype(np.uint8)
        picture[tuple(pixel)] = OWN
        words = f"sees {int(seen.sum())} of {int(earlier.sum())} pixels before it"
        return _with_words(picture, words)

    controls = [
        Pick("pixel", "click a pixel", shape=shape, background=np.zeros(shape), value=(shape[0] // 2, shape[1] // 2)),
        Choice("model", "model", list(models)),
        Slider("layers", "residual blocks", 0, most, value=1, step=1),
    ]
    alt = "A grid of pixels: the chosen one in red, those it sees in blue, earlier ones it cannot see in orange, later ones grey."
    return Panel(render, controls, title="What may a pixel see?", alt=alt)


def influence(model: PixelModel, x: torch.Tensor, i: int, j: int) -> torch.Tensor:
    """|d logit of pixel (i, j) / d x|, averaged over the images x (B, 1, H, W): (H, W). Measured, not derived."""
    inputs, twin = x.clone().requires_grad_(), copy.deepcopy(model)
    twin.check = lambda values: values  # gradients ask about values between 0 and 1
    (gradient,) = torch.autograd.grad(twin.conditionals(inputs).logits[:, 0, i, j].sum(), inputs)
    return gradient[:, 0].abs().mean(0)


def _with_words(picture: np.ndarray, words: str) -> Image.Image:
    """The picture enlarged, with one line below."""
    high, wide = (side * SCALE for side in picture.shape[:2])
    sheet = Image.new("RGB", (wide, high + 26), "white")
    sheet.paste(Image.fromarray(picture).resize((wide, high), Image.Resampling.NEAREST))
    ImageDraw.Draw(sheet).text((4, high + 5), words, fill="black", font=font(13))
    return sheet
