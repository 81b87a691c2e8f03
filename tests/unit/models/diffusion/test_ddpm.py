"""DDPM's bound against the exact log-likelihood of Gaussian data, and against its own closed KL divergences."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion.ddpm import DDPM, geometric_times
from course_lib.models.diffusion.point_set import PointSetFlow

FLOW = PointSetFlow(points=torch.tensor([[1.0, -0.5]], dtype=torch.float64), scale=0.5)


def exact(x):
    return FLOW.log_density(x, torch.zeros(len(x), dtype=x.dtype))


def test_the_bound_tends_to_the_exact_log_likelihood_as_the_steps_grow():
    """The gap halves with twice the steps, so that twice the finer one less the coarser one is what is left at last."""
    x = FLOW.draw(2_000, generator=runtime.generator(0)).double()
    gaps = []
    for rungs in (100, 200, 400):
        last, kl = DDPM(flow=FLOW, times=geometric_times(rungs, 0.01)).parts(x, generator=runtime.generator(1))
        gaps.append((exact(x) - (last - kl.sum(0))).mean().item())
    assert gaps[0] > 1.8 * gaps[1] > 3.2 * gaps[2] > 0
    assert gaps[2] < 0.25
    assert abs(2 * gaps[2] - gaps[1]) < 0.03


def test_closed_divergences_and_draws_of_the_whole_ladder_have_one_mean():
    model = DDPM(flow=FLOW, times=[0.05, 0.2, 0.5, 0.8, 1.0])
    x = FLOW.draw(1, generator=runtime.generator(2)).double().expand(10_000, 2)
    elbo = model.elbo(x, generator=runtime.generator(3))
    last, kl = model.parts(x, generator=runtime.generator(4))
    parts = last - kl.sum(0)
    error = (elbo.var() / len(x) + parts.var() / len(x)).sqrt()
    assert (elbo.mean() - parts.mean()).abs() < 4 * error
    assert (kl >= 0).all()
    assert kl.shape == (4, 10_000)


def test_elbo_importance_bound_and_truth_stand_in_order():
    model = DDPM(flow=FLOW, times=[0.05, 0.2, 0.5, 0.8, 1.0])
    x = FLOW.draw(300, generator=runtime.generator(5)).double()
    elbo = torch.stack([model.elbo(x, generator=runtime.generator(k)) for k in range(20)]).mean()
    many = model.importance_bound(x, 200, generator=runtime.generator(6)).mean()
    assert elbo < many < exact(x).mean() + 0.02
    assert model.loss(x, generator=runtime.generator(7)).item() == pytest.approx(-elbo.item(), abs=3.0)


def test_samples_come_down_the_ladder_to_the_data():
    made = DDPM(flow=FLOW, times=geometric_times(100, 0.03)).sample(4_000, generator=runtime.generator(8))
    torch.testing.assert_close(made.mean(0).double(), FLOW.points[0], rtol=0, atol=0.04)
    torch.testing.assert_close(made.std(0).double(), torch.full((2,), 0.5).double(), rtol=0, atol=0.04)


def test_one_rung_is_a_latent_that_says_nothing():
    model = DDPM(flow=FLOW, times=[1.0])
    last, kl = model.parts(torch.zeros(3, 2, dtype=torch.float64), generator=runtime.generator(0))
    assert kl.shape == (0, 3)
    assert last.isfinite().all()


@pytest.mark.parametrize("times", [[], [0.5], [0.0, 1.0], [0.6, 0.4, 1.0], [0.5, 2.0], "x", 3])
def test_times_that_do_not_rise_to_1_are_refused(times):
    with pytest.raises(ValueError, match="times"):
        DDPM(flow=FLOW, times=times)


def test_geometric_times_rise_by_one_factor():
    t = torch.tensor(geometric_times(9)[:-1], dtype=torch.float64)
    ratio = t / (1 - t)
    torch.testing.assert_close(ratio[1:] / ratio[:-1], torch.full((7,), 1e6 ** (1 / 7), dtype=torch.float64))
    assert geometric_times(9)[-1] == 1
