"""A network as an energy: its input, its chains, and what it learns of a density that is known."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.models.energy.deep_energy import DeepEnergy
from course_lib.models.energy.langevin import langevin
from course_lib.training import LangevinStep, cosine


def test_the_network_sees_the_range_as_minus_one_to_one():
    model = DeepEnergy(event_shape=(3,), hidden=(4,), low=2.0, high=6.0)
    x = torch.tensor([[2.0, 4.0, 6.0]])
    torch.testing.assert_close(model.energy(x), model.network(torch.tensor([[-1.0, 0.0, 1.0]]))[:, 0])
    bare = DeepEnergy(event_shape=(3,), hidden=(4,))
    torch.testing.assert_close(bare.energy(x), bare.network(x)[:, 0])


def test_samples_are_the_ends_of_its_chains():
    model = DeepEnergy(event_shape=(2,), hidden=(4,), low=0.0, high=1.0, step_size=0.5, noise=0.1, steps=7)
    g = runtime.generator(0)
    start = model.start(20, generator=g)
    assert start.min() >= 0
    assert start.max() <= 1
    expected = langevin(model, start, 7, step_size=0.5, noise=0.1, clamp=(0.0, 1.0), generator=g)
    found = model.sample(20, generator=runtime.generator(0))
    assert torch.equal(found, expected)
    assert found.min() >= 0
    assert found.max() <= 1
    assert not found.requires_grad
    assert not torch.equal(found, model.sample(20, steps=8, generator=runtime.generator(0)))
    wide = DeepEnergy(event_shape=(2,), hidden=(4,)).start(4_000, generator=g)
    assert wide.std().item() == pytest.approx(1, abs=0.05)


def test_it_learns_a_ring_of_humps_up_to_a_constant():
    """After 200 steps, exp(-E), normalised on a grid, needs fewer nats than the Gaussian of the same moments."""
    runtime.seed(0)
    model = DeepEnergy(event_shape=(2,), hidden=(32, 32), step_size=0.05, noise=0.1**0.5)
    step = LangevinStep(model, lr=5e-3, k=10, step_size=0.05, noise=0.1**0.5, buffer=1_000, restart=0.02, clamp=None,
                        penalty=0.0, schedule=cosine(200))  # fmt: skip
    x = toys.ring(20_000, modes=4, radius=1.5, scale=0.3, generator=runtime.generator(1))
    for batch in x.split(100):
        step(batch)
    line = torch.linspace(-5, 5, 120)
    log_z = torch.logsumexp(-model.energy(torch.cartesian_prod(line, line)), 0) + 2 * math.log(line[1] - line[0])
    nats = (model.energy(x[:2_000]) + log_z).mean().item()
    gaussian = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov())
    assert nats < -gaussian.log_prob(x[:2_000]).mean().item() - 0.2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"low": 0.0}, "both ends"),
        ({"low": 1.0, "high": 0.0}, "high is 0"),
        ({"hidden": (0,)}, "hidden is 0"),
        ({"step_size": 0.0}, "step_size is 0"),
        ({"noise": -1.0}, "noise is -1"),
        ({"steps": 0}, "steps is 0"),
        ({"event_shape": ()}, "event_shape is"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        DeepEnergy(**{"event_shape": (2,), **settings})
