"""The permutation test against SciPy's, and on cases counted by hand."""

import numpy as np
import pytest
import torch
from scipy import stats

from course_lib import runtime
from course_lib.metrics.comparison import chance


def gap(x, y, axis):
    return np.mean(x, axis=axis) - np.mean(y, axis=axis)


@pytest.mark.parametrize(("n", "m", "apart"), [(5, 5, 0.0), (5, 5, 1.5), (3, 6, 0.7)])
def test_it_is_scipys(n, m, apart):
    x = torch.randn(n + m, generator=runtime.generator(n)).double()
    a, b = (x[:n] + apart).tolist(), x[n:].tolist()
    oracle = stats.permutation_test((a, b), gap, vectorized=True, n_resamples=np.inf)
    two_sided = np.mean(np.abs(oracle.null_distribution) >= abs(oracle.statistic) * (1 - 1e-9))
    assert chance(a, b) == pytest.approx(two_sided)


def test_groups_that_do_not_overlap_have_the_smallest_chance():
    assert chance([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert chance([1, 2], [1, 2]) == 1.0


def test_too_many_or_no_numbers_are_refused():
    for a, b in (([], [1.0]), ([1.0] * 20, [1.0] * 20)):
        with pytest.raises(ValueError, match="at least one in each"):
            chance(a, b)
