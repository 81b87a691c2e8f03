"""Modules in the folders of PYTHONPATH that hide a module of Python itself; looked for with nothing but os and sys."""

from __future__ import annotations

import os
import sys


def hidden() -> list[str]:
    """One line for each module of Python's own library of which a folder in PYTHONPATH has another one, with the fix."""
    lines = []
    for folder in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        try:
            files = sorted(os.listdir(folder))
        except OSError:  # not there, or not a folder: Python passes over it too
            continue
        for file in files:
            stem, ending = os.path.splitext(file)
            package = os.path.isfile(os.path.join(folder, file, "__init__.py"))
            if (ending == ".py" or package) and stem in sys.stdlib_module_names:
                lines.append(f"{os.path.join(folder, file)} hides Python's own module {stem}; fix: unset PYTHONPATH")
    return lines
