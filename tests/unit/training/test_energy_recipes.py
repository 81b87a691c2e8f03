"""Recipes of energy models: every word of `Contrastive` reaches the step, and the measures are those of the metrics."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.metrics import frechet, partition
from course_lib.metrics.features import features
from course_lib.models.energy.deep_energy import DeepEnergy
from course_lib.models.energy.rbm import RBM
from course_lib.training import checkpoints, energy_measures
from course_lib.training.averaging import ExponentialAverage, TailAverage
from course_lib.training.optimisers import linear
from course_lib.training.recipes.energy import ENERGY, Chains, Contrastive
from course_lib.training.recipes.form import Recipe


def coins(split):
    draw = torch.rand(90, 1, 2, 3, generator=runtime.generator(len(split)))
    return Data((draw < 0.3).float(), None, "coins", split)


def recipe(step=None, **given):
    return Recipe(
        partial(RBM, event_shape=(1, 2, 3), hidden=3), "tiny", (1, 1, 1), step=step or Contrastive(), source=coins, **given
    )


def test_contrastive_hands_every_setting_to_the_step():
    settings = Contrastive(lr=0.3, k=2, chains=7, centre=0.2, schedule=partial(linear, constant=0.5), averaged=0.25)
    chosen = recipe(settings, seed=4)
    model = chosen.build()
    step = settings(model, chosen, 40)
    assert step.optimisers["main"].param_groups[0]["lr"] == 0.3
    assert (step.k, step.persistent, step.chains, step.centre) == (2, True, 7, 0.2)
    assert step.average.rule == TailAverage(30)
    assert step.generator.initial_seed() == 4
    rates = []
    for _ in range(40):
        rates.append(step.optimisers["main"].param_groups[0]["lr"])
        step(coins("train").x[:10])
    assert rates[:20] == [0.3] * 20
    assert rates[-1] == pytest.approx(0.015)
    plain = Contrastive(persistent=False, centre=None)(chosen.build(), chosen, 40)
    assert (plain.persistent, plain.chains, plain.centre, plain.average, plain.schedulers) == (False, None, None, None, {})


def test_the_machine_begins_at_the_means_of_its_own_training_split():
    for split in ("train", "validation"):
        chosen = recipe(split=split)
        model = chosen.build()
        chosen.step(model, chosen, 10)
        expected = RBM(event_shape=(1, 2, 3), hidden=3).begin_at(coins(split).x).b
        assert torch.equal(model.b, expected)


def test_exact_nats_are_those_of_the_sum():
    model = recipe().build().requires_grad_(False)
    found = energy_measures.exact_nats(model, recipe(), "full")
    x = coins("test").x
    assert found["test_nats"] == pytest.approx(-model.normalised().log_prob(x).mean().item(), abs=1e-3)
    assert found["log_z"] == pytest.approx(model.log_partition().item(), abs=1e-3)
    assert found["n"] == 90
    error = (model.reconstruct(x) - x).square().flatten(1).sum(1).mean().item()
    assert found["test_reconstruction_error"] == pytest.approx(error, abs=1e-3)
    assert energy_measures.watched(x, model)["nats"] == pytest.approx(found["test_nats"], abs=1e-3)


@pytest.mark.parametrize("budget", ["full", "lesson"])
def test_annealed_nats_surround_the_exact_ones(budget):
    model = recipe().build().requires_grad_(False)
    with torch.no_grad():
        model.W.mul_(50)
    measure = energy_measures.AnnealedNats(chains=300, steps=50, reversed_examples=45)
    found = measure(model, recipe(), budget)
    x = coins("test").x
    exact = -model.normalised().log_prob(x)
    assert found["test_nats_by_annealing"] == pytest.approx(exact.mean().item(), abs=0.05)
    assert found["steps"] == (50 if budget == "full" else energy_measures.FEW_STEPS)
    assert found["reverse_n"] == (45 if budget == "full" else 20)
    few = x[::2][:45] if budget == "full" else x[::4][:20]
    assert found["test_nats_by_reverse"] == pytest.approx(-model.normalised().log_prob(few).mean().item(), abs=0.1)
    same = partition.annealed_nats(model, few, found["log_z"]).mean
    assert found["nats_by_annealing_of_the_same"] == pytest.approx(same, abs=1e-3)


def test_the_two_machines_of_20_hidden_units_differ_in_their_chains_alone():
    one, other = ENERGY["rbm-20-mnist"], ENERGY["rbm-20-cd-mnist"]
    assert replace(one.step, persistent=False) == other.step
    assert (one.epochs, one.examples, one.seed, one.batch_size) == (other.epochs, other.examples, other.seed, other.batch_size)
    assert one.measured == other.measured == "test"


def grey(split):
    return Data(torch.rand(60, 1, 28, 28, generator=runtime.generator(len(split))), None, "grey", split)


def deep(**settings):
    build = partial(DeepEnergy, event_shape=(1, 28, 28), hidden=(3,), low=0.0, high=1.0, step_size=2.0, noise=0.1)
    return Recipe(build, "tiny", (1, 1, 1), step=Chains(**settings), source=grey, seed=4)


def test_chains_hand_every_setting_to_the_step():
    chosen = deep(lr=0.3, k=7, buffer=90, restart=0.2, penalty=0.7, decay=0.8)
    step = chosen.step(chosen.build(), chosen, 40)
    assert (step.k, step.buffer, step.restart, step.penalty) == (7, 90, 0.2, 0.7)
    assert (step.step_size, step.noise, step.clamp) == (2.0, 0.1, (0.0, 1.0))  # those of the model
    assert step.average.rule == ExponentialAverage(0.8)
    assert step.generator.initial_seed() == 4
    assert step.optimisers["main"].param_groups[0]["lr"] == 0.3
    for _ in range(40):
        step(grey("train").x[:10])
    assert step.optimisers["main"].param_groups[0]["lr"] < 0.01


def test_the_distance_is_measured_after_each_number_of_steps():
    chosen, samples = deep(), 20
    model = chosen.build().requires_grad_(False)
    found = energy_measures.FrechetByStep(moments=(1, 3), samples=samples)(model, chosen, "full")
    assert found["n"] == samples
    judge = checkpoints.load("features-mnist")
    g = runtime.generator(0)
    x = model.run(model.start(samples, generator=g), 3, generator=g)
    expected = frechet.frechet_distance(features(judge, x), features(judge, grey("test").x))
    assert found["test_fid_3"] == pytest.approx(expected, abs=0.01)
    assert found["test_fid_1"] != found["test_fid_3"]
