"""Roots of increasing functions, elementwise: for layers whose inverse has no formula."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def increasing_root(
    function: Callable[[Tensor], tuple[Tensor, Tensor]], target: Tensor, low: Tensor, high: Tensor, *, most: int = 120
) -> Tensor:
    """The a with function(a) = target, elementwise, (…), between `low` and `high` (…).

    function: a (…) -> the values of an increasing function (…), and its slopes (…). Newton's steps are taken where they stay
    between the bounds, the middle of the bounds elsewhere and in every third step, until Newton's steps are as small as the
    rounding error, or `most` times. The search has no gradient; one Newton step at its end gives the root the derivatives
    that the implicit function theorem asks for.
    """
    with torch.no_grad():
        low, high = low.clone(), high.clone()
        root, close = (low + high) / 2, 64 * torch.finfo(target.dtype).eps
        for count in range(1, most + 1):
            value, slope = function(root)
            below = value < target
            low, high = torch.where(below, root, low), torch.where(below, high, root)
            step, middle = root - (value - target) / slope, (low + high) / 2
            done = (step - root).abs() <= close * (1 + root.abs())
            taken = done | ((step >= low) & (step <= high) & (count % 3 != 0))
            root = torch.where(taken, step, middle)
            if done.all():
                break
    value, slope = function(root)
    return root - (value - target) / slope.detach()
