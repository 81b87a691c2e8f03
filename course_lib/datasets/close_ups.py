"""Close-ups of the drawn faces: the head stays where it is and hardly tilts; four of the six factors are left.

In pictures where the head moves, its place makes most of the difference between two pictures, and the smile very little.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.datasets import faces
from course_lib.datasets.data import PARTS, check_split

FACTORS = faces.FACTORS[:4]  # tilt, smile, eye_opening, skin_tone
RANGES = {**{name: faces.RANGES[name] for name in FACTORS}, "tilt": (-0.15, 0.15)}
SHAPES = {16: (3, 16, 16), 32: (3, 32, 32)}  # by size
SHAPE = SHAPES[16]

_TOP, _LEFT = 9, 8  # of the window, brows to chin, in a face that has twice the sides of 16 x 16


def sample_factors(n: int, generator: torch.Generator | None = None) -> Tensor:
    """n rows of factors, (n, 4), on the generator's device: independent and uniform, each over its range."""
    drawn = faces.sample_factors(n, generator)[:, : len(FACTORS)]
    drawn[:, 0] *= RANGES["tilt"][1] / faces.RANGES["tilt"][1]
    return drawn


def draw(factors: Tensor, size: int = 16) -> Tensor:
    """The middle of the faces with these factors, (B, 4), as RGB images (B, 3, size, size) in [0, 1].

    size is 16 or 32: the window is cut from a face of twice as many pixels in each direction, of which it shows the same part.
    """
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS):
        raise ValueError(f"factors have shape {tuple(factors.shape)}; expected (B, {len(FACTORS)}) in the order {FACTORS}")
    if size not in SHAPES:
        raise ValueError(f"size is {size!r}; expected one of {tuple(SHAPES)}")
    window = tuple(slice(start * size // 16, start * size // 16 + size) for start in (_TOP, _LEFT))
    return faces.draw(F.pad(factors, (0, 2)), 2 * size, window=window)  # x and y are 0


def split(name: str, size: int = 16) -> tuple[Tensor, Tensor]:
    """8,000 close-ups for training, or 1,000 for validation or test, and their factors (N, 4); always the same."""
    seed = PARTS.index(check_split(name, PARTS, "close_ups"))
    factors = sample_factors(8_000 if name == "train" else 1_000, runtime.generator(seed))
    return draw(factors, size), factors
