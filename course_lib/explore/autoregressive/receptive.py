"""Which of the earlier pixels a pixel can see, layer by layer, and how much a trained model uses each of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import enlarged, with_words
from course_lib.models.autoregressive.pixels import PixelModel

SCALE = 10  # screen pixels per pixel of the image
SEEN, BLIND, OWN, AFTER = (86, 180, 233), (230, 159, 0), (213, 94, 0), (225, 225, 225)  # Okabe & Ito's colours, and grey


def before(shape: tuple[int, int], i: int, j: int) -> np.ndarray:
    """The pixels that come before (i, j) in raster order: booleans (H, W)."""
    return (np.arange(shape[0] * shape[1]) < i * shape[1] + j).reshape(shape)


@explorer
def receptive_fields(models: Mapping[str, PixelModel], picture: torch.Tensor | None = None) -> Panel:
    """Click a pixel: blue are the pixels that its conditional can see, orange the earlier ones that it cannot see.

    The receptive field is derived from the geometry of the layers, not measured.

    models: name -> model of images of one shape. picture (H, W): what stands behind the clicks; blank where none is given.
    """
    shape = tuple(next(iter(models.values())).event_shape[1:])
    most = max(model.layers for model in models.values())

    @lru_cache(maxsize=512)
    def context(model: str, i: int, j: int, layers: int) -> np.ndarray:
        return models[model].receptive_field(i, j, layers=layers).numpy()

    background = np.zeros(shape) if picture is None else picture.numpy()

    def render(pixel: tuple[int, int], model: str, layers: int) -> Image.Image:
        seen = context(model, *pixel, layers)
        earlier = before(shape, *pixel)
        picture = np.where(seen[..., None], SEEN, np.where(earlier[..., None], BLIND, AFTER)).astype(np.uint8)
        picture[tuple(pixel)] = OWN
        words = f"sees {int(seen.sum())} of {int(earlier.sum())} pixels before it"
        return with_words([enlarged(picture, SCALE)], words, gap=0, edge=(0, 0), room=26, offset=(4, 5))

    controls = [
        Pick("pixel", "click a pixel", shape=shape, background=background, value=(shape[0] // 2, shape[1] // 2)),
        Choice("model", "model", list(models)),
        Slider("layers", "residual blocks", 0, most, value=most, step=1),
    ]
    alt = "A grid of pixels: the chosen one in orange-red, those it sees in blue, "
    alt += "earlier ones it cannot see in orange, later ones grey."
    return Panel(render, controls, title="What may a pixel see?", alt=alt)


def influence(model: PixelModel, x: torch.Tensor, i: int, j: int) -> torch.Tensor:
    """|∂ logit of pixel (i, j) / ∂x|, averaged over the images x (B, 1, H, W): (H, W). Measured by a gradient, not derived."""
    inputs, twin = x.clone().requires_grad_(), copy.deepcopy(model)
    twin.check = lambda values: values  # values between 0 and 1 are allowed, too
    (gradient,) = torch.autograd.grad(twin.conditionals(inputs).logits[:, 0, i, j].sum(), inputs)
    return gradient[:, 0].abs().mean(0)
