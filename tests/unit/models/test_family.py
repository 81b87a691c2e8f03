"""The family tree has every class of the models' files, each below its own base."""

import ast
from abc import abstractmethod
from pathlib import Path

import course_lib.models
from course_lib.models.family import family
from course_lib.models.protocols import GenerativeModel


def test_the_tree_is_the_class_tree():
    rows = family()
    assert rows[0] == (0, "GenerativeModel")
    above = {}
    path: list[str] = []
    for depth, names in rows:
        path = [*path[:depth], names]
        above |= dict.fromkeys(names.split(" · "), path[:-1])
    assert above["ExplicitModel"] == ["GenerativeModel"]
    assert above["NADE"] == ["GenerativeModel", "ExplicitModel", "AutoregressiveModel"]
    assert above["MarkovTable"][-1] == "BayesianNetwork"
    assert above["GaussianMixture"][-1] == "ExplicitModel"


def test_views_are_left_out_and_abstract_kinds_until_a_model_is_there(monkeypatch):
    named = {name for _, names in family() for name in names.split(" · ")}
    assert "GivenSource" not in named
    assert (1, "AdversarialModel") in family()
    assert (2, "GAN") in family()

    class Kind(GenerativeModel):
        @abstractmethod
        def measure(self): ...

    class Grid(Kind):
        sample = measure = None

    monkeypatch.setattr(Kind, "__module__", "course_lib.models.kind")
    assert "Kind" not in {name for _, names in family() for name in names.split(" · ")}  # a student's own model is not drawn
    monkeypatch.setattr(Grid, "__module__", "course_lib.models.energy.grid")
    assert (1, "Kind") in family()
    assert (2, "Grid") in family()


def test_no_model_is_missing_and_no_stranger_is_there():
    class Stranger(GenerativeModel):
        def sample(self, n, *, generator=None):
            raise AssertionError

    named = {name for _, names in family() for name in names.split(" · ")}
    assert Stranger.__name__ not in named
    known = {"GenerativeModel"}
    nodes = [
        node
        for path in Path(course_lib.models.__file__).parent.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    classes = [(node.name, {base.id for base in node.bases if isinstance(base, ast.Name)}) for node in nodes]
    views = {node.name for node in nodes if "is_view = True" in map(ast.unparse, node.body)}
    while grown := {name for name, bases in classes if bases & known} - known:
        known |= grown
    # no model of these kinds may be in the library yet
    abstract = {"EnergyModel", "AdversarialModel", "FlowModel", "DiffusionModel"} - named
    assert named == known - abstract - views
