"""A resumed run against one that was never stopped, bit for bit; what a full disk does; held-out validation."""

import math

import numpy as np
import pytest
import torch
from tiny import Noisy, Quiet, TinyCycle, TinyEnergy, TinyGAN, TinyRBM, TwoCoins, coins, copied, same
from torch import nn

from course_lib import runtime
from course_lib.datasets import Batches
from course_lib.models.autoregressive import MADE, NADE, AnyOrderMADE
from course_lib.training import (
    AdversarialStep,
    Checkpoint,
    ContrastiveDivergenceStep,
    EMStep,
    ExponentialAverage,
    Film,
    GradientStep,
    LangevinStep,
    PolynomialAverage,
    TailAverage,
    Validation,
    cosine,
    fit,
    linear,
    states,
)
from course_lib.training.optimisers import optimisers


def gradient(**settings):
    return GradientStep(Noisy(), clip=1.0, **settings)


def muon():
    model = MADE(event_shape=(4,), hidden=(8,))
    return GradientStep(model, optimisers(model, "muon", lr=0.02), schedule=cosine(30, warm_up=4))


def game(**settings):
    return AdversarialStep(TinyGAN(norm=True), lr=0.02, discriminator_steps=2, **settings)


class Columns:
    """The first column of a batch, as a game on the line wants it."""

    def __init__(self, batches, columns):
        self.batches, self.columns = batches, columns
        self.state_dict, self.load_state_dict = batches.state_dict, batches.load_state_dict

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for x in self.batches:
            yield tuple(x[:, i : i + 1] for i in range(2)) if self.columns == "pair" else x[:, : self.columns]


STEPS = {
    "gradient": (lambda: gradient(total_steps=30), 4),
    "linear": (lambda: gradient(schedule=linear(15, constant=0.3)), 4),
    "averaged": (lambda: gradient(averaging=ExponentialAverage(0.9)), 4),
    "polynomial": (lambda: gradient(averaging=PolynomialAverage()), 4),
    "tail": (lambda: gradient(averaging=TailAverage(8)), 4),
    "muon": (muon, 4),
    "nade": (lambda: GradientStep(NADE(event_shape=(4,), hidden=5), seed=0), 4),
    "any-order": (lambda: GradientStep(AnyOrderMADE(event_shape=(4,), hidden=(8,)), seed=0), 4),
    "game": (lambda: game(averaging=ExponentialAverage(0.9), schedule=cosine(15)), 1),
    "cycle": (lambda: AdversarialStep(TinyCycle(), lr=0.02), "pair"),
    "contrastive": (lambda: ContrastiveDivergenceStep(TinyRBM(), k=1), 4),
    "persistent": (  # a strong machine: a chain remembers its start
        lambda: ContrastiveDivergenceStep(TinyRBM(scale=4.0), lr=0.1, persistent=True, chains=9, schedule=cosine(15)),
        4,
    ),
    "langevin": (lambda: LangevinStep(TinyEnergy(), lr=0.1, k=2, buffer=30, restart=0.2), 2),
    "em": (lambda: EMStep(TwoCoins()), 4),
}


def begin(name):
    make, columns = STEPS[name]
    return make(), Columns(Batches(coins(), 20, seed=3, binarisation="resampled"), columns)


def rows(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("when", ["between epochs", "in mid-epoch"])
def test_a_resumed_run_equals_one_never_stopped(name, when, tmp_path):
    runtime.seed(1)
    whole_step, whole_batches = begin(name)
    whole = fit(whole_step, whole_batches, 5)

    runtime.seed(1)
    step, batches = begin(name)
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches)
    if when == "between epochs":
        fit(step, batches, 2, [checkpoint])
    else:
        calls, move = iter(range(100)), step.move

        def stopping(batch):
            if next(calls) == 7:  # in the third epoch of three batches
                raise KeyboardInterrupt
            return move(batch)

        step.move = stopping
        history = fit(step, batches, 5, [checkpoint])
        assert len(history) == 2
        assert history.stopped

    runtime.seed(77)  # another process: nothing is as it was
    step, batches = begin(name)
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches)
    history = checkpoint.resume()
    assert len(history) == 2
    history = fit(step, batches, 5, [checkpoint], history=history)
    assert rows(history) == rows(whole)
    assert same(step.state_dict(), whole_step.state_dict())
    assert same(copied(step.result().state_dict()), copied(whole_step.result().state_dict()))
    assert same(batches.state_dict(), whole_batches.state_dict())


def test_resume_of_nothing_is_an_empty_history(tmp_path):
    assert Checkpoint(tmp_path / "absent.safetensors", gradient(), Batches(coins(), 20)).resume() == []


def saved(tmp_path, step):
    path = tmp_path / "run.safetensors"
    batches = Batches(coins(), 20)
    fit(step, batches, 2, [Checkpoint(path, step, batches, about={"lr": 3})])
    return path


def test_what_the_caller_says_about_the_run_stands_in_the_file(tmp_path):
    assert states.read(saved(tmp_path, gradient()))[1]["about"] == {"lr": 3}


@pytest.mark.parametrize(
    "other",
    [
        lambda: GradientStep(nn.Linear(4, 4)),
        lambda: gradient(total_steps=5),
        lambda: gradient(averaging=ExponentialAverage()),
        lambda: GradientStep(model := Noisy(), torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
        lambda: GradientStep(model := Noisy(), {"a": torch.optim.SGD(model.parameters(), lr=0.1)}),
        lambda: ContrastiveDivergenceStep(TinyRBM()),
    ],
)
def test_a_state_of_another_run_is_refused_with_the_fix(tmp_path, other):
    path = saved(tmp_path, gradient())
    with pytest.raises(ValueError, match=r"does not fit this run.*delete the file and begin anew"):
        Checkpoint(path, other(), Batches(coins(), 20)).resume()


def test_a_run_goes_on_after_another_kind_of_device(tmp_path, capsys):
    """The state of CUDA's generator has 16 bytes; on the CPU it becomes a seed, and one line says so for each generator."""
    path = saved(tmp_path, gradient())
    state, extra = states.read(path)
    foreign = {"device": "cuda", "state": torch.arange(16, dtype=torch.uint8)}
    state["step"]["generator"], state["torch"] = foreign, foreign
    states.write(path, state, extra)
    ends = []
    for _ in range(2):
        step, batches = gradient(seed=5), Batches(coins(), 20)
        history = Checkpoint(path, step, batches).resume()
        assert "began on cuda and continues on cpu" in capsys.readouterr().out
        fit(step, batches, 4, history=history)
        ends.append(copied(step.model.state_dict()))
    assert same(*ends)


def test_torchs_own_generator_is_kept_for_the_models_device_alone(tmp_path):
    kept = states.read(saved(tmp_path, gradient()))[0]["torch"]
    assert set(kept) == {"device", "state"}
    assert kept["device"] == "cpu"


def test_training_goes_on_where_nothing_can_be_saved(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("a file, where a folder is needed")
    step, batches = gradient(), Batches(coins(), 20)
    history = fit(step, batches, 3, [Checkpoint(blocked / "run.safetensors", step, batches)])
    assert len(history) == 3
    assert capsys.readouterr().out.count("training goes on, but cannot be resumed from here") == 1


def test_saves_come_every_so_many_epochs(tmp_path):
    path = tmp_path / "run.safetensors"
    step, batches = gradient(), Batches(coins(), 20)
    fit(step, batches, 5, [Checkpoint(path, step, batches, every=2)])
    assert len(Checkpoint(path, step, batches).resume()) == 4


@pytest.mark.parametrize("number", [np.float32(0.5), torch.tensor(0.5)])
def test_numbers_of_numpy_and_torch_in_the_history_are_kept(number, tmp_path):
    step, batches = GradientStep(Quiet()), Batches(coins(), 20)
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches)
    fit(step, batches, 1, [lambda history: history[-1].update(distance=number), checkpoint])
    assert checkpoint.resume()[0]["distance"] == 0.5


def validated(held_out, epochs=6, **settings):
    runtime.seed(1)
    step = GradientStep(Noisy(), lr=0.05)
    validation = Validation(step, held_out, **settings)
    return fit(step, Batches(coins(), 20, seed=3), epochs, [validation]), validation, step


def test_validation_measures_and_leaves_training_as_it_is():
    runtime.seed(1)
    alone = fit(GradientStep(Noisy(), lr=0.05), Batches(coins(), 20, seed=3), 6)
    history, _, step = validated(coins(30, seed=8))
    assert [row["loss"] for row in history] == [row["loss"] for row in alone]
    step.model.eval()
    last = step.model.loss(coins(30, seed=8), generator=runtime.generator(0)).item()
    assert history[-1]["validation"] == pytest.approx(last)  # without dropout, by the same noise in every epoch
    assert not any(parameter.grad is None for parameter in step.model.parameters())


def test_validation_weighs_batches_by_their_size():
    whole, _, _ = validated(coins(30, seed=8), measure=lambda model, x: x.sum(1))
    parts, _, _ = validated(list(coins(30, seed=8).split(20)), measure=lambda model, x: x.sum(1).mean())
    pairs, _, _ = validated((coins(30, seed=8), torch.zeros(30)), measure=lambda model, pair: pair[0].sum(1))
    expected = coins(30, seed=8).sum(1).mean().item()
    for history in (whole, parts, pairs):
        assert history[0]["validation"] == pytest.approx(expected)


@pytest.mark.parametrize(("smaller", "best"), [(True, 3), (False, 2)])
def test_the_best_epoch_is_remembered_and_can_be_put_back(smaller, best):
    values = iter([4.0, 9.0, 1.0, math.nan, 5.0, 2.0])
    states = []

    def measure(model, x):
        states.append(copied(model.state_dict()))
        return next(values)

    history, validation, _ = validated(coins(5), measure=measure, name="nats", smaller_is_better=smaller)
    assert [row["nats"] for row in history][:3] == [4.0, 9.0, 1.0]
    assert validation.best_epoch == best
    assert same(copied(validation.restore().state_dict()), states[best - 1])
    assert not same(states[-1], states[best - 1])


def test_validation_on_nothing_is_refused():
    with pytest.raises(ValueError, match="data hold no example"):
        Validation(GradientStep(Quiet()), []).value()


def test_validation_every_so_many_epochs():
    history, _, _ = validated(coins(5), every=3)
    assert ["validation" in row for row in history] == [False, False, True] * 2


def test_validation_measures_the_running_average():
    runtime.seed(1)
    step, seen = GradientStep(Quiet(), lr=0.05, averaging=ExponentialAverage(0.9)), []
    validation = Validation(step, coins(5), lambda model, x: seen.append(model) or 0.0)
    fit(step, Batches(coins(), 20), 2, [validation])
    assert seen == [step.result()] * 2
    assert seen[0] is not step.model


def test_no_best_epoch_is_no_state():
    with pytest.raises(ValueError, match="no best epoch is kept"):
        validated(coins(5), keep_best=False)[1].restore()


def test_callbacks_resume_with_the_run(tmp_path):
    def start(stop):
        runtime.seed(1)
        step, batches = GradientStep(Noisy(), lr=0.05, seed=2), Batches(coins(), 20, seed=3)
        validation = Validation(step, coins(30, seed=8))
        film = Film(step, lambda model: model.net(coins(2)), every=2)
        checkpoint = Checkpoint(tmp_path / f"{stop}.safetensors", step, batches, keep=[validation, film])
        history = checkpoint.resume()
        fit(step, batches, stop or 5, [validation, film, checkpoint], history=history)
        return validation.state_dict(), film.state_dict()

    whole = start(None)
    start(3)
    (tmp_path / "3.safetensors").rename(tmp_path / "5.safetensors")
    assert same(start(5), whole)


def test_a_checkpoint_keeps_what_validation_wrote_whichever_comes_first_in_the_list(tmp_path):
    step, batches = GradientStep(Quiet(), lr=0.05), Batches(coins(), 20)
    validation = Validation(step, coins(30, seed=8))
    checkpoint = Checkpoint(tmp_path / "run.safetensors", step, batches, keep=[validation])
    history = fit(step, batches, 2, [checkpoint, validation])
    best = validation.best_epoch
    validation.best_epoch = None
    assert checkpoint.resume() == history
    assert validation.best_epoch == best


def test_validation_on_batches_sees_the_same_pixels_in_each_epoch_and_leaves_their_order_alone():
    seen = []
    grey = Batches(coins() / 2 + 0.25, 20, binarisation="resampled")
    twin = Batches(coins() / 2 + 0.25, 20, binarisation="resampled")
    validation = Validation(GradientStep(Quiet()), grey, lambda model, x: seen.append(x) or 0.0)
    for _ in range(2):
        validation.value()
        assert all(torch.equal(x, y) for x, y in zip(grey, twin, strict=True))
    assert all(torch.equal(x, y) for x, y in zip(seen[: len(grey)], seen[len(grey) :], strict=True))
