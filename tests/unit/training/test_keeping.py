"""Which of the user's models counts, what goes on, what never replaces what; and training where nothing can be written."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.models.autoregressive import NADE
from course_lib.training import checkpoints, load_or_train, states, train
from course_lib.training.measures import nats
from course_lib.training.recipes import RECIPES, CannotResume, Gradient, Recipe, RecipeError, run


def bits(split):
    draw = torch.rand(40, 6, generator=runtime.generator(("train", "validation", "test").index(split)))
    return Data((draw < 0.3).float(), None, "bits", split)


SMALL = Recipe(
    partial(NADE, event_shape=(6,), hidden=3), "a small NADE", (2, 3, 4), source=bits, step=Gradient(lr=0.02), measure=nats,
    examples=(40,) * 3, batch_size=20,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setitem(RECIPES, "small", SMALL)


def stop_after(epochs):
    def stop(history):
        if len(history) == epochs:
            raise KeyboardInterrupt

    return stop


def train_small(budget="full", **how):
    return train("small", budget=budget, device="cpu", **how)


def own(folder=""):
    return checkpoints.describe("small", checkpoints.own_dir() / folder)


def unfinished():
    return sorted((checkpoints.own_dir() / "unfinished").glob("*"))


# stopping and going on


@pytest.mark.parametrize("stopped", [0, 1, 3, 4])
def test_nothing_stands_under_the_name_before_the_last_epoch_and_load_or_train_goes_on(stopped, capsys, monkeypatch):
    whole = run("small", budget="full", device="cpu", folder=checkpoints.own_dir() / "elsewhere").model

    if stopped:
        model = train_small(report=stop_after(stopped))
    else:
        with monkeypatch.context() as patch:
            patch.setattr("course_lib.training.steps.GradientStep.move", lambda self, batch: stop_after(0)([]))
            model = train_small()
    assert torch.isfinite(model.sample(3)).all(), "a stopped model is usable"
    assert not (checkpoints.own_dir() / "small.json").exists()
    further = "train it again to go on from there" if stopped else "nothing was kept: the next run begins anew"
    assert f"small: stopped after {stopped} of 4 epochs; {further}" in capsys.readouterr().out
    resumed = load_or_train("small", budget="full")
    assert torch.equal(resumed.W, whole.W)
    assert own()["epochs"] == 4
    assert not unfinished()
    load_or_train("small", budget="full")
    assert "small: loaded your own checkpoint (4 epochs, budget full)" in capsys.readouterr().out


def test_a_changed_recipe_never_goes_on_and_the_message_says_what_changed(monkeypatch):
    train_small(report=stop_after(1))
    changed = replace(SMALL, batch_size=10, seed=7, step=Gradient(lr=0.5, optimiser="muon"))
    monkeypatch.setitem(RECIPES, "small", changed)
    with pytest.raises(CannotResume) as raised:
        train_small()
    said = str(raised.value)
    for words in (
        'step.optimiser was "adam", is "muon"', "step.lr was 0.02, is 0.5", "batch_size was 20, is 10", "seed was 0, is 7",
        "course train small --budget full --anew",
    ):  # fmt: skip
        assert words in said
    assert "hidden" not in said
    monkeypatch.setitem(RECIPES, "small", SMALL)
    epochs = []
    train_small(report=lambda history: epochs.append(len(history)))
    assert epochs == [2, 3, 4], "with the change undone, the run goes on"


def test_an_unfinished_validation_run_is_apart_and_its_fix_is_its_own_command(monkeypatch):
    train_small(report=stop_after(1), validate=True)
    epochs = []
    train_small(report=lambda history: epochs.append(len(history)))
    assert epochs == [1, 2, 3, 4]
    monkeypatch.setitem(RECIPES, "small", replace(SMALL, seed=7))
    with pytest.raises(CannotResume, match="`course train small --budget full --validate --anew`"):
        train_small(validate=True)


def test_anew_gives_the_unfinished_run_up(monkeypatch):
    train_small(report=stop_after(1))
    monkeypatch.setitem(RECIPES, "small", replace(SMALL, seed=7))
    epochs = []
    train_small(anew=True, report=lambda history: epochs.append(len(history)))
    assert epochs == [1, 2, 3, 4]
    assert not unfinished()


def test_in_a_lesson_a_changed_recipe_begins_anew_and_says_why(monkeypatch, capsys):
    train_small(report=stop_after(1))
    monkeypatch.setitem(RECIPES, "small", replace(SMALL, seed=7))
    load_or_train("small", budget="full")
    assert "seed was 0, is 7" in capsys.readouterr().out
    assert own()["seed"] == 7
    assert own()["epochs"] == 4


def test_a_change_of_the_starting_values_alone_is_seen(monkeypatch):
    def built(value):
        model = NADE(event_shape=(6,), hidden=3)
        with torch.no_grad():
            model.b.fill_(STARTS[value])
        return model

    STARTS = {"b": 0.5}
    monkeypatch.setitem(RECIPES, "small", replace(SMALL, build=partial(built, "b")))
    train_small(report=stop_after(1))
    STARTS["b"] = 0.6
    with pytest.raises(CannotResume, match=r"b\.mean_square was 0\.25"):
        train_small()


def test_other_data_under_the_same_name_are_seen(monkeypatch):
    shift = [0.0]

    def drawn(split):
        return replace(bits(split), x=(bits(split).x + shift[0]) % 2)

    monkeypatch.setitem(RECIPES, "small", replace(SMALL, source=drawn))
    train_small(report=stop_after(1))
    shift[0] = 1.0
    with pytest.raises(CannotResume, match=r"examples_read\.x\.checksum was"):
        train_small()


def test_an_unfinished_run_of_an_older_version_is_named(monkeypatch):
    train_small(report=stop_after(1))
    [path] = unfinished()
    state, extra = states.read(path)
    path.unlink()
    states.write(path.with_name("small-full.safetensors"), state, {"history": extra["history"]})
    with pytest.raises(CannotResume, match=r"older version|named no recipe"):
        train_small()


def test_a_damaged_unfinished_run_is_named_with_the_fix():
    train_small(report=stop_after(1))
    [path] = unfinished()
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CannotResume, match=r"is damaged.*--anew"):
        train_small()
    assert load_or_train("small", budget="full").W.isfinite().all()


# budgets


def test_smoke_results_are_kept_apart_and_do_not_count_in_a_lesson(capsys):
    train_small("smoke")
    assert not (checkpoints.own_dir() / "small.json").exists()
    assert own("smoke")["budget"] == "smoke"
    load_or_train("small", budget="smoke")
    assert "loaded your own checkpoint (2 epochs, budget smoke)" in capsys.readouterr().out
    load_or_train("small", budget="lesson")
    assert "training now (budget lesson)" in capsys.readouterr().out
    assert own()["budget"] == "lesson"


def test_a_smaller_budget_never_replaces_a_larger_one(capsys):
    full = train_small("full").W
    lesson = train_small("lesson").W
    train_small("smoke")
    assert (own()["budget"], own("lesson")["budget"], own("smoke")["budget"]) == ("full", "lesson", "smoke")
    assert torch.equal(load_or_train("small", budget="lesson").W, full)
    assert torch.equal(load_or_train("small", budget="smoke").W, full)
    assert not torch.equal(full, lesson)


def test_a_model_of_a_newer_version_of_the_course_is_never_replaced():
    train_small("lesson")
    path = checkpoints.own_dir() / "small.json"
    newer = json.dumps(own() | {"format": checkpoints.FORMAT + 1})
    path.write_text(newer)
    for budget in ("lesson", "full"):
        assert run("small", budget=budget, device="cpu").path == checkpoints.own_dir() / budget / "small.safetensors"
    assert path.read_text() == newer


def test_a_larger_budget_replaces_a_smaller_one():
    train_small("lesson")
    train_small("full")
    assert own()["budget"] == "full"


def test_a_folder_that_is_named_keeps_its_larger_model_too(tmp_path):
    train_small("full", folder=tmp_path)
    with pytest.raises(RecipeError, match="budget full, and a run of budget lesson never replaces it"):
        train_small("lesson", folder=tmp_path)
    assert checkpoints.describe("small", tmp_path)["budget"] == "full"


@pytest.mark.parametrize(("epochs", "counts"), [(0, False), (2, False), (3, True)])
def test_a_stopped_model_of_an_older_version_does_not_count(epochs, counts, capsys):
    path = checkpoints.save("small", NADE(event_shape=(6,), hidden=3), {"epochs": epochs, "budget": "lesson", "about": "old"})
    about = json.loads(path.with_suffix(".json").read_text())
    del about["format"]
    path.with_suffix(".json").write_text(json.dumps(about))
    load_or_train("small", budget="lesson")
    assert ("loaded your own checkpoint (3 epochs" in capsys.readouterr().out) == counts


def test_a_model_of_a_recipe_that_has_changed_since_does_not_count_and_what_changed_is_said(monkeypatch, capsys):
    first = train_small("lesson")
    monkeypatch.setitem(RECIPES, "small", replace(SMALL, batch_size=10, about="other words"))
    second = load_or_train("small", budget="lesson")
    said = capsys.readouterr().out
    assert "is of another recipe and is not used: batch_size was 20, is 10\n" in said
    assert "training now" in said
    assert not torch.equal(first.W, second.W)
    load_or_train("small", budget="lesson")
    assert "small: loaded your own checkpoint" in capsys.readouterr().out
    assert own()["recipe"]["batch_size"] == 10


@pytest.mark.parametrize("damage", ["half a description", "half the parameters", "no parameters", "foreign", "newer"])
def test_an_own_model_that_cannot_be_read_is_said_not_to_be_used_and_trained_anew(damage, capsys):
    train_small("lesson")
    path = checkpoints.own_dir() / "small.safetensors"
    description = path.with_suffix(".json")
    if damage == "no parameters":
        path.unlink()
    elif damage == "newer":
        description.write_text(json.dumps({**json.loads(description.read_text()), "format": 99}))
    elif damage == "foreign":
        description.write_text(json.dumps({**json.loads(description.read_text()), "class": "os:system"}))
    else:
        broken = path if damage == "half the parameters" else description
        broken.write_bytes(broken.read_bytes()[:100])
    model = load_or_train("small", budget="lesson")
    said = capsys.readouterr().out
    assert torch.isfinite(model.sample(2)).all()
    assert said.count("small: your own checkpoint is not used: ") == 1
    assert "training now" in said
    load_or_train("small", budget="lesson")
    assert "loaded your own checkpoint" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["small.json", "small.safetensors"])
def test_an_own_model_that_this_user_may_not_read_is_said_not_to_be_used_and_stays(file, capsys, monkeypatch):
    train_small("full")
    path = checkpoints.own_dir() / file
    before = path.read_bytes()

    def forbidden(real):
        def read(self, *args, **kwargs):
            if self == path:
                raise PermissionError(13, "Permission denied", str(self))
            return real(self, *args, **kwargs)

        return read

    with monkeypatch.context() as patch:
        for name in ("read_text", "read_bytes"):
            patch.setattr(Path, name, forbidden(getattr(Path, name)))
        model = load_or_train("small", budget="lesson")
    said = capsys.readouterr().out
    assert torch.isfinite(model.sample(2)).all()
    assert said.count("small: your own checkpoint is not used: [Errno 13] Permission denied") == 1
    assert "training now" in said
    assert path.read_bytes() == before


def test_retraining_trains_whatever_is_there(capsys):
    train_small("lesson")
    load_or_train("small", budget="lesson", retrain=True)
    assert "training now (budget lesson)" in capsys.readouterr().out


def test_the_shipped_model_comes_first_and_is_put_on_the_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checkpoints, "shipped_dir", lambda: tmp_path)
    own_model = train_small("full")
    checkpoints.save("small", NADE(event_shape=(6,), hidden=3), {"epochs": 9, "budget": "full"}, folder=tmp_path)
    asked = []
    real = checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda name, **how: asked.append(how["device"]) or real(name, **how))
    monkeypatch.setattr(runtime.torch.cuda, "is_available", lambda: True)
    shipped = load_or_train("small", budget="lesson")
    assert "small: loaded the shipped checkpoint (9 epochs, budget full)" in capsys.readouterr().out
    assert not torch.equal(shipped.W, own_model.W)
    assert asked == [torch.device("cpu")], "lessons keep their data on the CPU"


# what training leaves alone


def test_training_and_loading_move_no_global_generator(monkeypatch):
    import random

    import numpy as np

    def states():
        return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    before = states()
    train_small("smoke")
    assert states() == before
    load_or_train("small", budget="smoke")
    assert states() == before


def test_what_is_kept_says_how_it_was_made():
    train_small("lesson")
    about = own()
    assert about["format"] == checkpoints.FORMAT
    assert about["precision"] == "float32"
    assert about["device"] == "cpu"
    assert about["versions"].keys() == {"course", "torch", "python"}
    assert about["split"] == "train"
    assert about["recipe"]["step"]["lr"] == 0.02
    assert about["recipe"]["batch_size"] == 20
    assert len(about["fingerprint"]) == 64
    assert about["metrics"].keys() == {"test_nats", "standard_error", "n"}


def test_train_and_the_command_keep_the_same_words(capsys):
    from course_lib.cli import main

    train_small("lesson")
    by_library = own()
    assert main(["train", "small", "--budget", "lesson", "--device", "cpu"]) == 0
    assert {**own(), "seconds": 0} == {**by_library, "seconds": 0}


# places where nothing can be written


IN_A_PROCESS = """
    import os, resource, sys
    sys.path.insert(0, {here!r})
    from test_keeping import SMALL, RECIPES, load_or_train, checkpoints
    from course_lib.cli import main
    RECIPES["small"] = SMALL
"""


def in_a_process(program, **environment):
    """Run it where its limits and folders are its own; what it printed."""
    program = textwrap.dedent(IN_A_PROCESS.format(here=str(Path(__file__).parent))) + textwrap.dedent(program)
    variables = {key: value for key, value in os.environ.items() if key != "COURSE_HOME"} | environment
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


FULL_DISK = "resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))\n"


def test_with_a_full_disk_training_goes_on_and_the_model_is_returned(tmp_path):
    program = FULL_DISK + "model = load_or_train('small', budget='full'); print('drawn', tuple(model.sample(3).shape))"
    said = in_a_process(program, COURSE_HOME=str(tmp_path))
    assert "drawn (3, 6)" in said
    assert said.count("could not be written") == 1
    assert said.count("the trained model cannot be kept") == 1
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left in ([], [".lock"]), "nothing half written is left"


def test_the_command_on_a_full_disk_ends_with_1_and_no_traceback(tmp_path):
    program = FULL_DISK + "print('exit', main(['train', 'small', '--budget', 'lesson', '--device', 'cpu']))"
    said = in_a_process(program, COURSE_HOME=str(tmp_path))
    assert "exit 1" in said
    assert "saved:" not in said


@pytest.mark.parametrize("where", ["a file", "below a file"])
def test_a_home_that_is_no_folder_stops_neither_training_nor_a_shipped_model(where, tmp_path):
    (tmp_path / "file").write_text("")
    home = str(tmp_path / "file" if where == "a file" else tmp_path / "file" / "more")
    program = """
        print('nats', load_or_train('fvsbn-mnist').W.shape)
        load_or_train('small', budget='smoke')
        print('exit', main(['train', 'small', '--budget', 'smoke', '--device', 'cpu']))
    """
    said = in_a_process(program, COURSE_HOME=home)
    assert "nats torch.Size([784, 784])" in said
    assert said.count("the trained model cannot be kept") == 2
    assert "exit 1" in said


def test_with_no_home_at_all_a_shipped_model_loads_and_a_new_one_trains(monkeypatch, capsys):
    def nowhere():
        raise FileNotFoundError("no home folder")

    monkeypatch.setattr(runtime, "user_dir", nowhere)
    assert load_or_train("fvsbn-mnist").W.shape == (784, 784)
    assert load_or_train("small", budget="smoke").W.isfinite().all()
    said = capsys.readouterr().out
    assert "this run cannot be kept" in said
    assert "the trained model cannot be kept (no home folder)" in said
    train_small(report=stop_after(1))
    assert "stopped after 1 of 4 epochs; nothing was kept: the next run begins anew" in capsys.readouterr().out


def test_looking_for_a_model_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    load_or_train("fvsbn-mnist")
    assert not (tmp_path / "home").exists()
