"""The step down a gradient: every setting against the same step written by hand, and each setting changed alone."""

import math

import pytest
import torch
from tiny import Noisy, Quiet, coins, copied, same
from torch import nn

from course_lib import runtime
from course_lib.models.autoregressive import NADE
from course_lib.training import ExponentialAverage, GradientStep, PolynomialAverage, cosine, fit, linear
from course_lib.training.optimisers import optimisers
from course_lib.training.steps.base import to_device

STEPS = 12


def trained(seed=0, optimiser=None, **settings):
    """The parameters that are kept after a few steps with these settings."""
    runtime.seed(1)
    model = Quiet()
    made = optimiser(model) if optimiser else None
    step = GradientStep(model, made, seed=seed, **{"lr": 0.1, **settings})
    for batch in coins(5 * STEPS).split(5):
        step(batch)
    return copied(step.result().state_dict())


def by_hand(lr=0.1, rate=lambda t: 1.0, clip=None):
    runtime.seed(1)
    model = Quiet()
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for t, batch in enumerate(coins(5 * STEPS).split(5)):
        optimiser.param_groups[0]["lr"] = lr * rate(t)
        optimiser.zero_grad()
        model.loss(batch).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return copied(model.state_dict())


def test_the_settings_do_what_the_same_step_by_hand_does():
    assert same(trained(), by_hand())
    assert same(trained(lr=0.3), by_hand(lr=0.3))
    assert same(trained(clip=0.01), by_hand(clip=0.01))
    half_cosine = by_hand(rate=lambda t: (1 + math.cos(math.pi * t / STEPS)) / 2)
    assert same(trained(total_steps=STEPS), half_cosine)
    assert same(trained(schedule=cosine(STEPS)), half_cosine)


ALONE = {
    "lr": {"lr": 0.11},
    "clip": {"clip": 0.1},
    "total_steps": {"total_steps": STEPS},
    "warm-up": {"schedule": cosine(STEPS, warm_up=3)},
    "schedule": {"schedule": linear(STEPS)},
    "precision": {"precision": "bfloat16"},
    "averaging": {"averaging": ExponentialAverage(0.9)},
    "decay of the average": {"averaging": ExponentialAverage(0.8)},
    "rule of the average": {"averaging": PolynomialAverage()},
    "optimiser": {"optimiser": lambda model: optimisers(model, "adam", lr=0.05)},
    "weight decay": {"optimiser": lambda model: optimisers(model, "adam", lr=0.05, weight_decay=0.1)},
    "muon": {"optimiser": lambda model: optimisers(model, "muon", lr=0.05)},
}


def test_each_setting_changed_alone_changes_the_result():
    results = {name: trained(**settings) for name, settings in ALONE.items()} | {"none": trained()}
    names = list(results)
    alike = [(a, b) for i, a in enumerate(names) for b in names[:i] if same(results[a], results[b])]
    assert alike == []


def test_the_seed_is_that_of_the_noise():
    def drawn(seed):
        runtime.seed(1)
        step = GradientStep(Noisy(), seed=seed)
        return step(coins())["loss"].item()

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_values_are_tensors_on_the_device_without_gradient():
    value = GradientStep(Noisy())(coins())["loss"]
    assert isinstance(value, torch.Tensor)
    assert value.shape == ()
    assert not value.requires_grad


def test_clip_bounds_the_gradient():
    step = GradientStep(Noisy(), clip=1e-3)
    step(coins())
    norm = torch.cat([p.grad.flatten() for p in step.model.parameters()]).norm()
    assert norm <= 1.001e-3


class Watched(Quiet):
    """Remembers in which precision its loss was computed, and what it was told before each step."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def before_step(self, batch, steps):
        self.steps.fill_(steps)
        self.seen.append((steps, len(batch), torch.is_grad_enabled()))

    def loss(self, x, *, generator=None):
        self.seen.append((self.net[0](x).dtype, int(self.steps)))
        return super().loss(x)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_forward_pass_alone(precision):
    step = GradientStep(Watched(), precision=precision)
    with torch.autocast("cpu", torch.bfloat16):  # what stands around the step does not matter
        step(coins())
    assert step.model.seen[1][0] == getattr(torch, precision)
    assert all(p.dtype == p.grad.dtype == torch.float32 for p in step.model.parameters())


def test_a_precision_that_the_device_has_not_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="precision is 'half'; expected one of"):
        GradientStep(Noisy(), precision="half")
    monkeypatch.setattr(runtime, "bf16_supported", lambda device: False)
    with pytest.raises(ValueError, match="cpu does not compute in it; use precision='float32'"):
        GradientStep(Noisy(), precision="bfloat16")
    GradientStep(Noisy())


def test_the_model_is_told_the_number_of_steps_done_before_each_loss():
    step = GradientStep(Watched())
    for _ in range(2):
        step(coins(7))
    assert step.model.seen == [(0, 7, False), (torch.float32, 0), (1, 7, False), (torch.float32, 1)]
    step.model.loss(coins())
    assert int(step.model.steps) == 1  # looking at a loss is no step


def test_a_batch_goes_to_the_models_device():
    x = coins()
    assert [t.device.type for t in to_device((x, x), torch.device("meta"))] == ["meta"] * 2
    assert to_device(x, torch.device("cpu")) is x
    step = GradientStep(Noisy())
    with pytest.raises(ValueError, match=r"the batch is on meta and the model on cpu.*Batches\(…, device='cpu'\)"):
        step(x.to("meta"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip": 0.0}, "clip is 0.0"),
        ({"clip": math.nan}, "clip is nan"),
        ({"averaging": 0.99}, "averaging is 0.99; expected None or a rule"),
        ({"averaging": ExponentialAverage}, "expected None or a rule"),
        ({"total_steps": 5, "schedule": cosine(5)}, "both given"),
        ({"total_steps": 0}, "total_steps is 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GradientStep(Noisy(), **settings)


def test_an_optimiser_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"the optimiser 'main' holds parameters of another model.*after the model"):
        GradientStep(Quiet(), torch.optim.SGD(Quiet().parameters(), lr=0.1))


def test_it_learns():
    for precision in ("float32", "bfloat16"):
        runtime.seed(0)
        step = GradientStep(NADE(event_shape=(4,), hidden=6), lr=0.05, total_steps=30, precision=precision)
        history = fit(step, coins(400).split(40), 3)
        assert history[-1]["loss"] < history[0]["loss"]


def test_several_optimisers_each_move_their_part():
    runtime.seed(0)
    model = nn.Module()
    model.a, model.b = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    model.loss = lambda x, *, generator=None: (model.a.sum() + model.b.sum()) * x.mean()
    step = GradientStep(model, {"a": torch.optim.SGD([model.a], lr=0.1), "b": torch.optim.SGD([model.b], lr=0.2)})
    step(torch.ones(3, 1))
    torch.testing.assert_close(model.a.data, torch.full((2,), 0.9))
    torch.testing.assert_close(model.b.data, torch.full((2,), 0.8))


@pytest.mark.parametrize("optimiser", ["muon", torch.optim.Adam, {"main": "adam"}])
def test_an_optimiser_that_is_none_is_refused_with_the_fix(optimiser):
    with pytest.raises(ValueError, match=r"expected one of torch.optim, made from model.parameters"):
        GradientStep(nn.Linear(4, 4), optimiser)
