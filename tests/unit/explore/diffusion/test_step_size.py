"""What "How long a step?" shows: chains too wide by the known factor, and the rule that takes the bias away."""

import numpy as np
import pytest
import torch

from course_lib.explore.diffusion import step_size as shown
from course_lib.models.energy.langevin import stationary_variance


def test_targets_have_the_variances_that_are_said():
    grid = torch.linspace(-12, 12, 4_001)[:, None].double()
    for name in shown.TARGETS.values():
        density = shown.target(name).double()
        p = density.log_density(grid, torch.zeros(len(grid)).double()).exp()
        mean, square = (torch.trapezoid(p * grid[:, 0] ** k, grid[:, 0]) for k in (1, 2))
        assert torch.trapezoid(p, grid[:, 0]).item() == pytest.approx(1, abs=1e-6)
        assert shown.variance_of(shown.target(name)) == pytest.approx((square - mean**2).item(), rel=1e-4)


@pytest.mark.parametrize("step", [0.5, 1.5, 3.0])
def test_chains_have_the_stationary_variance_without_the_rule_and_that_of_the_target_with_it(step):
    plain, adjusted = (shown._Chains(shown.target("normal"), step, rule).variances[-15:].mean() for rule in (False, True))
    assert plain == pytest.approx(stationary_variance(step), rel=0.08)
    assert adjusted == pytest.approx(1, rel=0.12)


def test_from_four_on_the_chains_fly_away():
    variances = shown._Chains(shown.target("normal"), 4.4, False).variances
    assert np.all(np.diff(variances) > 0)


def test_no_formula_is_drawn_where_there_is_none():
    panel = shown.how_long_a_step()
    assert panel.render(**{**panel.values, "step": 4.0}).size == panel.render(**panel.values).size
