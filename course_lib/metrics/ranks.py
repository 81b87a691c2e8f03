"""Whether two numbers rise and fall together: the correlation of their ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_row
from course_lib.models.inputs import check_list, check_number


@dataclass(frozen=True)
class RankCorrelation:
    """A rank correlation, and the ends of its 95 % interval for independent pairs."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def ranks(values: Tensor) -> Tensor:
    """The place of each of values (N,) among them, from 1, in double precision; equal values share the mean of their places.

    ValueError for NaN.
    """
    values = check_row(values, "values", infinite=True).contiguous()
    ordered = values.sort().values
    below, not_above = (torch.searchsorted(ordered, values, right=right).double() for right in (False, True))
    return (below + 1 + not_above) / 2


def _tensor(values: Any, name: str) -> Tensor:
    """values as a tensor, if they are one, or a sequence of numbers."""
    if isinstance(values, Tensor):
        return values
    return torch.tensor([check_number(value, f"a number of {name}") for value in check_list(values, name, "numbers")])


def spearman(a: Tensor, b: Tensor) -> RankCorrelation:
    """Spearman's rank correlation (1904) of a (N,) and b (N,), with the interval of Fieller, Hartley & Pearson (1957).

    1 where b never falls while a rises; it does not depend on either scale. The interval is for independent pairs: moments of
    one training are not independent, so that the spread over several trainings says more. ValueError for fewer than 4 pairs,
    NaN, or values that are all equal.
    """
    a, b = (
        check_row(_tensor(values, name), name, least=4, infinite=True).detach().cpu().double()
        for name, values in (("a", a), ("b", b))
    )
    if a.shape != b.shape:
        raise ValueError(f"a has {len(a)} numbers and b {len(b)}; expected two rows of equally many")
    if (a == a[0]).all() or (b == b[0]).all():
        raise ValueError("all values of one row are equal; a rank correlation needs some that differ")
    rho = torch.corrcoef(torch.stack([ranks(a), ranks(b)]))[0, 1].clamp(-1, 1).item()
    if abs(rho) > 1 - 1e-12:
        return RankCorrelation(round(rho), round(rho), round(rho))
    spread = 1.96 * math.sqrt(1.06 / (len(a) - 3))
    return RankCorrelation(rho, math.tanh(math.atanh(rho) - spread), math.tanh(math.atanh(rho) + spread))
