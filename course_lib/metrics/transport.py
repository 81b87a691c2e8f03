"""Optimal transport between two sets of points: exact on the line by sorting, exact in any dimension by assignment.

All points of one set weigh the same, and both sets weigh 1 together, so that the sets may differ in size on the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.metrics.inputs import check_row, check_rows, check_tensor
from course_lib.models.inputs import check_number


@dataclass(frozen=True)
class Plan:
    """Who goes where: piece k moves `mass[k]` from point `source[k]` of one set to point `target[k]` of the other, (K,) each."""

    source: Tensor
    target: Tensor
    mass: Tensor


def monotone_plan(x: Tensor, y: Tensor) -> Plan:
    """The best plan between points on the line, x (N,) and y (M,): the lowest mass of x goes to the lowest of y, and so on.

    It is optimal for every cost |x - y|^p with p >= 1 (Villani 2003, theorem 2.18). At most N + M - 1 pieces, in order from left
    to right. The masses are multiples of 1 / (N M), computed in whole numbers and therefore exact.
    """
    x, y = _on_a_line(x, "x"), _on_a_line(y, "y")
    N, M = len(x), len(y)
    ends = torch.cat([torch.arange(1, N + 1) * M, torch.arange(1, M + 1) * N]).unique()  # where a piece ends, in 1 / (N M)
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    return Plan(x.argsort(stable=True)[starts // M], y.argsort(stable=True)[starts // N], (ends - starts).double() / (N * M))


def wasserstein(x: Tensor, y: Tensor, p: float = 1.0) -> float:
    """W_p between points on the line, x (N,) and y (M,): the p-th root of the smallest mean of |x - y|^p over all plans.

    Exact, in the units of x. p = 1 is the earth mover's distance. ValueError where p < 1, or where points are not finite numbers
    in one row.
    """
    p = check_number(p, "p", "a power, for below 1 the sorted plan is not the best one:", least=1)
    x, y = _on_a_line(x, "x"), _on_a_line(y, "y")
    best = monotone_plan(x, y)
    distance = (x[best.source] - y[best.target]).abs()
    if (longest := distance.max().item()) > 0:  # relative to it, no power overflows
        return longest * ((best.mass * (distance / longest) ** p).sum() ** (1 / p)).item()
    return 0.0


@dataclass(frozen=True)
class Cumulative:
    """The shares of two sets of points below every place of the line.

    knots: (K,), all points in order. F, G: (K - 1,), the shares of the first and of the second set at or below each interval
    between two neighbouring knots.
    """

    knots: Tensor
    F: Tensor
    G: Tensor

    @property
    def area(self) -> float:
        """The area between the two curves: the earth mover's distance (Vallender 1974)."""
        return ((self.F - self.G).abs() * self.knots.diff()).sum().item()


def cumulative_curves(x: Tensor, y: Tensor) -> Cumulative:
    """The two cumulative curves of points x (N,) and y (M,) on the line, in double precision."""
    x, y = _on_a_line(x, "x").sort().values, _on_a_line(y, "y").sort().values
    knots = torch.cat([x, y]).unique()
    F, G = (torch.searchsorted(points, knots[:-1].contiguous(), right=True).double() / len(points) for points in (x, y))
    return Cumulative(knots, F, G)


@dataclass(frozen=True)
class Critic:
    """A function on the line that is straight between its knots (K,), where it has these values (K,), and level outside."""

    knots: Tensor
    values: Tensor

    def __call__(self, t: Tensor) -> Tensor:
        """The values at places t (…), in double precision."""
        t = check_tensor(t, "t", "of places (…)").detach().cpu().double()
        if t.isnan().any():
            raise ValueError("t has NaN in it; expected places on the line")
        return torch.from_numpy(np.interp(t.numpy().reshape(-1), self.knots.numpy(), self.values.numpy())).reshape(t.shape)


def best_critic(x: Tensor, y: Tensor) -> Critic:
    """The function of slope at most 1 with the largest mean over x (N,) minus mean over y (M,), exactly.

    Its slope between neighbouring points is the sign of G - F, where F and G are the shares of x and of y to the left. The
    difference of means is then the area between the curves, the earth mover's distance (Kantorovich & Rubinstein 1958). It is
    not unique: where F = G, any slope serves, and this one has 0. It is 0 at the leftmost point.
    """
    curves = cumulative_curves(x, y)
    rises = torch.sign(curves.G - curves.F) * curves.knots.diff()
    return Critic(curves.knots, torch.cat([rises.new_zeros(1), rises.cumsum(0)]))


@dataclass(frozen=True)
class Assignment:
    """The best one-to-one assignment of N rows to N columns, and the dual variables that prove it.

    columns: (N,), the column of each row. total: the sum of its costs. row_duals, column_duals: (N,), a number
    for each row and column. A row's plus a column's number is at most the cost of the pair, so that no assignment costs less than
    the sum of all these numbers, which is `total`.
    """

    columns: Tensor
    total: float
    row_duals: Tensor
    column_duals: Tensor


def assign(cost: Tensor) -> Assignment:
    """Solve the linear programme of transport between N rows and N columns of weight 1 / N each, costs (N, N).

    Some best plan sends each row to one column (Birkhoff 1946). It is found by the shortest augmenting paths of Jonker &
    Volgenant (1987), in about N³ operations: half a second for N = 512. ValueError unless the costs are square and finite.
    """
    if (
        check_tensor(cost, "cost", "(N, N)").ndim != 2
        or cost.shape[0] != cost.shape[1]
        or not cost.numel()
        or not cost.isfinite().all()
    ):
        raise ValueError(f"cost has shape {tuple(cost.shape)}; expected finite numbers (N, N), a row and a column for each point")
    costs = cost.detach().cpu().double().numpy()
    N = len(costs)
    column_duals = costs.min(0)
    row_duals = (costs - column_duals).min(1)
    row_of, column_of = np.full(N, -1), np.full(N, -1)
    for row, column in enumerate((costs - column_duals).argmin(1)):  # pairs that are tight from the start
        if row_of[column] < 0:
            row_of[column], column_of[row] = row, column
    for row in np.flatnonzero(column_of < 0):
        _augment(costs, row, row_duals, column_duals, row_of, column_of)
    columns = torch.from_numpy(column_of.copy())
    total = costs[np.arange(N), column_of].sum().item()
    return Assignment(columns, total, torch.from_numpy(row_duals), torch.from_numpy(column_duals))


def _augment(costs, start: int, row_duals, column_duals, row_of, column_of) -> None:
    """Give `start` a column: along the cheapest path of reassignments, which is found as Dijkstra does; all in place."""
    N = len(costs)
    distance, previous, open_ = np.full(N, np.inf), np.full(N, -1), np.ones(N, bool)
    row, reached, visited = start, 0.0, []
    while True:
        through = reached + costs[row] - row_duals[row] - column_duals
        nearer = open_ & (through < distance)
        distance[nearer], previous[nearer] = through[nearer], row
        column = int(np.where(open_, distance, np.inf).argmin())
        reached, open_[column] = distance[column], False
        if row_of[column] < 0:
            break
        visited.append(column)
        row = row_of[column]
    row_duals[start] += reached
    for done in visited:
        gain = reached - distance[done]
        row_duals[row_of[done]] += gain
        column_duals[done] -= gain
    while True:  # go back along the path, and let every row on it change its column
        row = previous[column]
        row_of[column], column_of[row], column = row, column, column_of[row]
        if row == start:
            return


def assignment_distance(x: Tensor, y: Tensor) -> float:
    """The earth mover's distance between N points x (N, D) and N points y (N, D), exactly, with Euclidean distances.

    For samples of two distributions it estimates their distance from above: also two samples of one distribution are some
    distance apart. ValueError where the sets differ in size.
    """
    x = check_rows(x, "x")
    y = check_rows(y, "y", columns=x.shape[1])
    if len(x) != len(y):
        raise ValueError(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; expected two sets of equal size (N, D)")
    return assign(torch.cdist(x.detach().cpu().double(), y.detach().cpu().double())).total / len(x)


def _on_a_line(points: Tensor, name: str) -> Tensor:
    """The points (N,) on the CPU in double precision; ValueError where they are not in one row, none, or not finite."""
    return check_row(points, name).detach().cpu().double()
