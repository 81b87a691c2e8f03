"""`course lab`: JupyterLab at a lesson, on this machine only, its token kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from course_lib.cli.lessons import ROOT, Lesson


def command(lesson: Lesson, extra: Sequence[str] = ()) -> list[str]:
    """The command line that opens a lesson; `extra` are further options of JupyterLab, such as --no-browser."""
    page = f"/lab/tree/{lesson.path.resolve().relative_to(ROOT).as_posix()}"
    place = ["--ServerApp.root_dir", str(ROOT), "--ServerApp.ip", "127.0.0.1", "--LabApp.default_url", page]
    return [sys.executable, "-m", "jupyterlab", *place, *(option for option in extra if option != "--")]


def open_lab(lesson: Lesson, extra: Sequence[str] = ()) -> int:
    """Open a lesson and stay until JupyterLab is stopped; return its exit code."""
    return subprocess.run(command(lesson, extra), check=False).returncode
