"""Euler, Heun, DDIM and ancestral steps, on Gaussians, where each result is known."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.paths import posterior
from course_lib.models.diffusion.point_set import PointSetFlow

GAUSSIAN = PointSetFlow(points=torch.tensor([[1.0]], dtype=torch.float64), scale=0.5)
START = torch.randn(10_000, 1, generator=runtime.generator(0), dtype=torch.float64)


def test_ddim_without_fresh_noise_is_eulers_method():
    few, times = START[:20], samplers.equal_times(7)
    torch.testing.assert_close(samplers.DDIM(0.0)(GAUSSIAN, few, times), samplers.EULER(GAUSSIAN, few, times))


@pytest.mark.parametrize(("t", "s"), [(0.9, 0.7), (0.5, 0.1), (1.0, 0.8)])
def test_the_posterior_is_that_of_the_joint_gaussian(t, s):
    """Conditioning by the formula for vectors: x_s and x_t of x = 2 are jointly Gaussian, x_t = a x_s + noise."""
    of_x, of_data, variance = posterior(t, s)
    a, data, seen = (1 - t) / (1 - s), 2.0, 0.7
    mean = torch.tensor([(1 - s) * data, (1 - t) * data], dtype=torch.float64)
    covariance = torch.tensor([[s**2, a * s**2], [a * s**2, t**2]], dtype=torch.float64)
    gain = covariance[0, 1] / covariance[1, 1]
    assert of_x * seen + of_data * data == pytest.approx((mean[0] + gain * (seen - mean[1])).item(), abs=1e-12)
    assert variance == pytest.approx((covariance[0, 0] - gain * covariance[1, 0]).item(), abs=1e-12)


def test_with_eta_1_the_fresh_noise_has_the_ancestral_variance_and_mean():
    t, s, x = 0.8, 0.6, torch.full((200_000, 1), 0.3, dtype=torch.float64)
    made = samplers.ANCESTRAL.step(GAUSSIAN, x, t, s, runtime.generator(1))
    of_x, of_data, variance = posterior(t, s)
    data = GAUSSIAN.denoised(x[:1], torch.tensor([t], dtype=torch.float64)).item()
    assert made.var().item() == pytest.approx(variance, rel=0.02)
    assert made.mean().item() == pytest.approx(of_x * 0.3 + of_data * data, abs=5 * (variance / len(x)) ** 0.5)
    half = samplers.DDIM(0.5).step(GAUSSIAN, x, t, s, runtime.generator(1))
    assert half.var().item() == pytest.approx(variance / 4, rel=0.02)


@pytest.mark.parametrize("sampler", [samplers.EULER, samplers.HEUN, samplers.DDIM(0.5), samplers.ANCESTRAL])
def test_every_sampler_ends_at_the_data(sampler):
    made = sampler(GAUSSIAN, START, samplers.equal_times(100), runtime.generator(2))
    assert made.mean().item() == pytest.approx(1.0, abs=0.02)
    assert made.std().item() == pytest.approx(0.5, abs=0.03)


def test_heun_is_of_second_order_and_euler_of_first():
    exact, few = 1 + 0.5 * START[:20], START[:20]
    for sampler, least, most in ((samplers.EULER, 1.7, 2.4), (samplers.HEUN, 3.2, 5.0)):
        errors = [(sampler(GAUSSIAN, few, samplers.equal_times(k)) - exact).abs().max().item() for k in (40, 80)]
        assert least < errors[0] / errors[1] < most, sampler


def test_marginals_of_ddim_agree_along_the_way_for_every_eta():
    """Same marginals, other paths: at t = 1/2 mean and deviation are those of x_t, whatever eta is."""
    times = [1 - k / 100 for k in range(51)]
    for eta in (0.0, 0.5, 1.0):
        made = samplers.DDIM(eta)(GAUSSIAN, START, times, runtime.generator(3))
        assert made.mean().item() == pytest.approx(0.5, abs=0.03)
        assert made.std().item() == pytest.approx(math.sqrt(0.25 + 0.0625), abs=0.02)


@pytest.mark.parametrize("eta", [-0.1, 1.1, math.nan, "x"])
def test_an_eta_outside_0_to_1_is_refused(eta):
    with pytest.raises(ValueError, match="eta"):
        samplers.DDIM(eta)


def test_times_fall_to_0():
    assert samplers.equal_times(4) == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert samplers.equal_times(2, 0.6) == [0.6, 0.3, 0.0]
