"""What single flows promise beyond the conformance suite."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Batches, toys
from course_lib.models.flows import CouplingFlow, GaussianisationFlow, PlanarFlow, RealNVP
from course_lib.training import GradientStep, fit


def test_constructors_refuse_what_they_cannot_build():
    with pytest.raises(ValueError, match=r"vectors \(D,\) with D of at least 2"):
        CouplingFlow(event_shape=(1,))
    with pytest.raises(ValueError, match=r"vectors \(D,\)"):
        PlanarFlow(event_shape=(1, 2))
    with pytest.raises(ValueError, match="sides divide by 4"):
        RealNVP(event_shape=(1, 6, 8))
    with pytest.raises(ValueError, match="three numbers each"):
        RealNVP(event_shape=(1, 4, 4), widths=(2, 3))
    with pytest.raises(ValueError, match="width is 0"):
        GaussianisationFlow(event_shape=(2,), width=0)


@pytest.mark.parametrize(("value", "fix"), [(255.0, "divide by 255"), (0.0, "add noise"), (1.0, "add noise")])
def test_pixels_outside_the_open_interval_are_refused(value, fix):
    model = RealNVP(event_shape=(1, 4, 4), widths=(2, 2, 2), couplings=(1, 1, 1))
    with pytest.raises(ValueError, match=fix):
        model.log_prob(torch.full((1, 1, 4, 4), value))


def test_realnvp_begins_as_its_first_layer():
    """Before training, every coupling is the identity: the density is the histogram's, pixel by pixel."""
    counts = [70, 10, 5, 15]
    model = RealNVP(event_shape=(1, 4, 4), counts=counts, widths=(2, 2, 2), couplings=(2, 2, 2)).double()
    y = torch.rand(6, 1, 4, 4, generator=runtime.generator(0)).double() * 0.99 + 0.005
    masses = torch.tensor([71.0, 11, 6, 16]).double() / 104
    expected = (4 * masses[(4 * y).long()]).log().flatten(1).sum(1)
    torch.testing.assert_close(model.log_prob(y), expected)


def test_every_channel_of_every_stage_is_changed_by_some_coupling():
    model = RealNVP(event_shape=(1, 8, 8), counts=[1] * 8, widths=(4, 4, 4), couplings=(2, 2, 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=runtime.generator(1)))
        for layer in model.chain.modules():
            if hasattr(layer, "log_scale"):
                layer.log_scale.zero_()
                layer.shift.zero_()
    y = torch.rand(1, 1, 8, 8, generator=runtime.generator(2)) * 0.9 + 0.05
    assert (model.to_latent(y)[0] != model.chain.layers[0](y)[0]).all()


def test_gaussianisation_learns_two_moons_without_a_gradient():
    x, _ = toys.moons(4_000, generator=runtime.generator(0))
    held_out, _ = toys.moons(1_000, generator=runtime.generator(1))
    flow = GaussianisationFlow(event_shape=(2,), layers=10).fit(x)
    normal = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov())
    assert flow.log_prob(held_out).mean() > normal.log_prob(held_out).mean() + 0.4
    z, _ = flow.to_latent(held_out)
    assert z.mean(0).abs().max() < 0.15
    assert (z.T.cov() - torch.eye(2)).abs().max() < 0.2


@pytest.mark.parametrize("flow", [PlanarFlow, CouplingFlow])
def test_a_flow_learns_a_bent_density_whose_entropy_is_known(flow):
    """x1 standard normal, x2 = x1² + noise of 0.5: no loss is below the entropy of 2.14 nats; the best Gaussian has 3.24."""
    runtime.seed(0)
    a, b = torch.randn(2, 3_000, generator=runtime.generator(0))
    x = torch.stack([a, a**2 + 0.5 * b], 1)
    entropy = math.log(2 * math.pi * math.e) + math.log(0.5)
    gaussian = math.log(2 * math.pi * math.e) + 0.5 * math.log(2.25)  # of the best Gaussian: the variances are 1 and 2.25
    settings = {"layers": 6} if flow is PlanarFlow else {"layers": 4, "hidden": (24,)}
    model = flow(event_shape=(2,), **settings)
    fit(GradientStep(model, lr=1e-2, total_steps=180), Batches(x, 250, seed=2), epochs=15)
    after = model.loss(x).item()
    assert after > entropy - 0.05
    assert after < (entropy + 0.3 if flow is CouplingFlow else gaussian - 0.3)
