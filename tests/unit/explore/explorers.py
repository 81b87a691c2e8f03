"""Every explorer on small or untrained models: the tables of all families in one. New ones get a row in their table.py.

A key is "family.file.function", as in course_lib/explore/family/file.py; a second row of one function adds a slash and a word.
A row's builder takes nothing and imports what it needs itself, so that one broken family does not hide the others.
"""

import runpy
from collections.abc import Callable
from pathlib import Path

from course_lib.explore.kit.panel import Panel

EXPLORERS: dict[str, Callable[[], Panel]] = {
    f"{table.parent.name}.{name}": build
    for table in sorted(Path(__file__).parent.glob("*/table.py"))
    for name, build in runpy.run_path(str(table))["EXPLORERS"].items()
}
