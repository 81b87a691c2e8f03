"""How good a translation between two unpaired sets is: what comes back, and, for drawn faces, what became of the factors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.metrics.inputs import as_floats, check_examples, check_finite, check_row, check_rows, check_tensor
from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.models.inputs import check_count, check_number
from course_lib.runtime import standard_normal

LEVELS = 255  # a grey level is 1/255 of the range of a pixel


@torch.no_grad()
def cycle_error(model, x: Tensor, *, to: str) -> Estimate:
    """The mean absolute difference between examples x (N, ...) and their translations there and back, in grey levels."""
    x = as_floats(check_examples(x, least=2))
    _, back = model.there_and_back(x, to=to)
    return mean_with_error(LEVELS * (back - x).abs().reshape(len(x), -1).mean(1), "grey levels")


def _pictures(x: Tensor) -> Tensor:
    """x in float32 or float64; ValueError unless all values lie in [0, 1]."""
    x = check_finite(as_floats(check_tensor(x, "x", "of pictures")), "x")
    if x.numel() and not 0 <= x.min() <= x.max() <= 1:
        raise ValueError(f"x has values in [{x.min():.4g}, {x.max():.4g}]; expected [0, 1]: divide bytes by 255, or clamp")
    return x


def rounded(x: Tensor, levels: int) -> Tensor:
    """x in [0, 1] with every value rounded to the nearest of so many evenly spaced levels, 0 and 1 among them."""
    if (levels := check_count(levels, "levels")) < 2:
        raise ValueError(f"levels is {levels}; expected at least 2")
    x = _pictures(x)
    return (x * (levels - 1)).round() / (levels - 1)


def disturbed(x: Tensor, grey_levels: float, *, generator: torch.Generator | None = None) -> Tensor:
    """x in [0, 1] with Gaussian noise of this standard deviation, in grey levels, cut to [0, 1]."""
    x, grey_levels = _pictures(x), check_number(grey_levels, "grey_levels", least=0)
    return (x + grey_levels / LEVELS * standard_normal(x.shape, x, generator)).clamp(0, 1)


def found_pairs(there: Tensor, targets: Tensor, *, within: float) -> list[int] | None:
    """Which target each of k translated points is nearest to, if these are k different ones, each closer than `within`.

    there, targets: (k, D). None where two points have the same nearest target, or where a point lies too far from all of them.
    """
    targets, within = check_rows(targets, "targets"), check_number(within, "within", "a distance", above=0)
    there = check_rows(there, "there", columns=targets.shape[1])
    distance, nearest = torch.cdist(there.double(), targets.double()).min(1)
    pairs = nearest.tolist()
    return pairs if len(set(pairs)) == len(pairs) and bool((distance < within).all()) else None


def along_crescent(points: Tensor, *, upwards: int) -> Tensor:
    """Where points (N, 2) lie along a crescent of `datasets.unpaired.crescents`: 0 at its left end, 1 at its right end, (N,).

    upwards: 1 for the first crescent, -1 for the second. Beyond its ends the number goes on, from -0.5 to 1.5.
    """
    upwards = check_number(upwards, "upwards", "1 for the first crescent, -1 for the second:")
    if abs(upwards) != 1:
        raise ValueError(f"upwards is {upwards:g}; expected 1 for the first crescent, -1 for the second")
    points = check_rows(points, "points", columns=2)
    angle = torch.atan2(upwards * points[:, 1] - 0.25, points[:, 0])
    place = 1 - angle / math.pi
    return torch.where(place > 1.5, place - 2, place)


def covered(places: Tensor, bins: int = 20) -> float:
    """The share of equal parts of [0, 1] that hold at least a fifth of an equal share of the places (N,)."""
    places, bins = check_row(places, "places"), check_count(bins, "bins")
    counts = torch.histc(places.clamp(0, 1).float(), bins, 0, 1)
    return (counts >= 0.2 * len(places) / bins).float().mean().item()
