"""Are two groups of numbers further apart than chance puts them? For measures of one model trained with several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from course_lib.models.inputs import check_list, check_number

MOST = 200_000  # ways to deal out the numbers


def chance(a: Sequence[float], b: Sequence[float]) -> float:
    """The share of all ways to deal out these numbers into two groups of these sizes that part the means at least as far.

    An exact permutation test of equal distributions, for both signs (Fisher 1935, section 21): where a and b come from one
    distribution, the result is at most c with probability at most c. Five numbers against five give 2/252 at least.
    Raises ValueError for an empty group, a number that is not finite, or where there are too many ways to try them all.
    """
    a, b = (
        [check_number(value, f"a number of {name}") for value in check_list(group, name, "numbers")]
        for name, group in (("a", a), ("b", b))
    )
    both = torch.tensor([*a, *b], dtype=torch.double)
    if not len(a) or not len(b) or math.comb(len(both), len(a)) > MOST:
        raise ValueError(f"the groups have {len(a)} and {len(b)} numbers; expected at least one in each, and at most ten or so")
    first = torch.combinations(torch.arange(len(both)), len(a))  # (ways, len(a)), the true one first
    sums = both[first].sum(1)
    gaps = (sums / len(a) - (both.sum() - sums) / len(b)).abs()
    return (gaps >= gaps[0] * (1 - 1e-9)).double().mean().item()
