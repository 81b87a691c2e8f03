"""The exact velocity of a finite set of points, against its definition, a mixture's score, and the points themselves."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion import paths, samplers
from course_lib.models.diffusion.point_set import PointSetFlow

POINTS = torch.tensor([[0.0, 1.0], [2.0, -1.0], [-1.5, -0.5]], dtype=torch.float64)


def at(t, n):
    return torch.full((n,), t, dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_the_velocity_is_the_mean_of_noise_minus_data_over_pairs_that_pass_by(scale):
    """By brute force: data and noise are drawn, and those pairs are kept whose path passes near the point."""
    model, t, where = PointSetFlow(points=POINTS.float(), scale=scale), 0.6, torch.tensor([0.3, 0.2])
    generator = runtime.generator(0)
    x = model.draw(400_000, generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    passing = (((1 - t) * x + t * noise - where).square().sum(1)) < 0.03**2
    assert passing.sum() > 100
    near = (noise - x)[passing]
    error = near.std(0) / passing.sum() ** 0.5
    exact = model.velocity(where[None], torch.tensor([t]))[0]
    assert ((near.mean(0) - exact).abs() < 4 * error + 0.03).all()


def test_the_score_is_the_slope_of_the_mixtures_log_density():
    model = PointSetFlow(points=POINTS, scale=0.2)
    x = torch.randn(6, 2, generator=runtime.generator(1), dtype=torch.float64).requires_grad_(True)
    for t in (0.1, 0.5, 0.95):
        slope = torch.autograd.grad(model.log_density(x, at(t, 6)).sum(), x)[0]
        torch.testing.assert_close(model.score(x, at(t, 6)), slope, rtol=1e-8, atol=1e-8)


def test_the_log_density_is_scipys_mixture():
    stats = pytest.importorskip("scipy.stats")
    model, t = PointSetFlow(points=POINTS, scale=0.2), 0.4
    x = torch.randn(5, 2, generator=runtime.generator(1), dtype=torch.float64)
    deviation = math.sqrt(t**2 + (0.6 * 0.2) ** 2)
    parts = [stats.multivariate_normal((0.6 * p).numpy(), deviation**2).pdf(x.numpy()) for p in POINTS]
    found = model.log_density(x, at(t, 5)).exp()
    torch.testing.assert_close(found, torch.as_tensor(sum(parts) / 3), rtol=1e-9, atol=0)


def test_one_euler_step_lands_on_the_mean_and_many_on_the_points():
    points, start = torch.randn(2, 40, 2, generator=runtime.generator(2), dtype=torch.float64)
    model = PointSetFlow(points=points)
    once = samplers.EULER(model, start, samplers.equal_times(1))
    torch.testing.assert_close(once, points.mean(0).expand(40, 2), rtol=0, atol=1e-12)
    shares = []
    for steps in (4, 16, 256):
        made = samplers.EULER(model, start, samplers.equal_times(steps))
        shares.append((torch.cdist(made, points).amin(1) < 1e-3).double().mean().item())
    assert shares[0] < 0.3
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.97


def test_every_point_is_reached_equally_often():
    model = PointSetFlow(points=POINTS)
    start = torch.randn(3_000, 2, generator=runtime.generator(3), dtype=torch.float64)
    reached = torch.cdist(samplers.HEUN(model, start, samplers.equal_times(64)), POINTS).argmin(1).bincount(minlength=3)
    assert ((reached - 1_000).abs() < 5 * (3_000 * 2 / 9) ** 0.5).all()


def test_the_flow_of_one_gaussian_is_affine():
    model = PointSetFlow(points=torch.tensor([[3.0]], dtype=torch.float64), scale=0.5)
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    made = samplers.HEUN(model, start, samplers.equal_times(400))
    torch.testing.assert_close(made, 3 + 0.5 * start, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "points", [torch.zeros(3), torch.zeros(2, 2).long(), torch.full((2, 2), math.nan), "x", torch.zeros(0, 2)]
)
def test_points_that_are_none_are_refused(points):
    with pytest.raises(ValueError, match="expected"):
        PointSetFlow(points=points)


def test_at_time_0_points_without_a_scale_have_no_velocity():
    with pytest.raises(ValueError, match="times above 0"):
        PointSetFlow(points=POINTS).velocity(POINTS, at(0.0, 3))


def test_the_four_estimates_follow_from_each_other():
    x, v = torch.randn(2, 7, 3, generator=runtime.generator(4), dtype=torch.float64)
    t = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)
    data, noise, score = paths.data_of(x, v, t), paths.noise_of(x, v, t), paths.score_of(x, v, t)
    torch.testing.assert_close(noise - data, v)
    torch.testing.assert_close(paths.on_path(data, noise, t), x)
    torch.testing.assert_close(paths.velocity_from_noise(x, noise, t), v)
    torch.testing.assert_close(paths.velocity_from_data(x, data, t), v)
    torch.testing.assert_close(paths.velocity_from_score(x, score, t), v)


def test_ddpms_path_goes_through_the_same_points_up_to_a_factor():
    angle = torch.linspace(0, math.pi / 2, 5, dtype=torch.float64)
    x, noise = torch.randn(2, 5, 3, generator=runtime.generator(5), dtype=torch.float64)
    there = angle.cos()[:, None] * x + angle.sin()[:, None] * noise
    scaled = there / (angle.cos() + angle.sin())[:, None]
    torch.testing.assert_close(paths.on_path(x, noise, paths.time_of_angle(angle)), scaled)


@pytest.mark.parametrize("t", [torch.zeros(2), torch.zeros(3).long(), 0.5, torch.full((3,), 1.5), torch.full((3,), math.nan)])
def test_times_that_are_none_are_refused(t):
    with pytest.raises(ValueError, match="expected"):
        paths.check_times(t, torch.zeros(3, 2))
