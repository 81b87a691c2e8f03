"""Every recipe trains, stops, goes on as if it had never stopped, and gives a model that loads."""

from dataclasses import replace

import pytest
import torch

from course_lib.training import checkpoints, recipes, train

# the orders of one FVSBN differ in a list of numbers only, and its preparation takes seconds
DIFFERENT = [name for name in recipes.RECIPES if not name.startswith("fvsbn-mnist-")]


@pytest.fixture
def short(request, monkeypatch):
    """The recipe of this name, cut to two passes over a few examples."""
    name = request.param
    monkeypatch.setitem(recipes.RECIPES, name, replace(recipes.RECIPES[name], epochs=(2, 2, 2), examples=(8, 8, 8), batch_size=4))
    return name


def stop_after_one(history):
    if len(history) == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("short", DIFFERENT, indirect=True)
def test_every_recipe_resumes_where_it_stopped(short, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    whole = train(short, budget="smoke", device="cpu").state_dict()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    train(short, budget="smoke", device="cpu", report=stop_after_one)
    assert checkpoints.describe(short, checkpoints.own_dir())["epochs"] == 1
    resumed = train(short, budget="smoke", device="cpu").state_dict()
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)
    assert all(torch.isfinite(value).all() for value in whole.values())
