"""Recipes of energy models: every word of `Contrastive` reaches the step, and the measures are those of the metrics."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.metrics import partition
from course_lib.models.energy.rbm import RBM
from course_lib.training import energy_measures
from course_lib.training.averaging import TailAverage
from course_lib.training.optimisers import linear
from course_lib.training.recipes.energy import ENERGY, Contrastive
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
