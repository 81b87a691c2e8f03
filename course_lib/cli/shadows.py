"""Modules in the folders of PYTHONPATH that hide a module of Python itself; looked for with nothing but os and sys."""

from __future__ import annotations

import os
import sys


def hidden() -> list[str]:
    """One line for each module of Python's own library of which a folder in PYTHONPATH has another one, with the fix."""
    return [
        f"{os.path.join(folder, file)} hides Python's own module {os.path.splitext(file)[0]}; fix: unset PYTHONPATH"
        for folder in _folders()
        for file in _hiding(folder)
    ]


def leave_out() -> list[str]:
    """The lines of `hidden`, and from now on this process and its children pass over the folders that they name."""
    lines = hidden()
    if lines:
        hiding = {folder for folder in _folders() if _hiding(folder)}
        os.environ["PYTHONPATH"] = os.pathsep.join(folder for folder in _folders() if folder not in hiding)
        absolute = {os.path.abspath(folder) for folder in hiding}
        sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) not in absolute]
    return lines


def _folders() -> list[str]:
    """The folders in PYTHONPATH, without the one of Python's own library, whose modules hide nothing."""
    own = os.path.realpath(os.path.dirname(os.__file__))
    return [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder and os.path.realpath(folder) != own]


def _hiding(folder: str) -> list[str]:
    """The files and folders in this folder that Python takes for a module which it has itself."""
    try:
        files = sorted(os.listdir(folder))
    except OSError:  # not there, or not a folder: Python passes over it too
        return []
    return [file for file in files if os.path.splitext(file)[0] in sys.stdlib_module_names and _is_module(folder, file)]


def _is_module(folder: str, file: str) -> bool:
    return file.endswith(".py") or os.path.isfile(os.path.join(folder, file, "__init__.py"))
