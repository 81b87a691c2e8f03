"""Pairs of images, an input and its output: the edges of clothes and the clothes, the edges of drawn faces and the faces, and
outlines whose filling a coin decides.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.datasets import faces, images
from course_lib.datasets.data import check_split

PAIRS_SPLITS = ("train", "validation", "test")
SHARE, FACE_SHARE = 0.25, 0.15  # of the steepest slope in the image: where the slope is steeper than that, there is an edge
COIN_SIDE, DARK, LIGHT, LIGHT_SHARE = 8, 0.3, 0.9, 0.4  # of the rectangles that a coin fills
GREY = (0.299, 0.587, 0.114)  # what red, green and blue add to the brightness that we see (ITU-R BT.601)


def edges(x: Tensor, share: float = SHARE) -> Tensor:
    """Where images x (B, C, H, W) change fast: 1 on an edge and 0 elsewhere, (B, 1, H, W).

    The slope is the length of the gradient by central differences, in the channel where it is longest. A pixel is an edge where
    its slope is larger than `share` of the largest slope in the image, so that dark and light images have equally many edges.
    An image without any slope has no edges.
    """
    if x.ndim != 4 or not 0 <= share < 1:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and share is {share!r}; expected images (B, C, H, W) and a share in [0, 1)"
        )
    around = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across = (around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2]) / 2
    down = (around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]) / 2
    slope = (across.square() + down.square()).sqrt().amax(1, keepdim=True)  # (B, 1, H, W)
    return (slope > share * slope.amax((1, 2, 3), keepdim=True)).to(x.dtype)


def grey(x: Tensor) -> Tensor:
    """The brightness of colour images: (B, 3, H, W) -> (B, 1, H, W)."""
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected colour images (B, 3, H, W)")
    return (x * x.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)


def edges_to_clothes(split: str) -> tuple[Tensor, Tensor]:
    """Edges and the garments that they were taken from, (N, 1, 28, 28) each.

    Only the 10,000 garments of Fashion-MNIST's test file are here: 8,000 for training, 1,000 for validation, 1,000 for test.
    """
    garments, _ = images.fashion(check_split(split, PAIRS_SPLITS, "edges_to_clothes"))
    return edges(garments), garments


def edges_to_faces(n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Edges (n, 1, 32, 32) of drawn faces, the faces (n, 3, 32, 32), their factors (n, 6): as many new pairs as are asked for.

    An edge is where the slope is above FACE_SHARE of the steepest: that of the head is much steeper than that of the mouth.
    """
    factors = faces.sample_factors(runtime.check_index(n, "n", 1), generator)
    drawn = faces.draw(factors)
    return edges(drawn, FACE_SHARE), drawn, factors


def coin_fills(n: int, outputs: int = 1, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Outlines of rectangles (n, 1, 8, 8), and for each of them `outputs` fillings (n, outputs, 8, 8), by a coin each.

    A filling covers the rectangle with the grey level DARK, or with LIGHT, which has the probability LIGHT_SHARE.
    """
    n, outputs = runtime.check_index(n, "n", 1), runtime.check_index(outputs, "outputs", 1)
    like = torch.empty(0, device=generator.device if generator is not None else "cpu")
    sides = 4 + (5 * runtime.uniform((n, 2), like, generator)).long()  # 4 … 8 pixels high and wide
    corner = ((COIN_SIDE + 1 - sides) * runtime.uniform((n, 2), like, generator)).long()
    place = torch.arange(COIN_SIDE, device=like.device)
    after, before = place - corner[..., None], (corner + sides - 1)[..., None] - place  # (n, 2, 8): from both borders
    inside, inner = (torch.minimum(after, before) >= least for least in (0, 1))
    filled, inner = (lines[:, 0, :, None] & lines[:, 1, None, :] for lines in (inside, inner))  # (n, 8, 8)
    light = runtime.uniform((n, outputs, 1, 1), like, generator) < LIGHT_SHARE
    return (filled & ~inner).float()[:, None], filled[:, None] * torch.where(light, LIGHT, DARK)
