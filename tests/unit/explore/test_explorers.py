"""Every explorer: each control over its whole range, always a picture, the same one for the same values, and no global trace."""

import ast
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from explorers import EXPLORERS
from matplotlib.figure import Figure
from PIL import Image

import course_lib.explore


@pytest.mark.parametrize("name", sorted(EXPLORERS))
def test_every_value_of_every_control_gives_a_picture(name):
    panel = EXPLORERS[name]()
    assert panel.title.strip()
    assert panel.alt.strip()
    first = panel.render(**panel.values)
    bare = np.ndim(first) if isinstance(first, np.ndarray) else type(first)
    for values in panel.sweep():
        picture = panel.render(**values)
        if isinstance(first, Figure):
            assert picture is first, f"the figure was made anew for {values}"
        else:
            assert isinstance(picture, (np.ndarray, Image.Image))
            assert (np.ndim(picture) if isinstance(picture, np.ndarray) else type(picture)) == bare
        png, (width, height) = panel.encode(picture)
        assert png.startswith(b"\x89PNG")
        assert 50 <= width <= 1400
        assert 50 <= height <= 1200


@pytest.mark.parametrize("name", sorted(EXPLORERS))
def test_the_same_values_give_the_same_still(name):
    panel = EXPLORERS[name]()
    settings = list(panel.sweep())
    there, elsewhere = settings[0], settings[-1]
    before = panel.encode(panel.render(**there))
    panel.render(**elsewhere)  # what a control did before must leave nothing behind
    assert panel.encode(panel.render(**there)) == before
    assert EXPLORERS[name]()._repr_mimebundle_()[0]["image/png"] == panel._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize("name", sorted(EXPLORERS))
def test_no_global_generator_moves(name):
    """Building an explorer, drawing and moving its controls leave the generators of Python, NumPy and torch alone."""
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    panel = EXPLORERS[name]()
    panel.render(**list(panel.sweep())[-1])
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


def _written():
    """(family.file.function, its definition) of every function of the library that returns a panel."""
    for path in Path(course_lib.explore.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None and ast.unparse(node.returns) == "Panel":
                yield f"{path.parent.name}.{path.stem}.{node.name}", node


def test_every_explorer_is_in_the_table():
    assert {name.partition("/")[0] for name in EXPLORERS} == {name for name, _ in _written()}


def test_every_explorer_takes_its_models_and_data_to_the_cpu():
    """The outermost decorator copies every argument to the CPU (see kit/test_entry.py)."""
    assert {
        name for name, node in _written() if not node.decorator_list or ast.unparse(node.decorator_list[0]) != "explorer"
    } == set()


def test_explorers_share_through_the_kit_alone():
    """No explorer imports from the explorer of another family, nor the kit from a family."""
    for path in Path(course_lib.explore.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("course_lib.explore."):
                assert module.split(".")[2] in ("kit", path.parent.name), f"{path} imports {module}"
