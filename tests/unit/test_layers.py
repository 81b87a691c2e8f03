"""The house's arrows point down: read from the imports of every file."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import course_lib

LIBRARY = Path(course_lib.__file__).parent
FILES = sorted(LIBRARY.rglob("*.py"))
# What stands on one line may not import each other; everything may import what stands on a line further down.
FLOORS = [
    {"cli"},
    {"explore", "checks"},
    {"training"},
    {"plots", "metrics"},
    {"models"},
    {"nn", "distributions", "datasets"},
    {"runtime"},
    {"settings"},
    {"machine", "files"},
]
LEVEL = {room: height for height, floor in enumerate(reversed(FLOORS)) for room in floor}
BARE = {"torch", "numpy", "safetensors", "tqdm", "filelock"}  # all there is on a machine that only trains
DRAWING, WIDGETS = {"matplotlib"}, {"ipywidgets", "anywidget", "traitlets"}
BARE_ROOMS = {"machine", "files", "settings", "runtime", "nn", "distributions", "datasets", "models", "training", "metrics"}


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports(source: str) -> Iterator[str]:
    """Every module that a source imports, wherever in the file: "course_lib.nn", "torch", …"""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def faults(room: str, source: str) -> list[str]:
    """What a file of this room imports and must not."""
    found = []
    for name in imports(source):
        top, _, rest = name.partition(".")
        if top == "course_lib":
            other = rest.split(".")[0]
            if other in LEVEL and other != room and LEVEL[other] >= LEVEL[room]:
                found.append(f"{room} imports {name}, which is not below it")
        elif top in DRAWING and room not in ("plots", "explore"):
            found.append(f"{room} imports {name}; only plots and explore draw")
        elif top in WIDGETS and room != "explore":
            found.append(f"{room} imports {name}; only explore has widgets")
        elif room in BARE_ROOMS and top not in BARE | set(sys.stdlib_module_names):
            found.append(f"{room} imports {name}, which a machine that only trains does not have")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_arrows_point_down(path):
    if path.parent == LIBRARY and path.name == "__init__.py":
        assert not list(imports(path.read_text(encoding="utf-8"))), "the library's own __init__ imports nothing"
        return
    assert room_of(path) in LEVEL, "this room is not in the plan of the house"
    assert not faults(room_of(path), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("nn", "from course_lib.models import NADE"),
        ("nn", "from course_lib import datasets"),
        ("metrics", "import course_lib.plots"),
        ("metrics", "from course_lib.training import fit"),
        ("training", "def f():\n    import course_lib.explore.kit.panel"),
        ("checks", "from course_lib.explore.kit.panel import Panel"),
        ("models", "import matplotlib.pyplot as plt"),
        ("plots", "from ipywidgets import Image"),
        ("training", "from PIL import Image"),
    ],
)
def test_an_arrow_that_points_up_is_seen(room, source):
    assert len(faults(room, source)) == 1


def test_files_stay_short_enough_to_read():
    lengths = {str(path.relative_to(LIBRARY)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > 300}, "split what is too long to read in one go"
