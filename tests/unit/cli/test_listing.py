"""The first line of a short answer comes before anything slow is imported, and the list says what the recipes say."""

import json
import subprocess
import sys

import pytest

from course_lib.cli import listing
from course_lib.training import checkpoints, studies
from course_lib.training.recipes import RECIPES

ASK = """
import os, sys

class Watched:  # standard output that ends the process at the first line, as soon as it is seen
    encoding = "utf-8"
    said = ""
    def write(self, text):
        self.said += text
        if "\\n" in self.said:
            slow = {"torch", "numpy", "matplotlib", "PIL", "nbformat", "IPython", "filelock", "psutil"} & set(sys.modules)
            os.write(2, f"{self.said.splitlines()[0]} | {sorted(slow)}".encode())
            os._exit(0)
    def flush(self):
        pass

sys.stdout = Watched()
from course_lib.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("asked", "first"),
    [("--help", "usage: course"), ("--version", "course 0"), ("list", "00  start_here"), ("doctor", "✓ Python")],
)
def test_the_first_line_needs_nothing_slow(asked, first, home):  # also not on a machine where nothing was asked before
    done = subprocess.run([sys.executable, "-c", ASK, asked], capture_output=True, encoding="utf-8", timeout=60)
    said, _, slow = done.stderr.partition(" | ")
    assert said.startswith(first)
    assert slow == "[]"


def test_the_second_list_needs_no_torch(home):
    listing.catalogue()  # the first list on a machine asks the recipes
    ask = "import sys; from course_lib.cli import main; main(['list']); assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, timeout=60)


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
