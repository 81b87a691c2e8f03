"""Wilson's interval against statsmodels' formula written out by SciPy, and its coverage."""

import math

import pytest
from scipy import stats

from course_lib.metrics.intervals import wilson


@pytest.mark.parametrize(("right", "tries"), [(0, 1), (0, 10), (3, 10), (10, 10), (57, 100), (999, 1_000)])
def test_against_scipy(right, tries):
    expected = stats.binomtest(right, tries).proportion_ci(method="wilson")
    assert wilson(right, tries) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_it_never_says_certain():
    assert wilson(5, 5)[0] < 0.6
    assert wilson(5, 5)[1] == 1.0
    assert wilson(0, 5)[0] == 0.0


def test_it_holds_the_truth_about_95_times_in_100():
    p, n = 0.3, 40
    held = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1])
    assert held == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("right", "tries"), [(3, 2), (-1, 2), (0, 0)])
def test_odd_input_is_refused(right, tries):
    with pytest.raises(ValueError, match="expected"):
        wilson(right, tries)
