"""Which parameter goes to which optimiser, and what Muon does to a matrix."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.autoregressive import DiagonalBiLSTM, PixelCNN, RowLSTM
from course_lib.training import GradientStep
from course_lib.training.optimisers import OPTIMISERS, cosine, linear, optimisers


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


def rates_used(schedule, steps, kind="muon", lr=0.02):
    """The rates of all optimisers in every step, beginning with the first."""
    network = torch.nn.Linear(3, 3)
    network.loss = lambda x, *, generator=None: network(x).square().mean()
    step = GradientStep(network, optimisers(network, kind, lr=lr), schedule=schedule)
    used = []
    for _ in range(steps):
        used.append([o.param_groups[0]["lr"] for o in step.optimisers.values()])
        step(torch.ones(1, 3))
    return used


@pytest.mark.parametrize("total", [1, 7, 500])
def test_the_cosine_gives_its_formula_in_every_step_and_stays_at_0(total):
    for t, rates in enumerate(rates_used(cosine(total), total + 3)):
        expected = 0.02 * (1 + math.cos(math.pi * min(t / total, 1.0))) / 2
        assert rates == pytest.approx([expected] * 2, abs=1e-12, rel=0)


def test_a_warm_up_rises_by_equal_amounts_to_the_full_rate():
    used = [rates[0] for rates in rates_used(cosine(10, warm_up=4), 10)]
    assert used[:5] == pytest.approx([0.005, 0.01, 0.015, 0.02, 0.02])
    assert used[4:] == pytest.approx([0.02 * (1 + math.cos(math.pi * t / 6)) / 2 for t in range(6)])


def test_the_linear_schedule_is_constant_and_then_falls_to_0():
    used = [rates[0] for rates in rates_used(linear(10, constant=0.4), 12)]
    assert used == pytest.approx([0.02] * 5 + [0.02 * (1 - t / 6) for t in range(1, 6)] + [0.0, 0.0])


def test_a_scheduler_of_torchs_own_will_do():
    used = rates_used(lambda optimiser: torch.optim.lr_scheduler.StepLR(optimiser, 2, gamma=0.1), 5)
    assert [rates[0] for rates in used] == pytest.approx([0.02, 0.02, 0.002, 0.002, 0.0002])


@pytest.mark.parametrize("make", [lambda: cosine(3, warm_up=3), lambda: linear(3, constant=1.0), lambda: cosine(-1)])
def test_schedules_that_mean_nothing_are_refused(make):
    with pytest.raises(ValueError, match=r"warm_up is|constant is|total_steps is"):
        make()
