"""Modes counted on built sets; Jensen–Shannon and the value of the game against SciPy and closed forms."""

import math

import pytest
import torch
from scipy import integrate, stats

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.distributions import gaussian_log_prob
from course_lib.metrics.divergence import count_modes, game_value, jensen_shannon_on_a_line

CENTRES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_modes_are_counted_on_a_built_set():
    # 2 points each on the first two centres, one on the third: it lies just inside three standard deviations; five are astray
    x = torch.tensor([[0.0, 0.0], [0.1, 0.1], [10.0, 0.2], [9.9, 0.0], [0.0, 10.29]] + 5 * [[5.0, 5.0]])
    found = count_modes(x, CENTRES, 0.1)
    assert found.hit == 3
    assert found.served == 3  # a fifth of 10 / 4 is half a point
    assert found.good == pytest.approx(0.5)
    assert found.reverse_kl == pytest.approx(stats.entropy([0.4, 0.4, 0.2, 0.0], 4 * [0.25]), abs=1e-9)


def test_a_point_exactly_three_standard_deviations_away_is_good():
    assert count_modes(torch.tensor([[0.75, 0.0]]), CENTRES, 0.25).good == 1
    assert count_modes(torch.tensor([[0.7501, 0.0]]), CENTRES, 0.25).good == 0


def test_one_stray_point_hits_a_mode_but_does_not_serve_it():
    x = torch.cat([torch.zeros(99, 2), CENTRES[1:2]])
    found = count_modes(x, CENTRES, 0.1)
    assert (found.hit, found.served) == (2, 1)  # a fifth of 25 points is 5


@pytest.mark.parametrize(("modes", "K"), [(toys.PACGAN_RING, 8), (toys.PACGAN_GRID, 25)])
def test_the_data_themselves_have_the_share_of_good_points_that_the_normal_law_gives(modes, K):
    found = count_modes(modes.draw(20_000, generator=runtime.generator(0)), modes.centres, modes.scale)
    assert found.hit == found.served == K
    limit = 1 - math.exp(-4.5)  # 0.9889: the mass of a round Gaussian within three standard deviations
    assert found.good == pytest.approx(limit, abs=4 * math.sqrt(limit * (1 - limit) / 20_000))
    assert found.reverse_kl < 0.002


def test_without_a_good_point_the_divergence_is_its_largest():
    found = count_modes(torch.full((3, 2), 50.0), CENTRES, 0.1)
    assert found == type(found)(0, 0, 0.0, math.log(4))


@pytest.mark.parametrize("x", [torch.zeros(0, 2), torch.zeros(3), torch.zeros(3, 3)])
def test_points_of_another_shape_are_refused(x):
    with pytest.raises(ValueError, match="expected"):
        count_modes(x, CENTRES, 0.1)


def normal(mean, scale):
    return lambda x: gaussian_log_prob(x, mean, math.log(scale))


@pytest.mark.parametrize("distance", [0.0, 0.5, 3.0, 20.0])
def test_jensen_shannon_agrees_with_scipys_quadrature(distance):
    p, q = stats.norm(0, 1), stats.norm(distance, 0.7)

    def integrand(x):
        middle = (p.pdf(x) + q.pdf(x)) / 2
        return sum(d.pdf(x) * (d.logpdf(x) - math.log(middle)) / 2 for d in (p, q) if d.pdf(x) > 1e-300)

    truth, _ = integrate.quad(integrand, -12, distance + 12, points=[0, distance], epsabs=1e-11, limit=400)
    found = jensen_shannon_on_a_line(normal(0.0, 1.0), normal(distance, 0.7), (-30, 60), 20_001)
    assert found == pytest.approx(truth, abs=1e-8)
    assert 0 <= found + 1e-12 <= math.log(2) + 1e-9


def test_no_discriminator_reaches_more_than_twice_jensen_shannon_minus_log_4():
    p, q, span = normal(0.0, 1.0), normal(1.5, 0.8), (-30, 30)
    best = 2 * jensen_shannon_on_a_line(p, q, span) - math.log(4)
    assert game_value(lambda x: p(x) - q(x), p, q, span) == pytest.approx(best, abs=1e-10)
    for wrong in (lambda x: 1.1 * (p(x) - q(x)), lambda x: p(x) - q(x) + 0.2, lambda x: 0 * x):
        assert game_value(wrong, p, q, span) < best - 1e-3
    assert game_value(lambda x: 0 * x, p, q, span) == pytest.approx(-math.log(4), abs=1e-9)
    with pytest.raises(ValueError, match="lowest, highest"):
        game_value(lambda x: x, p, q, (1, -1))
