"""The rank correlation against SciPy's, and its interval by many draws."""

import math

import pytest
import torch
from scipy import stats

from course_lib import runtime
from course_lib.metrics.ranks import ranks, spearman


@pytest.mark.parametrize("n", [4, 9, 200])
@pytest.mark.parametrize("steps", [3.0, 1e6], ids=["ties", "distinct"])
def test_ranks_and_correlation_are_scipys(n, steps):
    a = torch.rand(n, generator=runtime.generator(n), dtype=torch.float64)
    b = a + torch.rand(n, generator=runtime.generator(n + 1), dtype=torch.float64)
    a, b = ((steps * values).round() for values in (a, b))
    assert ranks(a).tolist() == stats.rankdata(a).tolist()
    assert spearman(a, b).value == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_only_the_order_counts():
    a = torch.tensor([1.0, 2.0, 3.0, 10.0, 5.0])
    assert spearman(a, a.exp()).value == 1
    assert spearman(a, -a).high == -1


def test_the_interval_holds_the_correlation_of_normal_pairs_about_95_times_in_100():
    r, n, g = 0.6, 40, runtime.generator(0)
    true = 6 / math.pi * math.asin(r / 2)  # of two normal variables with correlation r
    hits = 0
    for _ in range(400):
        a, noise = torch.randn(2, n, generator=g, dtype=torch.float64)
        found = spearman(a, r * a + math.sqrt(1 - r * r) * noise)
        hits += found.low <= true <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_what_has_no_order_is_refused():
    a = torch.arange(5.0)
    for other in (a[:4], torch.full((5,), float("nan"))):
        with pytest.raises(ValueError, match=r"equally many|b has NaN"):
            spearman(a, other)
    with pytest.raises(ValueError, match="all values of one row are equal"):
        spearman(a, torch.ones(5))
