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


def settings(folder: Path = SETTINGS, plugins: Sequence[str] = ("look",)) -> list[str]:
    """The options that give JupyterLab the settings in `folder` (overrides.json) and the course's plugins, by their folders."""
    paths = [f"--LabApp.extra_labextensions_path={SETTINGS / name}" for name in plugins]
    return [f"--LabApp.app_settings_dir={folder}", *paths]


def command(
    lesson: Lesson, extra: Sequence[str] = (), *, root: Path = ROOT, more: Sequence[str] | None = None, way: str = "lab"
) -> list[str]:
    """The command line that opens a lesson.

    Args:
        extra: further options of JupyterLab, such as --no-browser.
        root: the folder that JupyterLab shows. more: its settings, by default those of the course.
        way: "lab", or "doc" for a page with this notebook alone.
    """
    page = f"/{way}/tree/{lesson.path.resolve().relative_to(root.resolve()).as_posix()}"
    place = ["--ServerApp.root_dir", str(root), "--ServerApp.ip", "127.0.0.1", "--LabApp.default_url", page]
    given = settings() if more is None else more
    return [sys.executable, "-m", "jupyterlab", *place, *given, *(option for option in extra if option != "--")]


def open_lab(lesson: Lesson, extra: Sequence[str] = ()) -> int:
    """Open a lesson and wait until JupyterLab ends; return its exit code."""
    return wait(command(lesson, extra))


def wait(words: Sequence[str]) -> int:
    """Run JupyterLab by this command line until it ends; return its exit code.

    Ctrl-C in a terminal reaches JupyterLab itself, which asks before it closes. Any other end of this command ends JupyterLab.
    """
    process = subprocess.Popen(words, env=children.environment())
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        children.end(process.pid)
