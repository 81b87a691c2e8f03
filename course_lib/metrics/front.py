"""The best that two numbers allow together: which of several models no other one beats in both."""

from __future__ import annotations

from torch import Tensor

from course_lib.metrics.inputs import check_tensor


def front(costs: Tensor) -> Tensor:
    """Which of N models no other model dominates, booleans (N,), for their costs (N, K), where less is better in every column.

    One model dominates another if it is at least as good in every column and better in one: the Pareto front is what nobody
    dominates. Models with equal costs do not dominate each other. Turn the sign of a column where more is better. ValueError for
    other shapes, and for numbers that are NaN: leave out a model that has no number.
    """
    if check_tensor(costs, "costs", "(N, K)").ndim != 2 or not costs.shape[1] or costs.isnan().any():
        raise ValueError(f"costs have shape {tuple(costs.shape)}; expected (N, K) without NaN: leave out rows without a number")
    no_worse = (costs[:, None] <= costs).all(-1)  # (N, N): is row i at least as good as row j everywhere?
    better = (costs[:, None] < costs).any(-1)
    return ~(no_worse & better).any(0)
