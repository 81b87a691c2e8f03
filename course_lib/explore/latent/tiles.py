"""What the explorers of a VAE's latent space share: which coordinates are in use, and decoded codes as pictures."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from course_lib import plots
from course_lib.models.latent import VAE

USED = 0.1  # nats: a coordinate with a smaller KL tells almost nothing about the picture


@torch.no_grad()
def nats_by_coordinate(model: VAE, x: Tensor) -> Tensor:
    """KL(q(z_l | x) || p(z_l)) of each coordinate in nats, averaged over examples x (B, *event_shape): (L,)."""
    return model.encode(x).kl_by_coordinate(model.prior()).mean(0)


def in_use(nats: Tensor, most: int) -> list[int]:
    """The coordinates of more than USED nats, the largest first, `most` of them at most; the largest alone where none has."""
    order = [index for index in nats.argsort(descending=True).tolist() if nats[index] > USED][:most]
    return order or [int(nats.argmax())]


@torch.no_grad()
def decoded(model: VAE, z: Tensor) -> Tensor:
    """The means of p(x | z) for codes (B, L), cut to [0, 1]: (B, *event_shape)."""
    return model.decode(z).mean.clamp(0, 1)


def pictures(model: VAE, z: Tensor, side: int) -> list[Image.Image]:
    """The means of p(x | z) for codes (B, L), as B pictures of `side` by `side` screen pixels."""
    return [enlarged(x, side) for x in decoded(model, z)]


def enlarged(x: Tensor | object, side: int) -> Image.Image:
    """A picture of `side` by `side` screen pixels: colours are enlarged smoothly, grey values as squares."""
    values = plots.as_uint8(x)
    kind = Image.Resampling.BICUBIC if values.ndim == 3 else Image.Resampling.NEAREST
    return Image.fromarray(values).convert("RGB").resize((side, side), kind)
