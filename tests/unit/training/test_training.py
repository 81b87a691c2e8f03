"""The loop, the four steps, and a resumed run against one that was never stopped, bit for bit."""

import itertools
import math

import pytest
import torch
from tiny import Noisy, TinyGAN, TinyRBM, TwoCoins
from torch import nn

from course_lib import runtime
from course_lib.datasets import Batches
from course_lib.models.autoregressive import MADE, NADE
from course_lib.training import (
    AdversarialStep,
    Checkpoint,
    ContrastiveDivergenceStep,
    EMStep,
    GradientStep,
    TrainingDiverged,
    fit,
)
from course_lib.training.optimisers import optimisers


def data(n=50, seed=0):
    return (torch.rand(n, 4, generator=runtime.generator(seed)) < torch.tensor([0.9, 0.2, 0.7, 0.5])).float()


def gradient(seed=0):
    return GradientStep(Noisy(), total_steps=30, clip=1.0, seed=seed)


def muon():
    model = MADE(event_shape=(4,), hidden=(8,))
    return GradientStep(model, optimisers(model, "muon", lr=0.02), total_steps=30)


STEPS = {
    "gradient": gradient,
    "muon": muon,
    "nade": lambda: GradientStep(NADE(event_shape=(4,), hidden=5), seed=0),
    "any-order": lambda: GradientStep(MADE(event_shape=(4,), hidden=(8,), any_order=True), seed=0),
    "persistent": lambda: ContrastiveDivergenceStep(TinyRBM(scale=4.0), persistent=True),  # strong: a chain remembers its start
    "contrastive": lambda: ContrastiveDivergenceStep(TinyRBM(), k=1),
    "em": lambda: EMStep(TwoCoins()),
}


def assert_same(first, second):
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same(first[key], second[key])
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    else:
        assert first == second


def rows(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("when", ["between epochs", "in mid-epoch"])
def test_a_resumed_run_equals_one_never_stopped(name, when, tmp_path):
    def start():
        runtime.seed(1)
        step = STEPS[name]()
        return step, Batches(data(), 20, seed=3, binarisation="resampled")

    whole_step, whole_batches = start()
    whole = fit(whole_step, whole_batches, 5)

    step, batches = start()
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches)
    if when == "between epochs":
        fit(step, batches, 2, [checkpoint])
    else:
        calls = iter(range(100))

        class Stopping:
            model, state_dict, load_state_dict = step.model, step.state_dict, step.load_state_dict

            def __call__(self, batch):
                if next(calls) == 7:  # in the third epoch of three batches
                    raise KeyboardInterrupt
                return step(batch)

        assert len(fit(Stopping(), batches, 5, [checkpoint])) == 2

    runtime.seed(77)  # another process: nothing is as it was
    step = STEPS[name]()
    batches = Batches(data(), 20, seed=99, binarisation="resampled")
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches)
    history = checkpoint.resume()
    assert len(history) == 2
    history = fit(step, batches, 5, [checkpoint], history=history)
    assert rows(history) == rows(whole)
    assert_same(step.state_dict(), whole_step.state_dict())
    assert_same(batches.state_dict(), whole_batches.state_dict())


def test_resume_of_nothing_is_an_empty_history(tmp_path):
    assert Checkpoint(tmp_path / "absent.safetensors", gradient(), Batches(data(), 20)).resume() == []


def test_the_history_holds_means_over_examples_not_batches():
    class Sizes:
        model = nn.Linear(1, 1)

        def state_dict(self):
            return {}

        def __call__(self, batch):
            return {"size": float(len(batch))}

    history = fit(Sizes(), Batches(data(50), 20), 1)
    assert history[0]["size"] == pytest.approx((20 * 20 + 20 * 20 + 10 * 10) / 50)
    assert history[0]["epoch"] == 1


def test_an_interrupt_keeps_model_and_history(capsys):
    step = gradient()

    def stop(history):
        if len(history) == 2:
            raise KeyboardInterrupt

    history = fit(step, Batches(data(), 20), 10, [stop])
    assert [row["epoch"] for row in history] == [1, 2]
    assert step.steps == 6
    assert "after 2 whole epochs" in capsys.readouterr().out


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_the_last_good_state(value):
    class Breaking(Noisy):
        def loss(self, x, *, generator=None):
            loss = super().loss(x, generator=generator)
            return loss * value if step.steps == 4 else loss

    step = GradientStep(Breaking())
    kept = []
    with pytest.raises(TrainingDiverged, match=r"loss became (nan|inf) in epoch 2.*after epoch 1.*smaller learning rate"):
        fit(
            step,
            Batches(data(), 20),
            5,
            [lambda history: kept.append({k: v.clone() for k, v in step.model.state_dict().items()})],
        )
    assert len(kept) == 1
    assert_same(dict(step.model.state_dict()), kept[0])
    assert step.steps == 3


def test_a_parameter_that_becomes_nan_in_the_last_batch_is_not_kept():
    class Breaking(Noisy):
        def loss(self, x, *, generator=None):
            loss = super().loss(x, generator=generator)
            return loss + 0 * torch.sqrt(0 * self.net[0].weight).sum() if step.steps == 5 else loss  # finite; its slope is not

    step = GradientStep(Breaking())
    saved = []
    with pytest.raises(TrainingDiverged, match="a parameter became NaN"):
        fit(step, Batches(data(), 20), 5, [saved.append])
    assert len(saved) == 1
    assert all(torch.isfinite(p).all() for p in step.model.parameters())


def test_gradient_step_learns_the_mean_and_follows_the_cosine():
    step = GradientStep(NADE(event_shape=(4,), hidden=2), lr=0.05, total_steps=30)
    rates = []
    history = fit(step, Batches(data(400), 40), 3, [lambda h: rates.append(step.optimisers["main"].param_groups[0]["lr"])])
    assert history[-1]["loss"] < history[0]["loss"]
    expected = [0.05 * (1 + math.cos(math.pi * k / 30)) / 2 for k in (9, 19, 29)]
    assert rates == pytest.approx(expected)


def test_clip_bounds_the_gradient():
    step = GradientStep(Noisy(), clip=1e-3)
    step(data())
    norm = torch.cat([p.grad.flatten() for p in step.model.parameters()]).norm()
    assert norm <= 1.001e-3


def test_mixed_precision_on_the_cpu_keeps_parameters_float32():
    step = GradientStep(NADE(event_shape=(4,), hidden=6), lr=0.02, mixed_precision=True)
    history = fit(step, Batches(data(400), 40), 3)
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(p.dtype == torch.float32 for p in step.model.parameters())


def test_adversarial_step_moves_one_player_at_a_time_and_finds_the_mean():
    runtime.seed(0)
    step = AdversarialStep(TinyGAN(), lr=0.02, discriminator_steps=2)
    turns = []

    def watch(player):
        loss = getattr(step.model, f"{player}_loss")

        def watched(x, *, generator=None):
            turns.append((player, {k: v.clone() for k, v in step.model.state_dict().items()}))
            return loss(x, generator=generator)

        return watched

    x = 3 + torch.randn(200, 1, generator=runtime.generator(1))
    before = step.model.generator.bias.item()
    for player in ("discriminator", "generator"):
        setattr(step.model, f"{player}_loss", watch(player))
    step(x)
    assert [player for player, _ in turns] == ["discriminator", "discriminator", "generator"]
    first, _, last = (state for _, state in turns)
    assert torch.equal(first["generator.bias"], last["generator.bias"])  # the generator waits its turn
    assert not torch.equal(first["discriminator.weight"], last["discriminator.weight"])
    assert torch.equal(last["discriminator.weight"], step.model.discriminator.weight)
    for _ in range(150):
        losses = step(x)
    assert set(losses) == {"discriminator_loss", "generator_loss"}
    assert step.model.generator.bias.item() > before + 1
    with pytest.raises(ValueError, match="discriminator_steps is 0"):
        AdversarialStep(TinyGAN(), discriminator_steps=0)


@pytest.mark.parametrize("persistent", [False, True])
def test_contrastive_divergence_raises_the_exact_likelihood(persistent):
    step = ContrastiveDivergenceStep(TinyRBM(), lr=0.1, k=5, persistent=persistent)
    x = data(500)
    before = step.model.log_prob(x).mean().item()
    fit(step, Batches(x, 50), 10)
    independent = torch.distributions.Bernoulli(x.mean(0)).log_prob(x).sum(1).mean().item()
    assert step.model.log_prob(x).mean().item() > before + 0.3
    assert step.model.log_prob(x).mean().item() > independent - 0.05
    assert (step.chain is not None) == persistent
    with pytest.raises(ValueError, match="k is 0"):
        ContrastiveDivergenceStep(TinyRBM(), k=0)


def test_em_step_never_falls():
    draw = runtime.generator(2)
    coin = torch.where(torch.rand(300, 1, generator=draw) < 0.5, 0.2, 0.9)
    x = (torch.rand(300, 10, generator=draw) < coin).float()
    step = EMStep(TwoCoins())
    history = fit(step, Batches(x, 300, shuffle=False), 20)
    levels = [row["log_likelihood"] for row in history]
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(levels))
    assert sorted(step.model.probs.tolist()) == pytest.approx([0.2, 0.9], abs=0.05)
