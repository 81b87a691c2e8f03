"""Roots of increasing functions, elementwise: for layers whose inverse has no formula."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def increasing_root(
    function: Callable[[Tensor], tuple[Tensor, Tensor]], target: Tensor, low: Tensor, high: Tensor, *, halvings: int = 60
) -> Tensor:
    """The a with function(a) = target, elementwise, (…), by bisection between `low` and `high` (…), to the last digit.

    function: a (…) -> the values of an increasing function (…), and its slopes (…). The search has no gradient; one Newton step
    at its end gives the root the derivatives that the implicit function theorem asks for.
    """
    with torch.no_grad():
        low, high = low.clone(), high.clone()
        for _ in range(halvings):
            middle = (low + high) / 2
            below = function(middle)[0] < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        root = (low + high) / 2
    value, slope = function(root)
    return root - (value - target) / slope.detach()
