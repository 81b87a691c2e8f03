"""`course --help` and `course list` answer without torch, and the list says what the recipes say."""

import json
import subprocess
import sys

import pytest

from course_lib.cli import listing
from course_lib.training import checkpoints, studies
from course_lib.training.recipes import RECIPES

ASK = """
import contextlib, sys
from course_lib.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv[1:])
slow = {"torch", "nbformat", "matplotlib", "IPython"} & set(sys.modules)
assert not slow, slow
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("asked", ["--help", "--version", "list", "train --help"])
def test_answers_without_importing_torch(asked, home):
    listing.catalogue()  # the first list on a machine asks the recipes
    subprocess.run([sys.executable, "-c", ASK, *asked.split()], check=True, capture_output=True, timeout=60)


def test_the_list_names_every_model_and_study(home):
    lines = listing.text().splitlines()
    shipped = {line.split()[0] for line in lines if " shipped " in line and "not shipped" not in line}
    assert shipped == set(checkpoints.names())
    for name, recipe in RECIPES.items():
        if recipe.weights:
            assert any(line.split()[:1] == [name] and line.endswith(recipe.about) for line in lines), name
        if recipe.study and studies.path(recipe.study).is_file():
            kept = f"{len(studies.read(recipe.study))} of "
            assert any(line.startswith(f"    {recipe.study} ") and kept in line for line in lines)


def test_the_second_list_is_read_and_not_computed(home, monkeypatch):
    first = listing.catalogue()
    monkeypatch.setattr(listing, "_from_recipes", None)
    assert listing.catalogue() == first


def test_a_changed_library_is_asked_again(home, monkeypatch):
    listing.catalogue()
    monkeypatch.setattr(listing, "_sources", lambda: "other")
    monkeypatch.setattr(listing, "_from_recipes", lambda: {"data": ["new"], "models": [], "studies": []})
    assert listing.catalogue()["data"] == ["new"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"models": []}', "\x00"])
def test_a_damaged_file_is_written_anew(damage, home):
    home.mkdir()
    (home / "catalogue.json").write_text(damage, encoding="utf-8")
    assert [name for name, _ in listing.catalogue()["models"]] == [name for name, recipe in RECIPES.items() if recipe.weights]
    assert json.loads((home / "catalogue.json").read_text(encoding="utf-8"))["sources"]


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    assert listing.catalogue()["models"]
