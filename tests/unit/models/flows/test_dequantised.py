"""Whole grey levels under a density of continuous pixels: masses known exactly, the bound below them, and the usual slips."""

import itertools
import math

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.flows import CouplingFlow, Dequantised
from course_lib.models.protocols import FlowModel
from course_lib.training import checkpoints


class Uniform(FlowModel):
    """All of (0, 1)^D alike: every box has the mass K^-D exactly."""

    def __init__(self, *, event_shape):
        super().__init__()
        self.event_shape, self.unused = tuple(event_shape), nn.Parameter(torch.zeros(()))

    def to_latent(self, x):
        z = torch.special.ndtri(x)
        return z, (0.5 * z.square() + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def to_data(self, z):
        return torch.special.ndtr(z), -(0.5 * z.square() + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)


def small(levels=4):
    runtime.seed(0)
    flow = CouplingFlow(event_shape=(2,), layers=3, hidden=(6,), unit=True)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.4 * torch.randn(parameter.shape, generator=runtime.generator(1)))
    return Dequantised(flow=flow, levels=levels).double()


def all_images(levels):
    return torch.tensor(list(itertools.product(range(levels), repeat=2))).double() / (levels - 1)


@torch.no_grad()
def exact(model, fine=100):
    """log of the mass of every box, by the middles of fine x fine squares in each."""
    side = (torch.arange(fine).double() + 0.5) / fine
    inside = torch.cartesian_prod(side, side) / model.levels
    corners = model.level(all_images(model.levels)) / model.levels
    parts = [model.flow.log_prob(corner + inside) for corner in corners]
    return torch.stack([torch.logsumexp(part, 0) - math.log(len(inside)) for part in parts]) - model.log_cells


def test_under_a_uniform_density_the_bound_is_exact():
    """Noise on half a cell only, as in a textbook's code, would give the same; the next test sees that."""
    model = Dequantised(flow=Uniform(event_shape=(1, 2, 2)), levels=256)
    x = torch.randint(256, (9, 1, 2, 2), generator=runtime.generator(0)).float() / 255
    torch.testing.assert_close(
        model.elbo(x, generator=runtime.generator(1)), torch.full((9,), -4 * math.log(256)), rtol=1e-4, atol=0
    )


def test_the_noise_fills_the_whole_cell_and_never_meets_its_border():
    model = Dequantised(flow=Uniform(event_shape=(1000,)), levels=256)
    x = torch.arange(256).float()[:, None].expand(-1, 1000) / 255
    y, log_q = model.infer(x, generator=runtime.generator(0))
    place = y.double() * 256 - torch.arange(256)[:, None]
    assert 0 < place.min() < 1e-3
    assert 1 - 1e-3 < place.max() < 1
    assert abs(place.mean() - 0.5) < 0.005
    assert (y > 0).all()
    assert (y < 1).all()
    torch.testing.assert_close(log_q, torch.full((256,), 1000 * math.log(256)))


def test_masses_sum_to_1_and_bounds_keep_their_order():
    model, x = small(), all_images(4)
    truth = exact(model)
    assert truth.exp().sum().item() == pytest.approx(1, abs=1e-4)
    many = x.repeat(1_000, 1)
    with torch.no_grad():
        elbo = model.elbo(many, generator=runtime.generator(2)).view(1_000, -1)
        tighter = model.importance_bound(x.repeat(200, 1), 10, generator=runtime.generator(3)).view(200, -1)
        tightest = model.importance_bound(x, 5_000, generator=runtime.generator(4))
    error = elbo.std(0) / 1_000**0.5 + tighter.std(0) / 200**0.5
    assert (elbo.mean(0) <= tighter.mean(0) + 4 * error).all()
    assert (tighter.mean(0) <= truth + 4 * error).all()
    assert (elbo.mean(0) < truth - 1e-3).any()
    torch.testing.assert_close(tightest, truth, rtol=0, atol=0.15)


def test_samples_are_grey_levels_with_the_masses():
    model, n = small(), 20_000
    x = model.sample(n, generator=runtime.generator(5))
    counts = torch.bincount((model.level(x) @ torch.tensor([4.0, 1.0]).double()).long(), minlength=16) / n
    truth = exact(model).exp()
    assert (counts - truth).abs().max() < 5 * (truth * (1 - truth) / n).sqrt().max()


def test_a_box_elsewhere_has_no_density():
    model, x = small(), all_images(4)
    y, _ = model.infer(x, generator=runtime.generator(0))
    found = model.log_joint(x, y.roll(1, 0))
    assert (found == -math.inf).all()
    assert model.log_joint(x, y).isfinite().all()


def test_wrong_grey_levels_are_refused():
    model = small(levels=256)
    with pytest.raises(ValueError, match="divide by 255"):
        model.elbo(torch.full((1, 2), 255.0).double())
    with pytest.raises(ValueError, match="round"):
        model.elbo(torch.full((1, 2), 0.5004 / 255).double())
    with pytest.raises(ValueError, match="expected a FlowModel"):
        Dequantised(flow=nn.Linear(2, 2))


def test_a_checkpoint_keeps_the_flow_within(tmp_path):
    model, x = small().float(), all_images(4).float()
    checkpoints.save("tiny", model, {}, folder=tmp_path)
    twin = checkpoints.load("tiny", folder=tmp_path)
    assert torch.equal(twin.elbo(x, generator=runtime.generator(1)), model.elbo(x, generator=runtime.generator(1)))
