"""Langevin chains against their exact law, the buffer, and each setting changed alone."""

import pytest
import torch
from tiny import TinyEnergy, copied, same

from course_lib import runtime
from course_lib.models.energy.langevin import langevin
from course_lib.training import ExponentialAverage, LangevinStep, cosine

CLOUD = 0.5 + 0.5 * torch.randn(400, 2, generator=runtime.generator(4))


def test_chains_have_the_variance_that_their_step_size_gives():
    """On E = |x|^2 / 2 a step is x <- (1 - a) x + s N: an autoregression of stationary variance s^2 / (1 - (1 - a)^2)."""
    step_size = 0.2
    noise = (2 * step_size) ** 0.5
    x = langevin(TinyEnergy(), torch.zeros(40_000, 2), 100, step_size=step_size, noise=noise, generator=runtime.generator(0))
    expected = noise**2 / (1 - (1 - step_size) ** 2)
    assert expected == pytest.approx(1 / (1 - step_size / 2))
    assert x.var().item() == pytest.approx(expected, rel=0.02)
    assert x.mean().item() == pytest.approx(0, abs=0.02)


def test_chains_stay_in_their_range_and_leave_no_gradient():
    model = TinyEnergy()
    x = langevin(model, torch.zeros(50, 2), 5, step_size=0.1, noise=5.0, clamp=(-1.0, 2.0), generator=runtime.generator(0))
    assert x.min() == -1.0
    assert x.max() == 2.0
    assert not x.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def small(model=None, **settings):
    return LangevinStep(
        model or TinyEnergy(), **{"lr": 0.01, "k": 3, "step_size": 0.1, "noise": 0.1, "buffer": 40, "clamp": None, **settings}
    )


def test_chains_go_back_into_the_buffer_and_go_on_from_there():
    step = small(restart=0.0, step_size=0.0, noise=0.0)  # chains that stay where they are
    step(CLOUD[:20])
    first = step.chains.clone()
    step(CLOUD[20:60])  # all of them
    assert torch.equal(step.chains, first)
    step = small(restart=0.0, step_size=0.0, noise=0.1)
    step(CLOUD[:20])
    before = step.chains.clone()
    step(CLOUD[:20])
    moved = (step.chains != before).any(1)
    assert moved.sum() == 20
    assert (step.chains - before)[moved].abs().max() < 1  # they moved on, and did not begin anew


def test_the_share_that_begins_anew():
    step = small(restart=0.3, step_size=0.0, noise=0.0, buffer=4_000)
    step.draw(torch.zeros(4_000, 2))
    before = step.chains.clone()
    step.draw(torch.zeros(4_000, 2))
    assert (step.chains != before).any(1).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_the_beginning_fills_the_range_or_is_normal():
    low, high = small(buffer=20_000, clamp=(-1.0, 3.0), noise=0.0, step_size=0.0).draw(torch.zeros(20_000, 2)).aminmax()
    assert (low.item(), high.item()) == pytest.approx((-1.0, 3.0), abs=0.01)
    drawn = small(buffer=20_000, noise=0.0, step_size=0.0).draw(torch.zeros(20_000, 2))
    assert drawn.std().item() == pytest.approx(1.0, abs=0.02)


def test_the_loss_and_its_gradient_are_as_written():
    step = small(penalty=0.7)
    x, twin = CLOUD[:20], TinyEnergy()
    twin.load_state_dict(step.model.state_dict())
    made = {}
    draw = step.draw
    step.draw = lambda like: made.setdefault("x", draw(like))
    values = step(x)
    up, down = twin.energy(x), twin.energy(made["x"])
    loss = up.mean() - down.mean() + 0.7 * (up**2).mean() + 0.7 * (down**2).mean()
    loss.backward()
    torch.testing.assert_close(values["loss"], loss.detach())
    torch.testing.assert_close(values["data_energy"], up.mean().detach())
    torch.testing.assert_close(values["chain_energy"], down.mean().detach())
    for found, parameter in zip(step.model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(found.grad, parameter.grad)


def trained(**settings):
    step = small(**settings)
    for batch in CLOUD[:120].split(20):
        step(batch)
    return copied(step.result().state_dict())


ALONE = {
    "lr": {"lr": 0.011},
    "k": {"k": 4},
    "step_size": {"step_size": 0.11},
    "noise": {"noise": 0.11},
    "buffer": {"buffer": 41},
    "restart": {"restart": 0.5},
    "clamp": {"clamp": (-0.5, 0.5)},
    "penalty": {"penalty": 0.2},
    "schedule": {"schedule": cosine(6)},
    "clip": {"clip": 1e-9},
    "precision": {"precision": "bfloat16"},
    "averaging": {"averaging": ExponentialAverage(0.9)},
    "decay of the average": {"averaging": ExponentialAverage(0.5)},
    "seed": {"seed": 1},
}


class Wide(TinyEnergy):
    """The same Gaussian, with its squares by a matrix product, which autocast computes in bfloat16."""

    def energy(self, x):
        away = torch.nn.functional.linear(x - self.mean, torch.eye(2))
        return 0.5 * self.log_precision.exp() * away.square().sum(1)


def test_each_setting_changed_alone_changes_the_result():
    results = {name: trained(model=Wide(), **settings) for name, settings in ALONE.items()} | {"none": trained(model=Wide())}
    names = list(results)
    assert [(a, b) for i, a in enumerate(names) for b in names[:i] if same(results[a], results[b])] == []


def test_it_finds_the_gaussian_of_the_data():
    runtime.seed(0)
    step = small(lr=0.03, k=30, step_size=0.1, noise=0.2**0.5, buffer=2_000, penalty=0.0, schedule=cosine(150))
    for _ in range(30):
        for batch in CLOUD.split(80):
            step(batch)
    torch.testing.assert_close(step.model.mean.data, CLOUD.mean(0), atol=0.1, rtol=0)
    assert step.model.log_precision.exp().item() == pytest.approx(1 / CLOUD.var().item(), rel=0.3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"restart": 1.5}, "restart is 1.5"),
        ({"clamp": (1.0, 0.0)}, "clamp is"),
        ({"k": 0}, "k is 0"),
        ({"buffer": 0}, "buffer is 0"),
        ({"step_size": float("nan")}, "step_size is nan"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"penalty": float("inf")}, "penalty is inf"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        small(**settings)


def test_a_batch_larger_than_the_buffer_is_refused():
    with pytest.raises(ValueError, match=r"41 examples and buffer is 40; expected buffer ≥ the batch size"):
        small()(CLOUD[:41])
