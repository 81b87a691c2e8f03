"""Every explorer: each control over its whole range, always a picture, the same one for the same values."""

import ast
from pathlib import Path

import numpy as np
import pytest
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


def test_every_explorer_is_in_the_table():
    listed = {name.partition("/")[0] for name in EXPLORERS}
    written = set()
    for path in Path(course_lib.explore.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None and ast.unparse(node.returns) == "Panel":
                written.add(f"{path.stem}.{node.name}")
    assert listed == written
