"""The loop: means, an interrupt, divergence, and no wait for the device."""

import itertools
import math

import pytest
import torch
from tiny import Noisy, TinyEnergy, TinyGAN, TinyRBM, TwoCoins, coins, copied, same
from torch import nn

from course_lib import runtime
from course_lib.datasets import Batches
from course_lib.models.autoregressive import FVSBN
from course_lib.models.inputs import values_are_trusted
from course_lib.training import (
    AdversarialStep,
    ContrastiveDivergenceStep,
    EMStep,
    GradientStep,
    LangevinStep,
    TrainingDiverged,
    fit,
)
from course_lib.training.loop import LOOK


class Given:
    """A step that returns what it is told to, one dict after another."""

    def __init__(self, values):
        self.model, self.values, self.steps = nn.Linear(1, 1), iter(values), 0

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]

    def __call__(self, batch):
        self.steps += 1
        return next(self.values)


def test_the_history_holds_means_over_examples_not_batches():
    step = Given([{"size": 20.0}, {"size": torch.tensor(20.0)}, {"size": torch.tensor(10.0, dtype=torch.double)}])
    history = fit(step, Batches(coins(50), 20), 1)
    assert history[0]["size"] == pytest.approx((20 * 20 + 20 * 20 + 10 * 10) / 50)
    assert history[0]["epoch"] == 1
    assert not history.stopped


def test_means_are_those_of_all_steps_whatever_the_number_of_looks():
    values = torch.rand(2 * LOOK + 7, generator=runtime.generator(0))
    history = fit(Given([{"a": value, "b": 2 * value} for value in values]), [torch.zeros(3, 1)] * len(values), 1)
    assert history[0]["a"] == pytest.approx(values.double().mean().item())
    assert history[0]["b"] == pytest.approx(2 * values.double().mean().item())


def test_a_number_that_not_every_step_returns_is_averaged_over_the_steps_that_do():
    history = fit(Given([{"a": 1.0, "b": 6.0}, {"a": 1.0}, {"a": 1.0, "b": 3.0}]), Batches(coins(50), 20), 1)
    assert history[0]["a"] == 1.0
    assert history[0]["b"] == pytest.approx((20 * 6 + 10 * 3) / 30)


def test_a_number_of_epochs_that_is_no_integer_is_refused():
    with pytest.raises(ValueError, match=r"epochs is 2\.0; expected an integer.*int\(epochs\) may do"):
        fit(Given([]), Batches(coins(50), 20), 2.0)


def test_a_bad_value_is_found_in_whichever_batch_of_the_first_epoch_it_is():
    x = coins(40)
    x[25] = 0.5
    step = GradientStep(FVSBN(event_shape=x.shape[1:]), lr=0.1)
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        fit(step, Batches(x, 10, shuffle=False), 3)
    assert step.steps == 2


class Drawn:
    """Batches that are drawn anew in each epoch; those of the second one are no coins."""

    def __init__(self):
        self.epochs = 0

    def __len__(self):
        return 1

    def __iter__(self):
        self.epochs += 1
        yield coins(10) if self.epochs == 1 else coins(10) + 0.5


def test_values_are_trusted_after_the_first_epoch_of_the_same_examples_alone():
    seen = []

    class Looking(Given):
        def __call__(self, batch):
            seen.append(values_are_trusted())
            return {"loss": 0.0}

    def look(history):
        seen.append(values_are_trusted())

    for batches in (Batches(coins(20), 10), [coins(10), coins(10)]):
        fit(Looking([]), batches, 2, [look])
        assert seen == [False, False, False, True, True, False]
        seen.clear()
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        fit(GradientStep(FVSBN(event_shape=coins(1).shape[1:]), lr=0.1), Drawn(), 2)


@pytest.mark.parametrize("odd", [{"lr": math.inf}, {"lr": "x"}, {"lr": True}, {"lr": -1}, {"clip": "x"}, {"clip": math.nan}])
def test_a_setting_that_is_no_number_is_refused_in_words(odd):
    (name,) = odd
    with pytest.raises(ValueError, match=f"{name} is .*; expected"):
        GradientStep(FVSBN(event_shape=(4,)), **odd)


def test_a_training_without_a_batch_is_refused():
    with pytest.raises(ValueError, match="batches hold no batch"):
        fit(GradientStep(FVSBN(event_shape=(4,))), [], 1)


def sgd(module):
    return torch.optim.SGD(module.parameters(), lr=0.1)


def gradient():
    model = Noisy()
    return GradientStep(model, sgd(model), total_steps=100, clip=1.0)


def game():
    model = TinyGAN()
    return AdversarialStep(model, {name: sgd(player) for name, player in model.players.items()}, discriminator_steps=2)


def langevin():
    model = TinyEnergy()
    return LangevinStep(model, sgd(model), k=2)


WAITLESS = {
    "gradient": (gradient, (2, 4)),
    "adversarial": (game, (4, 1)),
    "contrastive": (lambda: ContrastiveDivergenceStep(TinyRBM(), persistent=True), (2, 4)),
    "langevin": (langevin, (2, 2)),
}


@pytest.mark.parametrize("name", WAITLESS)
def test_values_are_fetched_every_50_steps_and_at_the_end_of_the_epoch(name, monkeypatch):
    """On a GPU each fetch waits for the device, so no step may fetch by itself."""
    fetched = []
    real = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: fetched.append(self.numel()) or real(self))

    def refuse(self, *_):
        raise AssertionError("a step waited for the device")

    for wait in ("item", "__float__", "__int__", "cpu"):
        monkeypatch.setattr(torch.Tensor, wait, refuse)
    make, shape = WAITLESS[name]
    fit(make(), [torch.zeros(shape)] * 120, 1)
    values = fetched[0] // 50
    assert fetched == [50 * values, 50 * values, 20 * values]


def test_an_interrupt_keeps_model_and_history_and_says_that_it_was_stopped(capsys):
    step = GradientStep(Noisy())

    def stop(history):
        if len(history) == 2:
            raise KeyboardInterrupt

    history = fit(step, Batches(coins(), 20), 10, [stop])
    assert [row["epoch"] for row in history] == [1, 2]
    assert history.stopped
    assert step.steps == 6
    assert "after 2 whole epochs" in capsys.readouterr().out
    history = fit(step, Batches(coins(), 20), 4, history=history)
    assert len(history) == 4
    assert not history.stopped


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_the_last_good_state(value):
    class Breaking(Noisy):
        def loss(self, x, *, generator=None):
            loss = super().loss(x, generator=generator)
            return loss * value if step.steps == 4 else loss

    step = GradientStep(Breaking())
    kept = []
    with pytest.raises(TrainingDiverged, match=r"loss became (nan|inf) in step 2 of epoch 2.*after epoch 1.*smaller"):
        fit(step, Batches(coins(), 20), 5, [lambda history: kept.append(copied(step.model.state_dict()))])
    assert len(kept) == 1
    assert same(copied(step.model.state_dict()), kept[0])
    assert step.steps == 3


def test_divergence_is_noticed_within_50_steps():
    step = Given(itertools.chain([{"loss": 1.0}] * 60, [{"loss": torch.tensor(math.nan)}], [{"loss": 1.0}] * 1_000))
    with pytest.raises(TrainingDiverged, match="loss became nan in step 61 of epoch 1"):
        fit(step, [torch.zeros(1, 1)] * 1_000, 1)
    assert next(step.values, None) is not None
    assert len(list(step.values)) == 1_000 - 40  # 100 steps were made, and one value is taken above


def test_divergence_of_a_game_names_the_player_that_began():
    class Breaking(TinyGAN):
        def player_loss(self, name, x, *, generator=None):
            loss = super().player_loss(name, x, generator=generator)
            return loss * math.nan if name == "discriminator" and step.steps == 1 else loss

    step = AdversarialStep(Breaking())
    with pytest.raises(TrainingDiverged, match="discriminator_loss became nan in step 2 of epoch 1"):
        fit(step, [torch.ones(4, 1)] * 5, 1)


def test_an_error_that_a_nan_caused_is_reported_as_divergence():
    def values():
        yield {"loss": 1.0}
        yield {"loss": torch.tensor(math.nan)}
        raise ValueError("expected probabilities")

    with pytest.raises(TrainingDiverged, match="loss became nan in step 2"):
        fit(Given(values()), [torch.zeros(1, 1)] * 5, 1)

    def other():
        yield {"loss": 1.0}
        raise ValueError("expected a batch")

    with pytest.raises(ValueError, match="expected a batch"):
        fit(Given(other()), [torch.zeros(1, 1)] * 5, 1)


def test_a_parameter_that_becomes_nan_in_the_last_batch_is_not_kept():
    class Breaking(Noisy):
        def loss(self, x, *, generator=None):
            loss = super().loss(x, generator=generator)
            return loss + 0 * torch.sqrt(0 * self.net[0].weight).sum() if step.steps == 5 else loss  # finite; its slope is not

    step = GradientStep(Breaking())
    saved = []
    with pytest.raises(TrainingDiverged, match="a parameter became NaN or infinite at the end of epoch 2"):
        fit(step, Batches(coins(), 20), 5, [saved.append])
    assert len(saved) == 1
    assert all(torch.isfinite(p).all() for p in step.model.parameters())


def test_em_step_never_falls():
    draw = runtime.generator(2)
    coin = torch.where(torch.rand(300, 1, generator=draw) < 0.5, 0.2, 0.9)
    x = (torch.rand(300, 10, generator=draw) < coin).float()
    step = EMStep(TwoCoins())
    history = fit(step, Batches(x, 300, shuffle=False), 20)
    levels = [row["log_likelihood"] for row in history]
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(levels))
    assert sorted(step.model.probs.tolist()) == pytest.approx([0.2, 0.9], abs=0.05)


def test_a_callback_hears_of_every_step_where_it_wants_to():
    class Watching:
        def __init__(self):
            self.heard = []

        def after_step(self, values):
            self.heard.append(float(values["loss"]))

        def __call__(self, history):
            self.heard.append(len(history))

    watching = Watching()
    fit(Given([{"loss": 0.5}] * 4), [torch.zeros(1, 1)] * 2, 2, [watching])
    assert watching.heard == [0.5, 0.5, 1, 0.5, 0.5, 2]
