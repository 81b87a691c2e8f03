"""Langevin chains: the exact bias of a step, the rule that removes it, and Hamiltonian dynamics, each against a known law."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course_lib import runtime
from course_lib.models.energy.hamiltonian import hamiltonian_step, leapfrog
from course_lib.models.energy.langevin import (
    acceptance,
    adjusted_step,
    langevin,
    langevin_step,
    score_of,
    stationary_variance,
)
from course_lib.models.energy.wells import TwoWells


def normal(x):
    return -x.square().sum(1) / 2


def slope(x):
    return -x


def wells(x):  # two unlike valleys on a line
    return -((x.square() - 1).square() + 0.3 * x).sum(1)


def test_a_step_by_hand():
    x = torch.tensor([[1.0, -2.0]])
    noise = torch.randn(1, 2, generator=runtime.generator(3))
    found = langevin_step(lambda x: 3 * x, x, 0.04, runtime.generator(3))
    torch.testing.assert_close(found, x + 0.02 * 3 * x + 0.2 * noise)


def test_the_score_of_an_energy_is_minus_its_slope():
    model, x = TwoWells(), torch.randn(6, 2, generator=runtime.generator(0))
    h = 1e-3
    for d in range(2):
        up, down = x.clone(), x.clone()
        up[:, d] += h
        down[:, d] -= h
        torch.testing.assert_close(
            score_of(model.energy)(x)[:, d], -(model.energy(up) - model.energy(down)) / (2 * h), rtol=2e-2, atol=0.05
        )


@pytest.mark.parametrize(("step", "variance"), [(0.4, 1.0), (2.0, 1.0), (3.0, 1.0), (1.0, 0.5), (1.0, 4.0)])
def test_the_variance_of_unadjusted_chains_on_a_gaussian(step, variance):
    """By the recursion v <- (1 - eps / 2v)² v + eps, whose only fixed point it is, and by chains."""
    expected = stationary_variance(step, variance)
    v = 7.0
    for _ in range(2_000):
        v = (1 - step / (2 * variance)) ** 2 * v + step
    assert v == pytest.approx(expected)
    if variance == 1:
        assert expected == pytest.approx(1 / (1 - step / 4))
    x, g = torch.zeros(40_000, 1), runtime.generator(0)
    for _ in range(60):
        x = langevin_step(lambda x: -x / variance, x, step, g)
    assert x.var().item() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("step", "variance"), [(4.0, 1.0), (0.0, 1.0), (2.0, 0.5), (math.nan, 1.0), (1.0, 0.0)])
def test_no_variance_where_chains_fly_away(step, variance):
    with pytest.raises(ValueError, match="expected"):
        stationary_variance(step, variance)


def test_the_chain_of_an_energy_is_the_same_step():
    model, x = TwoWells(), torch.randn(5, 2, generator=runtime.generator(1))
    eps = 0.01
    found = langevin(model, x, 1, step_size=eps / 2, noise=eps**0.5, generator=runtime.generator(2))
    torch.testing.assert_close(found, langevin_step(score_of(model.energy), x, eps, runtime.generator(2)))


def test_acceptance_is_in_detailed_balance():
    """p(x) q(y | x) a(x, y) = p(y) q(x | y) a(y, x), with the proposal's density by SciPy."""
    score = score_of(lambda x: -wells(x))
    x, y = 1.5 * torch.randn(2, 50, 1, generator=runtime.generator(4)).double()
    step = 0.3

    def flow(a, b):
        q = stats.norm(a + step / 2 * score(a), step**0.5).pdf(b).prod(1)
        return wells(a).exp().numpy() * q * acceptance(wells, score, a, b, step).numpy()

    assert flow(x, y) == pytest.approx(flow(y, x), rel=1e-9)
    chance = acceptance(wells, score, x, y, step)
    assert chance.max() == 1
    assert chance.min() < 0.2


@pytest.mark.parametrize("step", [0.1, 0.5])
def test_accept_reject_restores_the_exact_histogram(step):
    """Chains that begin at exact draws stay there; without the rule they do not. p-values by Kolmogorov and Smirnov."""
    grid = torch.linspace(-3, 3, 20_001).double()
    cdf = wells(grid[:, None]).exp().cumsum(0)
    cdf, g = cdf / cdf[-1], runtime.generator(0)
    score = score_of(lambda x: -wells(x))
    x = plain = grid[torch.searchsorted(cdf, torch.rand(20_000, generator=g).double())][:, None]
    for _ in range(40):
        x, moved = adjusted_step(wells, score, x, step, g)
        plain = langevin_step(score, plain, step, g)
    assert 0.3 < moved.double().mean() < 0.999

    def p_value(points):
        return stats.kstest(points[:, 0].numpy(), lambda at: np.interp(at, grid.numpy(), cdf.numpy())).pvalue

    assert p_value(x) > 0.01
    if step == 0.5:
        assert not plain.isfinite().all() or p_value(plain) < 1e-6


def test_rows_that_are_rejected_stay():
    x = torch.randn(400, 2, generator=runtime.generator(5))
    new, moved = adjusted_step(normal, slope, x, 2.5, runtime.generator(6))
    assert torch.equal((new != x).any(1), moved)
    assert 0.1 < moved.float().mean() < 0.99
    new, moved = hamiltonian_step(normal, slope, x, 1.7, 3, runtime.generator(6))
    assert torch.equal((new != x).any(1), moved)


def test_leapfrog_goes_back_and_keeps_the_energy():
    score = score_of(lambda x: -wells(x))
    x, p = torch.randn(2, 20, 1, generator=runtime.generator(7)).double()
    there, at_end = leapfrog(score, x, p, 0.02, 50)
    back, begin = leapfrog(score, there, -at_end, 0.02, 50)
    torch.testing.assert_close((back, -begin), (x, p))
    energy = [-wells(a) + b.square().sum(1) / 2 for a, b in ((x, p), (there, at_end))]
    torch.testing.assert_close(*energy, rtol=1e-2, atol=5e-2)


def test_one_move_of_hamiltonian_dynamics_is_a_langevin_step():
    x, step = torch.randn(30, 2, generator=runtime.generator(8)), 0.3
    torch.testing.assert_close(
        adjusted_step(normal, slope, x, step**2, runtime.generator(9))[0],
        hamiltonian_step(normal, slope, x, step, 1, runtime.generator(9))[0],
    )


@pytest.mark.parametrize("moves", [1, 4])
def test_hamiltonian_steps_keep_a_gaussian(moves):
    x, g = torch.zeros(20_000, 1), runtime.generator(10)
    for _ in range(30):
        x, _ = hamiltonian_step(normal, slope, x, 0.9, moves, g)
    assert x.var().item() == pytest.approx(1, abs=0.04)
    assert stats.kstest(x[:, 0].numpy(), "norm").pvalue > 1e-3
    with pytest.raises(ValueError, match="moves is 0"):
        leapfrog(slope, x, x, 0.1, 0)
