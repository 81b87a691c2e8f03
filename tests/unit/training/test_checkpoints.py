"""Checkpoints: the same model comes back, damage is named with its fix, nothing foreign is run, nothing is half written."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import course_lib
from course_lib import runtime
from course_lib.datasets import DataFileError
from course_lib.models.autoregressive import FVSBN, MADE, NADE, AnyOrderMADE, MixtureNADE
from course_lib.models.latent import VAE
from course_lib.models.latent.objectives import ELBO
from course_lib.models.latent.priors import MixturePrior
from course_lib.training import checkpoints, recipes, states

MODELS = [
    lambda: NADE(event_shape=(2, 3), hidden=4, order=[5, 3, 1, 0, 2, 4]),
    lambda: AnyOrderMADE(event_shape=(6,), hidden=(8, 8), direct=True, residual=True),
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


def test_damage_is_named_with_checksums_and_the_fix(tmp_path):
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
def test_a_damaged_description_is_named_with_the_fix(content, tmp_path):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.json is damaged.*fix"):
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
    with pytest.raises(ValueError, match=r"none of this library's models|no model of this library"):
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
    states.write(tmp_path / "s.safetensors", state, {"history": [{"loss": 0.1}]})
    back, extra = states.read(tmp_path / "s.safetensors")
    assert extra == {"history": [{"loss": 0.1}]}
    assert back["a"].keys() == {1, "1"}
    assert torch.equal(back["a"][1], torch.ones(2))
    assert torch.equal(back["a"]["1"], torch.zeros(3, dtype=torch.uint8))
    assert back["a/1"][1:] == [2.5, None, True, "word"]


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_state_cut_short_is_refused_with_the_fix(keep, tmp_path):
    path = tmp_path / "s.safetensors"
    states.write(path, {"x": torch.ones(100)}, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"is damaged.*delete it"):
        states.read(path)


def test_a_foreign_safetensors_file_is_no_state(tmp_path):
    path = checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    with pytest.raises(ValueError, match="is damaged"):
        states.read(path)


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


def test_every_file_says_the_number_of_its_format(tmp_path):
    path = checkpoints.save("a", MODELS[0](), {"format": 77}, folder=tmp_path)
    assert json.loads(path.with_suffix(".json").read_text())["format"] == checkpoints.FORMAT == 2


def test_a_newer_format_is_refused_with_the_fix(tmp_path):
    edit(tmp_path, format=3)
    with pytest.raises(DataFileError, match=r"a\.json has format 3.*reads formats 1 to 2; fix: update the course"):
        checkpoints.load("a", folder=tmp_path)


def test_format_1_is_read_and_left_as_it_is(tmp_path):
    path = checkpoints.save("a", MODELS[0](), {"epochs": 3}, folder=tmp_path).with_suffix(".json")
    old = {key: value for key, value in json.loads(path.read_text()).items() if key != "format"}
    path.write_text(json.dumps(old))
    before = path.read_bytes()
    checkpoints.load("a", folder=tmp_path)
    assert checkpoints.describe("a", tmp_path)["epochs"] == 3
    assert path.read_bytes() == before


def test_an_argument_that_is_an_object_comes_back_with_its_own_arguments(tmp_path):
    model = VAE(event_shape=(4,), latent=2, hidden=(3,), prior=MixturePrior(components=3), objective=ELBO(beta=4.0))
    path = checkpoints.save("a", model, {}, folder=tmp_path)
    kept = json.loads(path.with_suffix(".json").read_text())["configuration"]
    assert kept["prior"] == {"class": "course_lib.models.latent.priors:MixturePrior", "configuration": {"components": 3}}
    twin = checkpoints.load("a", folder=tmp_path)
    assert (type(twin.prior), twin.prior.components, twin.objective.beta) == (MixturePrior, 3, 4.0)
    x = torch.ones(5, 4)
    assert torch.equal(twin.elbo(x, generator=runtime.generator(0)), model.elbo(x, generator=runtime.generator(0)))


def test_objects_within_lists_and_dicts_come_back():
    value = {"objectives": [ELBO(beta=2.0), {"prior": MixturePrior(components=5)}], "number": 3, "none": None}
    spelled = checkpoints._spelled(value)
    assert json.loads(json.dumps(spelled)) == spelled
    back = checkpoints._built(spelled)
    assert back["objectives"][0].beta == 2.0
    assert back["objectives"][1]["prior"].components == 5
    assert (back["number"], back["none"]) == (3, None)


@pytest.mark.parametrize("spelled", ["os:system", "torch.nn:Linear", "course_lib.models.protocols:nn"])
def test_a_foreign_class_among_the_arguments_is_refused(spelled, tmp_path):
    edit(tmp_path, configuration={"event_shape": [6], "hidden": {"class": spelled, "configuration": {}}})
    with pytest.raises(DataFileError, match=r"none of this library's models|no model of this library"):
        checkpoints.load("a", folder=tmp_path)


def test_loading_moves_no_generator(tmp_path):
    checkpoints.save("a", MODELS[0](), {}, folder=tmp_path)
    before = torch.get_rng_state()
    checkpoints.load("a", folder=tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("half", [False, True])
def test_rounded_is_what_load_gives(half, tmp_path):
    model = MODELS[0]()
    checkpoints.save("a", model, {}, folder=tmp_path, half=half)
    rounded, loaded = checkpoints.rounded(model, half=half), checkpoints.load("a", folder=tmp_path)
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in rounded.state_dict().items())
    assert not rounded.training
    assert not any(p.requires_grad for p in rounded.parameters())


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    path = checkpoints.save("a", MODELS[0](), {"which": "old"}, folder=tmp_path)
    before = path.read_bytes()

    def full(tensors, target, **more):
        Path(target).write_bytes(b"half")
        raise SafetensorError("I/O error: no space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(SafetensorError):
        checkpoints.save("a", MODELS[0](), {"which": "new"}, folder=tmp_path)
    assert path.read_bytes() == before
    assert checkpoints.describe("a", tmp_path)["which"] == "old"
    assert sorted(file.name for file in tmp_path.glob("[!.]*")) == ["a.json", "a.safetensors"]


def test_the_json_beside_a_state_is_read_without_the_state(tmp_path):
    path = tmp_path / "s.safetensors"
    states.write(path, {"x": torch.ones(3)}, {"about": {"lr": 0.1}})
    assert states.read_extra(path) == {"about": {"lr": 0.1}}
    path.write_bytes(b"damaged")
    with pytest.raises(DataFileError, match="is damaged"):
        states.read_extra(path)


def test_every_shipped_model_loads_and_is_of_this_library():
    for name in checkpoints.names():
        about = checkpoints.describe(name)
        assert type(checkpoints.load(name)).__name__ == about["class"].split(":")[1]


def test_unknown_recipe_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'nade-mnist'"):
        recipes.recipe("nade-mnst")


@pytest.mark.parametrize(
    "model",
    [
        FVSBN(event_shape=(6,), order=[3, 0, 5, 1, 4, 2]),
        MADE(event_shape=(6,), hidden=(8, 8), order=[3, 0, 5, 1, 4, 2], direct=True, residual=True),
    ],
    ids=["fvsbn", "made"],
)
@pytest.mark.parametrize("packed", [True, False])
def test_what_a_mask_cuts_is_not_stored_and_files_that_hold_it_load(model, packed, tmp_path, monkeypatch):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=runtime.generator(1)))
    if not packed:  # as older files were written
        monkeypatch.setattr(checkpoints, "_packed", lambda model, tensors: tensors)
    path = checkpoints.save("tiny", model, {}, folder=tmp_path)
    stored = {key: value.numel() for key, value in load_file(path).items()}
    whole = {key: value.numel() for key, value in model.state_dict().items()}
    for key, mask in model.used().items():
        assert stored[key] == (mask.sum() if packed else whole[key])
    assert len(model.used()) == (1 if isinstance(model, FVSBN) else 4)
    x = (torch.rand(20, 6, generator=runtime.generator(2)) < 0.5).float()
    torch.testing.assert_close(checkpoints.load("tiny", folder=tmp_path).log_prob(x), model.log_prob(x), rtol=0, atol=0)


def test_a_pair_that_another_process_is_replacing_is_read_once_more(tmp_path, monkeypatch):
    checkpoints.save("a", MODELS[0](), {"seed": 1}, folder=tmp_path)
    old = (tmp_path / "a.json").read_bytes()
    model = MODELS[0]()
    checkpoints.save("a", model, {"seed": 2}, folder=tmp_path)
    new = (tmp_path / "a.json").read_bytes()
    (tmp_path / "a.json").write_bytes(old)  # the moment between the two files
    monkeypatch.setattr(checkpoints.time, "sleep", lambda seconds: seconds and (tmp_path / "a.json").write_bytes(new))
    x = model.sample(5)
    assert torch.equal(checkpoints.load("a", folder=tmp_path).log_prob(x), model.log_prob(x))


def test_the_fix_for_a_damaged_model_of_the_validation_split_is_a_command_that_there_is(tmp_path):
    checkpoints.save("a-validation", MODELS[0](), {}, folder=tmp_path).write_bytes(b"x")
    with pytest.raises(DataFileError, match=r"delete it and train again: `course train a --validate`$"):
        checkpoints.load("a-validation", folder=tmp_path)


def test_weights_packed_by_another_mask_are_refused(tmp_path, monkeypatch):
    model = MADE(event_shape=(6,), hidden=(5,))
    with monkeypatch.context() as patch:
        patch.setattr(model, "used", lambda: {"layers.0.weight": torch.ones(5, 6, dtype=torch.bool)}, raising=False)
        checkpoints.save("a", model, {}, folder=tmp_path)
    with pytest.raises(DataFileError, match=r"layers\.0\.weight has 30 numbers, and the model's mask lets \d+ through"):
        checkpoints.load("a", folder=tmp_path)


def test_a_made_of_every_order_is_stored_whole(tmp_path):
    model = AnyOrderMADE(event_shape=(6,), hidden=(8,))
    path = checkpoints.save("tiny", model, {}, folder=tmp_path)
    assert {key: value.numel() for key, value in load_file(path).items()} == {
        key: value.numel() for key, value in model.state_dict().items()
    }
