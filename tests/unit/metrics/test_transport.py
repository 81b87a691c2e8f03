"""Exact transport against SciPy, linear programming, brute force and its own dual."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment, linprog
from scipy.stats import wasserstein_distance

from course_lib import runtime
from course_lib.metrics import transport

SIZES = [(1, 1), (1, 4), (5, 5), (3, 4), (4, 6), (40, 25)]


def piles(N, M, seed=0, *, rounded=False):
    """Two sets of points on the line; rounded ones lie on top of each other."""
    g = runtime.generator(seed + 10 * N + M)
    x, y = torch.randn(N, generator=g, dtype=torch.float64), 2 * torch.randn(M, generator=g, dtype=torch.float64) + 1
    return (x.round(), y.round()) if rounded else (x, y)


def by_linear_programme(cost):
    """The smallest cost of moving mass 1 / N at each row to mass 1 / M at each column."""
    N, M = cost.shape
    rows, columns = np.kron(np.eye(N), np.ones(M)), np.kron(np.ones(N), np.eye(M))
    masses = np.r_[np.full(N, 1 / N), np.full(M, 1 / M)]
    return linprog(cost.numpy().ravel(), A_eq=np.vstack([rows, columns]), b_eq=masses, method="highs").fun


@pytest.mark.parametrize("rounded", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_four_ways_to_one_number(size, rounded):
    x, y = piles(*size, rounded=rounded)
    exact = wasserstein_distance(x, y)
    assert transport.wasserstein(x, y) == pytest.approx(exact, abs=1e-12)
    assert transport.cumulative_curves(x, y).area == pytest.approx(exact, abs=1e-12)
    critic = transport.best_critic(x, y)
    assert (critic(x).mean() - critic(y).mean()).item() == pytest.approx(exact, abs=1e-9)  # strong duality
    if len(x) <= 6:
        assert by_linear_programme((x[:, None] - y).abs()) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("p", [1, 1.5, 2, 4])
@pytest.mark.parametrize("size", SIZES[:5], ids=str)
def test_other_powers_are_those_of_the_linear_programme(size, p):
    x, y = piles(*size)
    best = by_linear_programme((x[:, None] - y).abs() ** p) ** (1 / p)
    assert transport.wasserstein(x, y, p) == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_plan_moves_all_mass_of_both_sets(size):
    x, y = piles(*size)
    plan = transport.monotone_plan(x, y)
    for index, points in ((plan.source, x), (plan.target, y)):
        mass = torch.zeros(len(points), dtype=torch.float64).index_add(0, index, plan.mass)
        torch.testing.assert_close(mass, torch.full_like(mass, 1 / len(points)), atol=1e-15, rtol=0)
        assert (points[index].diff() >= 0).all()
    assert len(plan.mass) <= len(x) + len(y) - 1
    assert (plan.mass > 0).all()


def test_no_matching_of_five_points_is_better_than_the_sorted_one():
    x, y = piles(5, 5)
    brute = min((x - y[list(order)]).abs().mean().item() for order in itertools.permutations(range(5)))
    assert transport.wasserstein(x, y) == pytest.approx(brute, abs=1e-12)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_best_critic_is_nowhere_steeper_than_1(size):
    critic = transport.best_critic(*piles(*size))
    assert (critic.values.diff().abs() <= critic.knots.diff() + 1e-12).all()
    far = critic(torch.tensor([-100.0, 100.0]))
    assert far.tolist() == [critic.values[0].item(), critic.values[-1].item()]


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_assignment_is_scipys_and_its_duals_prove_it(n):
    g = runtime.generator(n)
    x, y = torch.randn(n, 2, generator=g), torch.randn(n, 2, generator=g) + 1
    for cost in (torch.cdist(x.double(), y.double()), torch.randint(0, 4, (n, n), generator=g).double()):  # also with ties
        found = transport.assign(cost)
        rows, columns = linear_sum_assignment(cost.numpy())
        assert found.total == pytest.approx(cost[rows, columns].sum().item(), abs=1e-9)
        assert sorted(found.columns.tolist()) == list(range(n))
        assert cost[torch.arange(n), found.columns].sum().item() == pytest.approx(found.total, abs=1e-9)
        assert (cost - found.row_duals[:, None] - found.column_duals).min() >= -1e-9  # feasible: a bound for every pair
        assert (found.row_duals.sum() + found.column_duals.sum()).item() == pytest.approx(found.total, abs=1e-9)


def test_points_on_a_line_in_the_plane_are_as_far_apart_as_on_the_line():
    x, y = piles(30, 30)
    flat = [torch.stack([0.6 * points, 0.8 * points], 1) for points in (x, y)]
    assert transport.assignment_distance(*flat) == pytest.approx(transport.wasserstein(x, y), abs=1e-9)


def test_what_has_no_distance_is_refused():
    x = torch.zeros(3)
    for points in (torch.zeros(3, 1), torch.zeros(0), torch.tensor([0.0, float("nan")])):
        with pytest.raises(ValueError, match=r"in one row|x has NaN"):
            transport.wasserstein(points, x)
    with pytest.raises(ValueError, match=r"expected a power.* at least 1"):
        transport.wasserstein(x, x, 0.5)
    with pytest.raises(ValueError, match="two sets of equal size"):
        transport.assignment_distance(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="a row and a column"):
        transport.assign(torch.zeros(2, 3))
