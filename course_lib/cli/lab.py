"""`course lab`: JupyterLab opened at a lesson, reachable from this machine only, with its token."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib.cli import children
from course_lib.cli.lessons import ROOT, Lesson

SETTINGS = Path(__file__).parent / "jupyterlab"  # without them JupyterLab covers the lesson with a question about news


def command(lesson: Lesson, extra: Sequence[str] = ()) -> list[str]:
    """The command line that opens a lesson; `extra` are further options of JupyterLab, such as --no-browser."""
    page = f"/lab/tree/{lesson.path.resolve().relative_to(ROOT).as_posix()}"
    settings = ["--LabApp.app_settings_dir", str(SETTINGS)]
    place = ["--ServerApp.root_dir", str(ROOT), "--ServerApp.ip", "127.0.0.1", "--LabApp.default_url", page]
    return [sys.executable, "-m", "jupyterlab", *place, *settings, *(option for option in extra if option != "--")]


def open_lab(lesson: Lesson, extra: Sequence[str] = ()) -> int:
    """Open a lesson and wait until JupyterLab ends; return its exit code.

    Ctrl-C in a terminal reaches JupyterLab itself, which asks before it closes. Any other end of this command ends JupyterLab.
    """
    process = subprocess.Popen(command(lesson, extra), env=children.environment())
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        children.end(process.pid)
