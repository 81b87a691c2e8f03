"""Runs of recipes that change their device: what was stopped on one kind of device goes on on another.

On a GPU the tests run as they are; PRETEND_CUDA=1 runs them on the pretended device.
"""

from functools import partial

import pretend_cuda
import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.models.autoregressive import NADE
from course_lib.training import checkpoints, load_or_train, train
from course_lib.training.measures import nats
from course_lib.training.recipes import RECIPES, Gradient, Recipe

MISSING = pretend_cuda.missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")


def bits(split):
    return Data((torch.rand(40, 6, generator=runtime.generator(len(split))) < 0.3).float(), None, "bits", split)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    build = partial(NADE, event_shape=(6,), hidden=3)
    recipe = Recipe(build, "small", (3, 3, 3), source=bits, step=Gradient(lr=0.02), measure=nats, batch_size=20)
    monkeypatch.setitem(RECIPES, "small", recipe)


def stop_after_one(history):
    if len(history) == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("way", ["cuda cuda", "cpu cuda", "cuda cpu"])
def test_a_stopped_recipe_goes_on_on_another_device(way, tmp_path, monkeypatch):
    first, second = way.split()
    train("small", budget="full", device=first, report=stop_after_one)
    epochs = []
    resumed = train("small", budget="full", device=second, report=lambda history: epochs.append(len(history)))
    assert epochs == [2, 3]
    assert checkpoints.describe("small", checkpoints.own_dir())["epochs"] == 3
    if first == second:
        monkeypatch.setenv("COURSE_HOME", str(tmp_path))
        whole = train("small", budget="full", device=second)
        torch.testing.assert_close(resumed.state_dict(), whole.state_dict())


def test_training_moves_no_generator_of_the_device():
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    train("small", budget="smoke", device="cuda")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])


def test_a_lesson_gets_its_model_on_the_cpu_unless_it_names_a_device():
    assert runtime.device_of(load_or_train("small", budget="smoke")).type == "cpu"  # trained on the device
    assert runtime.device_of(load_or_train("small", budget="smoke")).type == "cpu"  # loaded
    assert runtime.device_of(load_or_train("small", budget="smoke", device="cuda")).type == "cuda"
    assert runtime.device_of(load_or_train("small", budget="smoke", device="cuda", retrain=True)).type == "cuda"
