"""How good a translation between two unpaired sets is: what comes back, and, for drawn faces, what became of the factors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.runtime import standard_normal

LEVELS = 255  # a grey level is 1/255 of the range of a pixel


@torch.no_grad()
def cycle_error(model, x: Tensor, *, to: str) -> Estimate:
    """The mean absolute difference between examples x (N, ...) and their translations there and back, in grey levels."""
    _, back = model.there_and_back(x, to=to)
    return mean_with_error(LEVELS * (back - x).abs().flatten(1).mean(1), "grey levels")


def rounded(x: Tensor, levels: int) -> Tensor:
    """x in [0, 1] with every value rounded to the nearest of so many evenly spaced levels, 0 and 1 among them."""
    if levels < 2:
        raise ValueError(f"levels are {levels!r}; expected at least 2")
    return (x * (levels - 1)).round() / (levels - 1)


def disturbed(x: Tensor, grey_levels: float, *, generator: torch.Generator | None = None) -> Tensor:
    """x in [0, 1] with Gaussian noise of this standard deviation, in grey levels, cut to [0, 1]."""
    return (x + grey_levels / LEVELS * standard_normal(x.shape, x, generator)).clamp(0, 1)


def found_pairs(there: Tensor, targets: Tensor, *, within: float) -> list[int] | None:
    """Which target each of k translated points is nearest to, if these are k different ones, each closer than `within`.

    there, targets: (k, D). None where two points have the same nearest target, or where a point lies too far from all of them.
    """
    distance, nearest = torch.cdist(there, targets).min(1)
    pairs = nearest.tolist()
    return pairs if len(set(pairs)) == len(pairs) and bool((distance < within).all()) else None


def along_crescent(points: Tensor, *, upwards: int) -> Tensor:
    """Where points (N, 2) lie along a crescent of `datasets.unpaired.crescents`: 0 at its left end, 1 at its right end, (N,).

    upwards: 1 for the first crescent, -1 for the second. Beyond its ends the number goes on, from -0.5 to 1.5.
    """
    angle = torch.atan2(upwards * points[:, 1] - 0.25, points[:, 0])
    place = 1 - angle / math.pi
    return torch.where(place > 1.5, place - 2, place)


def covered(places: Tensor, bins: int = 20) -> float:
    """The share of equal parts of [0, 1] that hold at least a fifth of an equal share of the places (N,)."""
    counts = torch.histc(places.clamp(0, 1).float(), bins, 0, 1)
    return (counts >= 0.2 * len(places) / bins).float().mean().item()
