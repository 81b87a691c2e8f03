"""Every word of a recipe reaches the run: a setting changed alone changes what is trained, or what it is measured on."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.models.autoregressive import MADE, NADE
from course_lib.training import checkpoints, train
from course_lib.training.averaging import ExponentialAverage
from course_lib.training.measures import nats
from course_lib.training.optimisers import cosine
from course_lib.training.recipes import RECIPES, Gradient, Recipe, RecipeError, run
from course_lib.training.recipes.judges import JUDGES

SPLITS = {"train": 0.2, "validation": 0.5, "test": 0.8, "train+validation": 0.35}  # the mean of the bits in each split
READ = []


def coins(split):
    """Bits whose mean tells the split, so that a model trained or measured on the wrong one shows it."""
    READ.append(split)
    draw = torch.rand(96, 6, generator=runtime.generator(sorted(SPLITS).index(split)))
    return Data((draw < SPLITS[split]).float(), None, "coins", split)


def grey(split):
    drawn = coins(split)
    return drawn if split == "test" else replace(drawn, x=0.25 + drawn.x / 2, binarisation="resampled")


STEP = Gradient(lr=0.02)
BASE = Recipe(
    partial(MADE, event_shape=(6,), hidden=(8,)), "coins", (2, 2, 2), source=coins, step=STEP, measure=nats, examples=(96,) * 3,
    batch_size=32,
)  # fmt: skip
CHANGES = {
    "learning rate": {"step": replace(STEP, lr=0.03)},
    "optimiser": {"step": replace(STEP, optimiser="muon")},
    "clip": {"step": replace(STEP, clip=1e-3)},
    "weight decay": {"step": replace(STEP, weight_decay=0.5)},
    "schedule": {"step": replace(STEP, schedule=None)},
    "warm-up": {"step": replace(STEP, schedule=partial(cosine, warm_up=3))},
    "averaging": {"step": replace(STEP, averaging=ExponentialAverage(0.5))},
    "build": {"build": partial(MADE, event_shape=(6,), hidden=(8,), residual=True, direct=True)},
    "epochs": {"epochs": (3, 3, 3)},
    "examples": {"examples": (64, 64, 64)},
    "source": {"source": grey},
    "split": {"split": "train+validation"},
    "batch size": {"batch_size": 48},
    "precision": {"precision": "bfloat16"},
    "seed": {"seed": 1},
    "finish": {"finish": lambda model: model.requires_grad_(False) and model.apply(_halve)},
    "half": {"half": True},
}


@torch.no_grad()
def _halve(module):
    for parameter in module.parameters(recurse=False):
        parameter /= 2


def parameters(monkeypatch, recipe):
    monkeypatch.setitem(RECIPES, "coins", recipe)
    return torch.cat([value.flatten().float() for value in train("coins", budget="full", device="cpu").parameters()])


def test_the_same_recipe_gives_the_same_parameters(monkeypatch):
    assert torch.equal(parameters(monkeypatch, BASE), parameters(monkeypatch, BASE))


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_changed_alone_changes_what_is_trained(change, monkeypatch):
    one, other = parameters(monkeypatch, BASE), parameters(monkeypatch, replace(BASE, **CHANGES[change]))
    assert one.shape != other.shape or not torch.equal(one, other)


def test_labels_reach_the_step(monkeypatch):
    seen = []

    class Looking(NADE):
        def loss(self, x, *, generator=None):
            seen.append(type(x))
            return super().loss(x[0] if isinstance(x, tuple) else x)

    def labelled(split):
        return replace(coins(split), y=torch.arange(96))

    build = partial(Looking, event_shape=(6,), hidden=3)
    monkeypatch.setitem(RECIPES, "coins", replace(BASE, build=build, source=labelled, labels=True))
    run("coins", budget="smoke", device="cpu")
    assert set(seen) == {tuple}


def test_a_model_is_trained_on_its_training_split_and_measured_on_the_test_split(monkeypatch):
    monkeypatch.setitem(RECIPES, "coins", replace(BASE, epochs=(40, 40, 40)))
    READ.clear()
    model = train("coins", budget="full", device="cpu")
    assert READ == ["train", "test"]
    assert model.sample(2_000, generator=runtime.generator(0)).mean() == pytest.approx(SPLITS["train"], abs=0.06)
    found = checkpoints.describe("coins", checkpoints.own_dir())["metrics"]["test_nats"]
    assert found == pytest.approx(-model.log_prob(coins("test").x).mean().item(), abs=1e-3)
    assert abs(found + model.log_prob(coins("train").x).mean().item()) > 0.5


@pytest.mark.parametrize("split", ["train", "train+validation"])
def test_a_model_validated_never_sees_the_test_data_nor_trains_on_the_validation_data(split, monkeypatch):
    monkeypatch.setitem(RECIPES, "coins", replace(BASE, split=split, epochs=(40, 40, 40)))
    READ.clear()
    ended = run("coins", budget="full", device="cpu", validate=True)
    assert "test" not in READ
    assert set(READ) == {"train", "validation"}
    assert ended.model.sample(2_000, generator=runtime.generator(0)).mean() == pytest.approx(SPLITS["train"], abs=0.06)
    nats_there = -ended.model.log_prob(coins("validation").x).mean().item()
    assert ended.about["metrics"]["validation_nats"] == pytest.approx(nats_there, abs=1e-3)
    assert "test_nats" not in ended.about["metrics"]
    assert ended.about["split"] == "train"
    assert ended.path.name == "coins-validation.safetensors"
    assert not (checkpoints.own_dir() / "coins.json").exists()


def test_a_recipe_that_measures_on_what_it_trains_on_is_refused():
    for split in ("test", "train+test", "all"):
        with pytest.raises(ValueError, match="is not measured on what it saw"):
            replace(BASE, split=split)
    with pytest.raises(ValueError, match="is not measured on what it saw"):
        replace(BASE, measured="train")


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"precision is 'float16'; expected one of \('float32', 'bfloat16'\)"):
        replace(BASE, precision="float16")


def test_a_device_that_lacks_the_recipes_precision_is_named_with_the_fix(monkeypatch):
    monkeypatch.setitem(RECIPES, "coins", replace(BASE, precision="bfloat16"))
    monkeypatch.setattr(runtime, "bf16_supported", lambda device: False)
    with pytest.raises(RecipeError, match=r"cannot be trained on cpu.*--device cpu"):
        run("coins", budget="smoke", device="cpu")


IN_BFLOAT16 = {
    "nade-any-order-mnist", "diagonal-bilstm-mnist", "row-lstm-mnist", "pixelcnn-mnist", "char-lstm-novel",
    "char-transformer-novel", "vae-mnist", "vae-dense-mnist", "vae-mixture-mnist", "iwae-mnist",
    "hierarchical-vae-mnist", "vq-faces",
}  # fmt: skip


def test_the_precision_of_every_recipe_is_that_of_its_shipped_model():
    assert {name for name, recipe in RECIPES.items() if recipe.precision == "bfloat16"} == IN_BFLOAT16


FEW_LABELS = {"energy-mnist", "m2-mnist", "contrastive-mnist", "m1-m2-mnist"}  # their settings are judged by validation digits


def test_models_of_digits_train_on_all_60000_judges_on_the_training_split_and_nothing_trains_on_the_test_split():
    for name, recipe in RECIPES.items():
        if recipe.data == "mnist" and recipe.weights:
            apart = name in {*JUDGES, *FEW_LABELS} or (
                recipe.film and name != "mean-flow-mnist"
            )  # a film measures a training by validation digits
            assert recipe.split == ("train" if apart else "train+validation"), name
        assert recipe.measured == "test"
        assert recipe.measure is not None
