"""Every recipe trains, stops, goes on as if it had never stopped, and gives a model that loads."""

import re
import shutil
from dataclasses import replace

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import images, loading
from course_lib.training import checkpoints, measures, recipes, train
from course_lib.training.recipes import running
from course_lib.training.recipes.image_games import IMAGE_GAMES

# the orders of one FVSBN differ in a list of numbers only, and so do the seeds of the study of beta; games differ in
# settings that tests of their own look at
ALIKE = [name for name in recipes.RECIPES if name.startswith(("fvsbn-mnist-", "gans-balance-")) or "-seed-" in name]
ALIKE += [name for name in IMAGE_GAMES if name not in ("gan-noisy-labels", "gan-loss-r1-r2", "r1gan-mnist") and name not in ALIKE]
ALIKE += [name for name in recipes.RECIPES if re.fullmatch(r"(m1-)?m2-mnist-\d", name)]  # other draws of the labels
ALIKE += [name for name in recipes.RECIPES if re.fullmatch(r"critics-\w+-(usual|deep|tanh|fast|inert)", name)]
ALIKE += [f"beta-vae-{beta}-close-ups" for beta in (4, 8, 16)]  # as beta-vae-1-close-ups, with another weight of the KL
ALIKE += ["coupling-spiral", "coupling-ring", "planar-spiral", "planar-ring"]  # as on the moons, with other points
DIFFERENT = [name for name in recipes.RECIPES if name not in ALIKE]


@pytest.fixture
def short(request, monkeypatch):
    """The recipe of this name, cut to two epochs over a few examples."""
    name = request.param
    monkeypatch.setattr(measures, "SMOKE_EXAMPLES", 6)
    cut = replace(recipes.RECIPES[name], epochs=(2, 2, 2), examples=(4, 4, 4), batch_size=2)
    if name.startswith("hmm-"):
        # every step of EM sees all examples: it forgets symbols that it does not see
        cut = replace(cut, examples=(8, 8, 8), batch_size=8)
    if name == "char-lstm-novel" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        cut = replace(cut, precision="float32")  # torch has no LSTM in bfloat16 for CPUs without AVX-512
    monkeypatch.setitem(recipes.RECIPES, name, cut)
    return name


def own_folder():
    return checkpoints.own_dir() / "smoke"


def goes_on_to(whole, name):
    """The unfinished run in COURSE_HOME goes on with its second epoch and ends with the parameters `whole`."""
    assert not (own_folder() / f"{name}.json").exists()
    trained = []
    resumed = train(name, budget="smoke", device="cpu", report=lambda history: trained.append(len(history))).state_dict()
    assert trained == [2], "the first epoch was trained again"
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)


@pytest.mark.parametrize("short", DIFFERENT, indirect=True)
def test_every_recipe_resumes_where_it_stopped(short, tmp_path, monkeypatch):
    """A run keeps its state after every epoch; what lies there after the first is what a run leaves that is stopped then."""

    def copy_after_one(history):
        if len(history) == 1:
            shutil.copytree(tmp_path / "whole", tmp_path / "stopped")

    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    with monkeypatch.context() as measured_once:
        measured_once.setattr(running, "measured", lambda *_: {})
        whole = train(short, budget="smoke", device="cpu", report=copy_after_one).state_dict()
    assert all(torch.isfinite(value).all() for value in whole.values())
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    goes_on_to(whole, short)
    about = checkpoints.describe(short, own_folder())
    assert about["epochs"] == 2
    assert any(key.startswith("test_") for key in about["metrics"])
    kept = checkpoints.load(short, folder=own_folder()).state_dict()
    assert all(torch.equal(kept[key], whole[key]) for key in whole)


def stop_after_one(history):
    if len(history) == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("short", ["nade-mnist", "gans-ring-r1-r2", "ae-mnist-2"], indirect=True)
def test_a_run_stopped_by_hand_resumes(short, tmp_path, monkeypatch):
    """A step of one optimiser, a game with its film, and a model of another protocol, stopped as Ctrl-C stops them."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    whole = train(short, budget="smoke", device="cpu").state_dict()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    train(short, budget="smoke", device="cpu", report=stop_after_one)
    goes_on_to(whole, short)


def test_a_shipped_model_is_what_its_recipe_builds():
    """Class and constructor's arguments; where they differ, the recipe is not how the shipped model was made."""
    for name in recipes.RECIPES:
        recipe = recipes.RECIPES[name]
        if name in checkpoints.names() and recipe.start is None:
            about = checkpoints.describe(name)
            model = recipe.build()
            twin = checkpoints.load(name)
            assert type(model) is type(twin)
            shapes = {key: value.shape for key, value in model.state_dict().items()}
            shipped = {key: value.shape for key, value in twin.state_dict().items()}
            if recipe.finish is not None:  # it may leave parts out, such as a discriminator
                shapes = {key: shape for key, shape in shapes.items() if key in shipped}
            assert shapes == shipped, name
            assert about["epochs"] == recipe.epochs[2], name


def test_a_recipe_that_goes_on_from_a_model_begins_at_its_parameters():
    start = checkpoints.load("vae-mnist").state_dict()
    for name in ("iwae-mnist", "vae-mixture-mnist"):
        recipe = recipes.RECIPES[name]
        assert recipe.start == "vae-mnist"
        built = recipe.build(checkpoints.load(recipe.start)).state_dict()
        assert all(torch.equal(built[key], value) for key, value in start.items())


def test_a_renamed_parameter_is_not_silently_begun_at_random():
    from course_lib.training.recipes.latent import continued

    start = checkpoints.load("vae-mnist")
    state = start.state_dict()
    state["encoder.renamed"] = state.pop(next(iter(state)))

    class Renamed:
        def state_dict(self):
            return state

    with pytest.raises(ValueError, match=r"lacks parameters.*a parameter was renamed"):
        continued(Renamed())
    with pytest.raises(ValueError, match="expected to lack"):
        continued(start, {"prior.logits"})


def test_a_recipe_validated_goes_on_from_a_model_that_was_validated_too(monkeypatch):
    with pytest.raises(recipes.RecipeError, match="course train vae-mnist --budget full --validate"):
        recipes.run("iwae-mnist", budget="smoke", device="cpu", validate=True)


@pytest.mark.parametrize("name", ["fvsbn-mnist", "vae-mnist", "ae-mnist-16"])
def test_nothing_of_a_run_for_validation_is_made_from_other_digits_than_the_training_ones(name, monkeypatch):
    read = []

    def digits(split, drawn=None):
        read.append(split)
        return torch.rand(20, 1, 28, 28, generator=runtime.generator(0)), torch.zeros(20, dtype=torch.long)

    monkeypatch.setitem(loading._SOURCES, "mnist", (images.MNIST_SPLITS, digits))
    running._prepared(recipes.recipe(name).validating(), "smoke", torch.device("cpu"), False)
    assert set(read) == {"train"}
