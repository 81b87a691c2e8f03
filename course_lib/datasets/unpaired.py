"""Pairs of sets whose examples form no pairs: shoes and boots, frowns and laughs, colour faces and sketches, two crescents.

Drawn faces have known factors, so that the true partner of every picture is known, although no training sees it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.datasets import close_ups, images
from course_lib.datasets.data import PARTS, Unpaired, check_split

SNEAKER, BOOT = 7, 9  # classes of Fashion-MNIST
SMILE, TONE = close_ups.FACTORS.index("smile"), close_ups.FACTORS.index("skin_tone")
LEAST = 0.5  # of the absolute value of a smile or frown


def shoes(split: str) -> Unpaired:
    """Sneakers (a) and ankle boots (b), grey, (N, 1, 28, 28) each: 800 of each for training, with their mirror images 1,600.

    "validation" and "test" have 100 of each, without mirror images.
    """
    x, y = images.fashion(check_split(split, PARTS, "shoes"))
    sides = (x[y == SNEAKER], x[y == BOOT])
    return Unpaired(*(torch.cat([side, side.flip(-1)]) if split == "train" else side for side in sides))


def face_factors(split: str) -> tuple[Tensor, Tensor]:
    """Factors of frowning faces, smile in [-1, -0.5], and of laughing ones, smile in [0.5, 1]: (N, 4) each.

    4,000 of each for training, 500 for validation or test: the faces of `close_ups.split`, the first half of which frowns and
    the second half laughs. No face is in both sets.
    """
    factors = close_ups.split(check_split(split, PARTS, "faces"))[1]
    strength = LEAST + (1 - LEAST) * factors[:, SMILE].abs()
    frowning, laughing = factors.chunk(2)
    return _with_smile(frowning, -strength[: len(frowning)]), _with_smile(laughing, strength[len(frowning) :])


def faces(split: str) -> Unpaired:
    """Close-ups of frowning faces (a) and of other faces that laugh (b), in colour, (N, 3, 16, 16) each."""
    return Unpaired(*(close_ups.draw(factors) for factors in face_factors(split)))


def partner(factors: Tensor) -> Tensor:
    """The factors (B, 4) of the same faces with a laugh for a frown of the same strength, and the other way round."""
    return _with_smile(factors, -factors[:, SMILE])


def sketch_factors(split: str) -> tuple[Tensor, Tensor]:
    """Factors of the colour faces and of the faces that are sketched, (N, 4) each: the two halves of `close_ups.split`."""
    return close_ups.split(check_split(split, PARTS, "sketches"))[1].chunk(2)


def sketches(split: str) -> Unpaired:
    """Close-ups in colour (a), (N, 3, 16, 16), and sketches of other faces (b), (N, 1, 16, 16): 4,000 of each, or 500."""
    coloured, sketched = sketch_factors(split)
    return Unpaired(close_ups.draw(coloured), sketch(sketched))


def sketch(factors: Tensor) -> Tensor:
    """A pencil sketch of the face of these factors, (B, 4): dark where a pixel is darker than its surroundings, (B, 1, 16, 16).

    The face is drawn with the lightest skin, whatever its own: so no pixel of a true sketch depends on the skin tone.
    """
    pale = factors.clone()
    pale[:, TONE] = 0.0
    grey = close_ups.draw(pale).mean(1, keepdim=True)
    around = F.avg_pool2d(F.pad(grey, (2, 2, 2, 2), mode="replicate"), 5, stride=1)  # the mean of 5 x 5 pixels
    return (grey / around).clamp(0, 1)


def _with_smile(factors: Tensor, smile: Tensor) -> Tensor:
    changed = factors.clone()
    changed[:, SMILE] = smile
    return changed


def crescents(n: int, *, scale: float = 0.05, generator: torch.Generator | None = None) -> tuple[Unpaired, Unpaired]:
    """n points on each of two crescents, (n, 2), and the hidden label of every point, (n,), its place along the crescent.

    The label runs from 0 at the left end to 1 at the right end. The first crescent is open below and lies above the second,
    which is its mirror image, open above. Two points with the same label are partners.
    """
    like = torch.empty(0, device=generator.device if generator is not None else "cpu")
    points, labels = [], []
    for upwards in (1, -1):
        label = runtime.uniform((runtime.check_index(n, least=1),), like, generator)
        angle = math.pi * (1 - label)
        arc = torch.stack([angle.cos(), upwards * (angle.sin() + 0.25)], 1)
        points.append(arc + scale * runtime.standard_normal((n, 2), arc, generator))
        labels.append(label)
    return Unpaired(*points), Unpaired(*labels)
