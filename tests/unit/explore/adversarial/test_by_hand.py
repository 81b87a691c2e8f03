"""What the explorers of lesson 15 compute, against autograd, SciPy and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from course_lib.datasets import toys
from course_lib.explore.adversarial.generator_by_hand import arrows, best_logit, log_p, log_q, numbers, value_against
from course_lib.explore.adversarial.mode_film import mode_film
from course_lib.explore.adversarial.two_numbers import Rule
from course_lib.training.films import Recording

PLACES = torch.linspace(-6, 4, 11, dtype=torch.double)


@pytest.mark.parametrize(("loss", "formula"), [("minimax", lambda d: (1 - d).log()), ("non-saturating", lambda d: -d.log())])
def test_an_arrow_is_minus_the_slope_of_the_generators_loss(loss, formula):
    x = PLACES.clone().requires_grad_()
    p, q = log_p(x).exp(), log_q(x, -1.0, 1.5).exp()
    (slope,) = torch.autograd.grad(formula(p / (p + q)).sum(), x)
    torch.testing.assert_close(arrows(PLACES, loss, -1.0, 1.5), -slope)


def test_the_wasserstein_arrows_go_down_the_exact_distance():
    """Moving the bump moves W1 by minus the mean arrow."""
    u = (np.arange(20_000) + 0.5) / 20_000
    real = np.sort(np.concatenate([stats.norm.ppf(u[::2], m, 0.6) for m in (-2.0, 2.0)]))

    def distance(mean):
        return stats.wasserstein_distance(real, stats.norm.ppf(u, mean, 0.8))

    for mean in (-3.0, -0.5, 1.0):
        fake = torch.tensor(stats.norm.ppf(u, mean, 0.8))
        slope = (distance(mean + 0.01) - distance(mean - 0.01)) / 0.02
        assert arrows(fake, "wasserstein", mean, 0.8).mean().item() == pytest.approx(-slope, abs=5e-3)


def test_no_other_discriminator_is_worth_more_than_the_best_one():
    for mean, width in ((-5.0, 1.0), (0.0, 2.0), (2.0, 0.6)):
        found = numbers(mean, width)
        assert found["value"] == pytest.approx(2 * found["JS"] - math.log(4))
        assert value_against((mean, width), mean, width) == pytest.approx(found["value"], abs=1e-9)
        assert value_against((mean + 1, width), mean, width) < found["value"]
    assert best_logit(PLACES, 0.0, 2.0) == pytest.approx(log_p(PLACES) - log_q(PLACES, 0.0, 2.0))


@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "wasserstein"])
@pytest.mark.parametrize("rate", [0.05, 0.2, 1.0])
def test_growth_factors_to_the_last_digits(loss, rate):
    f = 1.0 if loss == "wasserstein" else 0.5
    assert all(abs(abs(v) - math.sqrt(1 + (rate * f) ** 2)) < 1e-12 for v in Rule(loss, rate).eigenvalues())
    for rounds in (1, 3):  # circles, as long as the two eigenvalues are not real
        assert all(abs(abs(v) - 1) < 1e-12 for v in Rule(loss, rate, alternate=True, rounds=rounds).eigenvalues())
    penalised = Rule(loss, rate, penalty=0.3).flow_eigenvalues()
    expected = np.linalg.eigvals(np.array([[0.0, f], [-f, -0.3]]))
    np.testing.assert_allclose(sorted(penalised, key=lambda v: v.imag), sorted(expected, key=lambda v: v.imag), atol=1e-12)


@pytest.mark.parametrize("rule", [Rule(), Rule("wasserstein", 0.3, True, 3, 0.2), Rule("non-saturating", 0.5, False, 2, 1.2)])
def test_the_matrix_is_the_round_near_the_equilibrium(rule):
    columns = [np.array(rule.move(*start)) / 1e-7 for start in ((1e-7, 0.0), (0.0, 1e-7))]
    np.testing.assert_allclose(rule.matrix(), np.stack(columns, 1), atol=1e-12)
    np.testing.assert_allclose(np.linalg.eigvals(rule.matrix()).prod(), np.prod(rule.eigenvalues()), atol=1e-12)
    start = np.array([1e-6, -2e-6])
    np.testing.assert_allclose(rule.path(*start, 50)[-1], np.linalg.matrix_power(rule.matrix(), 50) @ start, rtol=1e-6)


def test_minimax_moves_grow_by_the_exact_factor_everywhere():
    rule, place = Rule(rate=0.4), (0.9, -0.6)
    share = 1 / (1 + math.exp(-place[0] * place[1]))
    assert math.hypot(*rule.move(*place)) == pytest.approx(math.hypot(*place) * math.sqrt(1 + (0.4 * share) ** 2), abs=1e-12)


def test_a_path_that_runs_off_stays_finite():
    assert np.isfinite(Rule("wasserstein", 1.0, rounds=5).path(2.0, 2.0)).all()


def test_films_of_different_lengths_are_refused():
    def film(frames):
        return Recording(torch.zeros(frames, 8, 3), list(range(frames)), {})

    with pytest.raises(ValueError, match=r"\[2, 3\] frames"):
        mode_film({"ring": {"one": film(2), "two": film(3)}}, {"ring": toys.PACGAN_RING}, seeds=2)
