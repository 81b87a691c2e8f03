"""`course present`: a lesson as slides in JupyterLab, with its explorers alive; the lesson's file is never written."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat

from course_lib.cli import lab
from course_lib.cli.lessons import Lesson
from course_lib.cli.release import student_copy

OVERRIDES = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every cell stays in the page
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


def present(lesson: Lesson, extra: Sequence[str] = ()) -> int:
    """Open a lesson as slides and wait until JupyterLab ends; return its exit code. `extra`: options of JupyterLab."""
    with stage(lesson) as folder:
        print("arrows or a clicker: move · N: notes for the speaker · Escape: leave the slides and come back")
        copy = dataclasses.replace(lesson, path=folder / "notebooks" / lesson.path.name)
        return lab.wait(lab.command(copy, extra, root=folder / "notebooks", more=options(folder), way="doc"))


@contextmanager
def stage(lesson: Lesson) -> Iterator[Path]:
    """A folder with copies of all lessons, this one without solutions, and with JupyterLab's settings; it goes in the end."""
    with tempfile.TemporaryDirectory(prefix="course-present-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        copies = folder / "notebooks"
        shutil.copytree(lesson.path.parent, copies, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        nbformat.write(student_copy(nbformat.read(lesson.path, as_version=4), notes=True), copies / lesson.path.name)
        (folder / "settings").mkdir()
        shown = json.loads((lab.SETTINGS / "overrides.json").read_text(encoding="utf-8")) | OVERRIDES
        (folder / "settings" / "overrides.json").write_text(json.dumps(shown), encoding="utf-8")
        yield folder


def options(folder: Path) -> list[str]:
    """What JupyterLab needs to hear of a stage: its settings, its plugin, and a workspace and user settings of its own."""
    return [
        *lab.settings(folder / "settings", ("look", "slides")),
        f"--LabApp.user_settings_dir={folder / 'user'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]
