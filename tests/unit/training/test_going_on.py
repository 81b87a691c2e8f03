"""A run without a recipe that goes on after its settings or its data have changed: refused, with what changed."""

import pytest
import torch
from tiny import Quiet, coins, copied, same

from course_lib.datasets import Batches
from course_lib.training import Checkpoint, GradientStep, cosine, fit, states


def step(lr=0.02, schedule=None, **settings):
    model = Quiet()
    return GradientStep(model, torch.optim.Adam(model.parameters(), lr=lr), schedule=schedule, **settings)


@pytest.fixture
def path(tmp_path):
    """The state of a run of two epochs."""
    begun, batches = step(), Batches(coins(), 20)
    fit(begun, batches, 2, [Checkpoint(tmp_path / "run.safetensors", begun, batches)])
    return tmp_path / "run.safetensors"


CHANGES = {
    "learning rate": ({"lr": 0.5}, {}, r"step.optimisers.main\[0\].lr was 0.02, is 0.5"),
    "clip": ({"clip": 1.0}, {}, "step.clip was null, is 1.0"),
    "batch size": ({}, {"batch_size": 30}, "batches.batch_size was 20, is 30"),
    "order": ({}, {"shuffle": False}, "batches.shuffle was true, is false"),
    "binarisation": ({}, {"binarisation": "resampled"}, "batches.resampled was false, is true"),
    "number of examples": ({}, {"data": coins()[:40]}, "batches.examples was 50, is 40"),
    "values of the data": ({}, {"data": 1 - coins()}, r"batches.data\[0\]\[0\].checksum was"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_refused_before_anything_is_loaded(name, path):
    settings, given, said = CHANGES[name]
    other = step(**settings)
    before = copied(other.model.state_dict())
    checkpoint = Checkpoint(path, other, Batches(**{"data": coins(), "batch_size": 20} | given))
    with pytest.raises(ValueError, match=rf"does not fit this run \({said}.*go back to them, or delete the file and begin anew"):
        checkpoint.resume()
    assert same(copied(other.model.state_dict()), before)


def test_the_seed_the_place_and_a_rate_that_a_schedule_has_moved_are_no_change(path, tmp_path):
    assert len(Checkpoint(path, step(seed=7), Batches(coins().clone(), 20, seed=7)).resume()) == 2
    moved, batches = step(schedule=cosine(12)), Batches(coins(), 20)
    fit(moved, batches, 2, [Checkpoint(tmp_path / "moved.safetensors", moved, batches)])
    assert len(Checkpoint(tmp_path / "moved.safetensors", moved, batches).resume()) == 2
    assert len(Checkpoint(tmp_path / "moved.safetensors", step(schedule=cosine(12)), batches).resume()) == 2


def test_a_state_that_says_nothing_of_its_settings_goes_on(path):
    state, extra = states.read(path)
    del extra["settings"]
    states.write(path, state, extra)
    assert len(Checkpoint(path, step(lr=0.5), Batches(coins(), 30)).resume()) == 2
