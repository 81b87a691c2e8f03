"""Where the game about a coin rests: against a numerical search, and against cases that are known."""

from math import exp, log

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from course_lib.metrics.packing import resting_share


def slope(q, share, packing, cost, step=1e-6):
    """The derivative of cost q - E log D(k) with D held fixed, by a difference quotient of SciPy's binomial."""
    k = range(packing + 1)
    true, made = binom.pmf(k, packing, share), binom.pmf(k, packing, q)
    losses = np.log1p(made / true)
    changed = (binom.pmf(k, packing, q + step) - binom.pmf(k, packing, q - step)) / (2 * step)
    return cost + (changed * losses).sum()


@pytest.mark.parametrize("packing", [1, 2, 4, 7])
def test_without_cost_the_true_coin_is_tossed(packing):
    assert resting_share(0.4, packing=packing) == pytest.approx(0.4, abs=1e-9)


@pytest.mark.parametrize(("packing", "cost"), [(1, 0.4), (1, 0.9), (2, 1.3), (4, 1.35), (8, 3.0)])
def test_against_a_root_finder(packing, cost):
    expected = brentq(lambda q: slope(q, 0.4, packing, cost), 1e-5, 0.4)
    assert resting_share(0.4, packing=packing, cost=cost) == pytest.approx(expected, abs=1e-4)


def test_a_single_toss_has_a_closed_form():
    """(0.4 + q) / 0.4 · 0.6 / (1.6 - q) = e^-cost, from log D of the two sides."""
    cost = 0.5
    q = resting_share(0.4, cost=cost)
    assert log((0.4 + q) / 0.4) - log((1.6 - q) / 0.6) == pytest.approx(-cost, abs=1e-9)
    threshold = log(1.6 / 0.6)  # the gain of the first light filling
    assert resting_share(0.4, cost=threshold + 1e-6) == 0
    assert resting_share(0.4, cost=threshold - 1e-3) > 0
    assert exp(-threshold) == pytest.approx(0.375)


def test_packing_raises_the_share_and_cost_lowers_it():
    shares = [resting_share(0.4, packing=packing, cost=1.3) for packing in (1, 2, 4, 8, 16)]
    assert shares == sorted(shares)
    shares = [resting_share(0.3, packing=3, cost=cost) for cost in (0.0, 0.5, 1.0, 2.0, 9.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0


@pytest.mark.parametrize(("share", "cost"), [(0.0, 1.0), (0.6, 1.0), (0.4, -0.1), (float("nan"), 0.0)])
def test_odd_arguments_are_refused(share, cost):
    with pytest.raises(ValueError, match=r"(share|cost) is"):
        resting_share(share, cost=cost)
