"""Two processes against one: the same parameters, the same history, and one decision about stopping."""

import os
import subprocess
import sys
from pathlib import Path

import command_together
import pytest
import torch
from tiny import same
from together import SCENARIOS
from torch import nn

from course_lib import runtime
from course_lib.cli import main
from course_lib.training import GradientStep, checkpoints, distributed
from course_lib.training.recipes import RECIPES


def torchrun(*command, timeout, env):
    """Run a script in two processes, on the CPU; what it printed."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    quietly = {"OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu", "COURSE_QUIET": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    env, command = os.environ | quietly | env, [*start, *map(str, command)]
    return subprocess.run(command, env=env, capture_output=True, text=True, encoding="utf-8", timeout=timeout)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes that torchrun starts find, by scenario: a list of two."""
    folder, here = tmp_path_factory.mktemp("two"), Path(__file__).parent
    done = torchrun(here / "together.py", folder, timeout=300, env={})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("stopped by hand") == 1  # the first process alone prints
    found = [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]
    return {name: [both[name] for both in found] for name in SCENARIOS}


def assert_close(first, second):
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["quiet", "game"])
def test_two_processes_give_what_one_gives(two, name, tmp_path):
    alone = SCENARIOS[name](tmp_path)
    for found in two[name]:
        assert_close(found["state"], alone["state"])
        assert_close(found["kept"], alone["kept"])
        for row, expected in zip(found["history"], alone["history"], strict=True):
            assert row == pytest.approx(expected, abs=1e-6)
    assert same(*two[name])


def test_noise_is_drawn_anew_in_each_process_and_the_parameters_stay_alike(two, tmp_path):
    first, second = two["noisy"]
    assert same(first["state"], second["state"])
    assert first["history"] == second["history"]
    assert not torch.equal(first["noise"], second["noise"])
    assert not torch.equal(first["dropout"], second["dropout"])
    alone = SCENARIOS["noisy"](tmp_path)
    losses = [[row["loss"] for row in run["history"]] for run in (first, alone)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.2)  # the same law, another seed


def test_a_resumed_run_of_two_equals_one_never_stopped(two):
    for found in two["resumed"]:
        assert same(found["parts"], found["whole"])


def test_divergence_in_one_process_stops_both_with_the_last_good_state(two):
    first, second = two["diverging"]
    assert first["message"] == second["message"]
    assert "loss became nan in step 5 of epoch 1" in first["message"]
    assert same(first["state"], second["state"])
    assert all(torch.isfinite(value).all() for value in first["state"].values())


def test_an_interrupt_of_one_process_stops_both_after_the_same_epoch(two):
    first, second = two["interrupted"]
    assert first["stopped"]
    assert second["stopped"]
    assert len(first["history"]) == len(second["history"])
    assert 2 <= len(first["history"]) < 50
    assert same(first["state"], second["state"])


def test_the_first_process_measures_and_both_know_the_number(two):
    first, second = two["measuring"]
    assert (first["calls"], second["calls"]) == (4, 0)
    assert first["history"] == second["history"]
    assert "validation" in first["history"][0]


def test_what_a_model_prepares_from_its_batch_is_that_of_the_first_process(two):
    assert same(*(found["state"] for found in two["beginning"]))


def test_two_processes_train_a_recipe_as_one_does_and_a_failing_one_ends_both(tmp_path, monkeypatch, capsys):
    """Without torchrun's care the process that did not fail would wait for half an hour."""
    here, home = Path(__file__).parent, {"COURSE_HOME": str(tmp_path / "two")}
    done = torchrun(here / "command_together.py", timeout=400, env=home)
    assert done.returncode != 0
    assert done.stderr.count("codes [1, 1, 0, 0]") == 2
    assert "MemoryError: only here" in done.stderr
    assert "tiny-rbm: this recipe cannot be trained by 2 processes: a ContrastiveDivergenceStep cannot be spread" in done.stderr
    assert "odd: this recipe cannot be trained by 2 processes" in done.stderr
    assert "expected 0 <= rank < world, a batch_size that is a multiple of 2" in done.stderr
    assert done.stdout.count("saved: ") == 2  # the first process alone reports; the second run begins anew
    assert done.stdout.count("epoch    3/3") == 2

    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "one"))
    monkeypatch.setitem(RECIPES, "shared", command_together.SHARED)
    assert main(command_together.asked("shared")) == 0
    pairs = [checkpoints.load("shared", folder=tmp_path / n / "checkpoints") for n in ("one", "two")]
    assert_close(*(model.state_dict() for model in pairs))
    one, two = (checkpoints.describe("shared", tmp_path / n / "checkpoints") for n in ("one", "two"))
    assert two["train_loss"] == pytest.approx(one["train_loss"], abs=1e-4)
    assert two["metrics"] == pytest.approx(one["metrics"], abs=1e-4)
    assert not list((tmp_path / "two" / "checkpoints" / "unfinished").glob("shared*"))


def test_one_variable_of_torchruns_alone_means_nothing(monkeypatch):
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with distributed.group():
        assert distributed.world() == 1


def test_alone_nothing_is_shared(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    step = GradientStep(nn.Linear(1, 1))
    with distributed.group():
        assert (distributed.rank(), distributed.world(), distributed.first()) == (0, 1, True)
        assert distributed.spread(step) is step
        assert distributed.gathered({"a": 1}) == {"a": 1}


def test_a_state_of_two_processes_goes_on_in_one_from_a_seed(capsys):
    states = [runtime.generator_state(runtime.generator(seed)) for seed in (1, 2)]
    draws = []
    for _ in range(2):
        generator = runtime.generator(9)
        runtime.restore_generator(generator, distributed.own_part(states))
        draws.append(torch.rand(3, generator=generator))
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], torch.rand(3, generator=runtime.generator(1)))
    assert "began on 2 processes" in capsys.readouterr().out
