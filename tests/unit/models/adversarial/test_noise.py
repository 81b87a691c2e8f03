"""Truncated noise against SciPy's truncated normal distribution, and mixed noise."""

import math

import pytest
import torch
from scipy import stats

from course_lib import runtime
from course_lib.models.adversarial.noise import mixed, truncated


@pytest.mark.parametrize("limit", [0.1, 1.0, 2.5])
def test_the_distribution_is_that_of_noise_drawn_again(limit):
    z = truncated(torch.randn(20_000, generator=runtime.generator(0)), limit)
    assert z.abs().amax() <= limit
    assert stats.kstest(z.numpy(), stats.truncnorm(-limit, limit).cdf).pvalue > 1e-3


def test_ranks_and_signs_stay_in_both_tails():
    z = torch.linspace(-5, 5, 2_001)
    found = truncated(z, 2.0)
    assert (found.diff() >= 0).all()
    assert torch.allclose(found, -found.flip(0), atol=1e-5)
    assert found[-1] == pytest.approx(2.0, abs=1e-4)


def test_wide_limits_change_nothing_and_0_leaves_nothing():
    z = torch.randn(50, generator=runtime.generator(1))
    assert torch.allclose(truncated(z, 8.0), z, atol=1e-5)
    assert torch.equal(truncated(z, math.inf), z)
    assert not truncated(z, 0.0).any()


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        truncated(torch.zeros(1), -1.0)


def test_a_mean_on_the_shell_has_the_mean_norm():
    corners = torch.randn(3, 64, generator=runtime.generator(2))
    weights = torch.tensor([0.2, 0.5, 0.3])
    plain, shell = mixed(corners, weights), mixed(corners, weights, shell=True)
    assert torch.allclose(plain, 0.2 * corners[0] + 0.5 * corners[1] + 0.3 * corners[2])
    assert shell.norm() == pytest.approx((weights @ corners.norm(dim=1)).item(), rel=1e-5)
    assert torch.cosine_similarity(plain, shell, dim=0) == pytest.approx(1.0, abs=1e-5)
    assert plain.norm() < 0.8 * shell.norm()
    for corner, one in zip(corners, torch.eye(3), strict=True):
        assert torch.allclose(mixed(corners, one, shell=True), corner)


def test_a_mean_of_0_stays_0():
    corners = torch.tensor([[1.0, -2.0], [-1.0, 2.0]])
    assert torch.equal(mixed(corners, torch.tensor([0.5, 0.5]), shell=True), torch.zeros(2))
