"""Checkpoints: the same model comes back, damage is named with its mend, nothing foreign is run, nothing is half written."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import course_lib
from course_lib import runtime
from course_lib.models.autoregressive import MADE, NADE, MixtureNADE
from course_lib.training import checkpoints, load_or_train, recipes, train

MODELS = [
    lambda: NADE(event_shape=(2, 3), hidden=4, order=[5, 3, 1, 0, 2, 4]),
    lambda: MADE(event_shape=(6,), hidden=(8, 8), direct=True, residual=True, any_order=True),
    lambda: MixtureNADE(event_shape=(2,), hidden=4, components=3),
]


@pytest.mark.parametrize("build", MODELS)
def test_round_trip(build, tmp_path):
    model = build()
    checkpoints.save("a", model, {"seed": 3}, folder=tmp_path)
    twin = checkpoints.load("a", folder=tmp_path)
    x = model.sample(5)
    assert torch.equal(twin.log_prob(x), model.log_prob(x))
    assert not twin.training
    assert not any(p.requires_grad for p in twin.parameters())
    assert checkpoints.describe("a", tmp_path)["seed"] == 3


def test_half_rounds_once_and_comes_back_as_float32(tmp_path):
    model = MODELS[0]()
    full = checkpoints.save("full", model, {}, folder=tmp_path)
    half = checkpoints.save("half", model, {}, folder=tmp_path, half=True)
    assert half.stat().st_size < full.stat().st_size
    twin = checkpoints.load("half", folder=tmp_path)
    for key, value in model.state_dict().items():
        assert torch.equal(twin.state_dict()[key], value.half().float())


def test_what_is_said_about_a_model_cannot_replace_its_checksum(tmp_path):
    checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    checkpoints.save("a", MODELS[0](), checkpoints.describe("a", tmp_path), folder=tmp_path)
    checkpoints.load("a", folder=tmp_path)


def test_unknown_name():
    with pytest.raises(ValueError, match="no checkpoint is called 'nonesuch'"):
        checkpoints.load("nonesuch")


def test_damage_is_named_with_checksums_and_the_mend(tmp_path):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    expected = checkpoints.describe("a", tmp_path)["sha256"]
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"a\.safetensors is damaged.*expected sha256 {expected}, found .*course train a"):
        checkpoints.load("a", folder=tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="found no file"):
        checkpoints.load("a", folder=tmp_path)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[]", b"3", b"{}"])
def test_a_damaged_description_is_named_with_the_mend(content, tmp_path):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json is damaged.*mend"):
        checkpoints.load("a", folder=tmp_path)


def edit(tmp_path, **changes):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


FOREIGN = [
    "os:system",
    "torch.nn:Linear",
    "course_lib.modelsX:NADE",
    "course_lib.models.nonesuch:NADE",
    "course_lib.models.protocols:nn",
    "course_lib.models.autoregressive.nade:Nonesuch",
]


@pytest.mark.parametrize("spelled", FOREIGN)
def test_only_models_of_the_library_are_built(spelled, tmp_path):
    edit(tmp_path, **{"class": spelled})
    with pytest.raises(ValueError, match=r"course_lib\.models|no model of this library"):
        checkpoints.load("a", folder=tmp_path)


@pytest.mark.parametrize("configuration", [{"event_shape": [6], "hidden": 9}, {"event_shape": [6], "nonsense": 1}])
def test_a_configuration_that_does_not_fit_is_refused(configuration, tmp_path):
    edit(tmp_path, configuration=configuration)
    with pytest.raises(ValueError, match="does not fit the configuration"):
        checkpoints.load("a", folder=tmp_path)


def test_no_pickle_anywhere():
    for path in Path(course_lib.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("torch.load(", "torch.save(", "import pickle", "import joblib", "allow_pickle=True"):
            assert word not in text, f"{path} has {word}"


def test_state_round_trip_keeps_kinds_and_keys(tmp_path):
    state = {"a": {1: torch.ones(2), "1": torch.zeros(3, dtype=torch.uint8)}, "a/1": [torch.ones(()), 2.5, None, True, "word"]}
    checkpoints.write_state(tmp_path / "s.safetensors", state, {"history": [{"loss": 0.1}]})
    back, extra = checkpoints.read_state(tmp_path / "s.safetensors")
    assert extra == {"history": [{"loss": 0.1}]}
    assert back["a"].keys() == {1, "1"}
    assert torch.equal(back["a"][1], torch.ones(2))
    assert torch.equal(back["a"]["1"], torch.zeros(3, dtype=torch.uint8))
    assert back["a/1"][1:] == [2.5, None, True, "word"]


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_state_cut_short_is_refused_with_the_mend(keep, tmp_path):
    path = tmp_path / "s.safetensors"
    checkpoints.write_state(path, {"x": torch.ones(100)}, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"is damaged.*delete it"):
        checkpoints.read_state(path)


def test_a_foreign_safetensors_file_is_no_state(tmp_path):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.read_state(path)


def test_a_kill_in_the_middle_of_saving_leaves_the_old_pair(tmp_path):
    old = MODELS[0]()
    checkpoints.save("a", old, {"which": "old"}, folder=tmp_path)
    program = f"""
        import pathlib, time
        from course_lib.models.autoregressive import NADE
        from course_lib.training import checkpoints
        real = checkpoints.save_file
        def slow(tensors, path, **more):
            real(tensors, path, **more)
            print("writing", flush=True)
            time.sleep(60)
        checkpoints.save_file = slow
        checkpoints.save("a", NADE(event_shape=(2, 3), hidden=4), {{"which": "new"}}, folder=pathlib.Path({str(tmp_path)!r}))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    twin = checkpoints.load("a", folder=tmp_path)
    assert checkpoints.describe("a", tmp_path)["which"] == "old"
    assert torch.equal(twin.W, old.W)


TINY = recipes.Recipe(lambda: NADE(event_shape=(1, 28, 28), hidden=3), "a small NADE", (3, 3, 3), examples=(200, 200, 200))


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tiny", TINY)


def test_train_resumes_where_it_stopped(tiny, tmp_path, monkeypatch):
    whole = train("tiny", budget="smoke", device="cpu")

    monkeypatch.setenv("COURSE_HOME", str(tmp_path))

    def stop(history):
        if len(history) == 1:
            raise KeyboardInterrupt

    train("tiny", budget="smoke", device="cpu", report=stop)
    assert checkpoints.describe("tiny", checkpoints.own_dir())["epochs"] == 1
    resumed = train("tiny", budget="smoke", device="cpu")
    assert torch.equal(resumed.W, whole.W)
    about = checkpoints.describe("tiny", checkpoints.own_dir())
    assert about["epochs"] == 3
    assert about["budget"] == "smoke"
    assert all(name.startswith("mnist/") for name in about["data"])
    assert not list((checkpoints.own_dir() / "unfinished").glob("*.safetensors"))


def test_train_keeps_the_metrics_of_the_model_as_saved(tiny):
    train("tiny", budget="smoke", device="cpu", evaluate=lambda model, recipe: {"rows": len(model.W), "data": recipe.data})
    assert checkpoints.describe("tiny", checkpoints.own_dir())["metrics"] == {"rows": 784, "data": "mnist"}


def test_load_or_train_says_which_it_was(tiny, tmp_path, monkeypatch, capsys):
    load_or_train("tiny", budget="smoke", device="cpu")
    assert "training now (budget smoke)" in capsys.readouterr().out
    own = load_or_train("tiny", device="cpu")
    assert "your own checkpoint (3 epochs, budget smoke)" in capsys.readouterr().out
    monkeypatch.setattr(checkpoints, "shipped_dir", lambda: tmp_path)
    checkpoints.save("tiny", NADE(event_shape=(1, 28, 28), hidden=3), {"epochs": 9, "budget": "full"}, folder=tmp_path)
    shipped = load_or_train("tiny", device="cpu")
    assert "shipped checkpoint (9 epochs, budget full)" in capsys.readouterr().out
    assert checkpoints.names() == ["tiny"]
    assert not torch.equal(shipped.W, own.W)
    load_or_train("tiny", budget="smoke", device="cpu", retrain=True)
    assert "training now" in capsys.readouterr().out


def test_unknown_recipe_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'nade-mnist'"):
        recipes.recipe("nade-mnst")
    assert runtime.budget() == "lesson"
