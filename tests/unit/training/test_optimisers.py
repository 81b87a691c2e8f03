"""Which parameter goes to which optimiser, and what Muon does to a matrix."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.autoregressive import DiagonalBiLSTM, PixelCNN, RowLSTM
from course_lib.training import GradientStep
from course_lib.training.optimisers import OPTIMISERS, optimisers


def model():
    runtime.seed(0)
    return PixelCNN(event_shape=(1, 4, 4), features=8, layers=1, positions=True)


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_every_parameter_has_one_optimiser(kind):
    network = model()
    made = optimisers(network, kind, lr=0.1)
    taken = [id(p) for optimiser in made.values() for group in optimiser.param_groups for p in group["params"]]
    assert sorted(taken) == sorted(id(p) for p in network.parameters())


def test_muon_takes_the_matrices_and_adam_the_rest():
    network = model()
    made = optimisers(network, "muon", lr=0.1)
    given = {id(p) for p in made["matrices"].param_groups[0]["params"]}
    names = {name for name, p in network.named_parameters() if id(p) in given}
    assert names == {"first.weight", "head.weight", "blocks.0.down.weight", "blocks.0.middle.weight", "blocks.0.up.weight"}


@pytest.mark.parametrize("kind", [RowLSTM, DiagonalBiLSTM])
def test_the_kernels_of_an_image_lstm_are_matrices(kind):
    network = kind(event_shape=(1, 4, 4), features=8, layers=1)
    given = {id(p) for p in optimisers(network, "muon", lr=0.1)["matrices"].param_groups[0]["params"]}
    heavy = [p for name, p in network.blocks.named_parameters() if "bias" not in name]
    assert len(heavy) == 3
    assert all(id(p) in given for p in heavy)


@pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
def test_an_update_of_muon_is_near_orthogonal_and_as_large_as_one_of_adam(shape):
    """By torch's singular values: far apart in the gradient, near 1 in the update, once its scale is taken off."""
    runtime.seed(1)
    layer = torch.nn.Linear(shape[1], shape[0], bias=False)
    before = layer.weight.detach().clone()
    step = optimisers(layer, "muon", lr=0.01)["matrices"]
    directions = torch.linalg.qr(torch.randn(12, 12))[0] * torch.logspace(0, -2, 12)
    wide = directions @ torch.linalg.qr(torch.randn(30, 12))[0].T  # (12, 30), singular values from 1 to 0.01
    layer.weight.grad = wide if shape == (12, 30) else wide.T.contiguous()
    step.step()
    update = (before - layer.weight.detach()) / 0.01
    values = torch.linalg.svdvals(update / (0.2 * math.sqrt(30)))
    assert values.max() < 1.3
    assert values.min() > 0.3  # of a gradient's 0.01
    assert 0.1 < update.square().mean().sqrt() < 0.3  # Liu et al. (2025): Adam's updates measure 0.2 to 0.4 lr


def test_both_learning_rates_follow_the_cosine():
    network = model()
    step = GradientStep(network, optimisers(network, "muon", lr=0.02), total_steps=4)
    x = torch.ones(3, 1, 4, 4)
    for share in (1.0, (1 + math.cos(math.pi / 4)) / 2, 0.5):
        step(x)
        assert [o.param_groups[0]["lr"] for o in step.optimisers.values()] == pytest.approx([0.02 * share] * 2)


def test_muon_moves_what_adam_does_not_and_both_learn():
    network = model()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    step = GradientStep(network, optimisers(network, "muon", lr=0.02))
    x = torch.zeros(8, 1, 4, 4)
    x[..., 2] = 1.0
    losses = [step(x)["loss"] for _ in range(60)]
    assert losses[-1] < 0.2 * losses[0]
    assert all(not torch.equal(p, before[name]) for name, p in network.named_parameters())


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(ValueError, match=r"optimiser is 'sgd'; expected one of \('adam', 'muon'\)"):
        optimisers(model(), "sgd", lr=0.1)
