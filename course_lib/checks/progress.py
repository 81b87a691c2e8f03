"""The student's own progress: which exercises were tried and solved, in the user's own folder, never in the clone."""

from __future__ import annotations

import datetime
import html
import importlib
import json
import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_lib import checks, files, runtime
from course_lib.checks.verdict import printable

_WAIT = 5.0  # seconds for another lesson to finish writing


def file() -> Path:
    """Where progress is kept."""
    return runtime.user_dir() / "progress.json"


def read() -> tuple[dict[str, Any], str]:
    """What is kept, {"exercises": {"07.1": {"status": …, "when": …}}}, and a note for the reader if the file was damaged.

    A damaged file is renamed, never overwritten.
    """
    path = file()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if all(entry["status"] in ("right", "wrong") for entry in kept["exercises"].values()):
            return kept, ""
    except FileNotFoundError:
        return {"exercises": {}}, ""
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    aside = next(p for i in range(1, 10_000) if not (p := path.with_name(f"progress.damaged-{i}.json")).exists())
    os.replace(path, aside)
    return {"exercises": {}}, f"the file of your progress was damaged; it is set aside as {aside.name}, and a new one begins"


def keep(exercise: str, status: str) -> str:
    """Add an outcome, "right" or "wrong", to the file. What was solved once stays solved.

    Several lessons may write at the same time: a lock lets one write after the other. The system releases the lock when its
    kernel ends, so a lock file that a dead kernel left behind holds nobody up.

    Returns a note for the reader when something went wrong, otherwise "". Never raises.
    """
    try:
        with FileLock(runtime.make_user_dir() / ".progress.lock", timeout=_WAIT):
            kept, note = read()
            if kept["exercises"].get(exercise, {}).get("status") != "right":
                now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
                kept["exercises"][exercise] = {"status": status, "when": now}
                with files.whole_file(file()) as temporary:
                    temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return note
    except Timeout:
        return f"your progress could not be kept: another lesson has been writing for {_WAIT:g} seconds; run this cell again"
    except (OSError, NotImplementedError) as error:  # the latter where a network folder knows no locks
        return f"your progress could not be kept: {error}"


def declared() -> dict[str, dict[str, str]]:
    """The exercises there are: lesson number -> {"07.1": "a few words"}, from EXERCISES in each checks/lesson_NN.py."""
    lessons = sorted(m.name for m in pkgutil.iter_modules(checks.__path__) if m.name.startswith("lesson_"))
    return {
        name.removeprefix("lesson_"): dict(importlib.import_module(f"{checks.__name__}.{name}").EXERCISES) for name in lessons
    }


@dataclass(frozen=True, repr=False)
class Progress:
    """exercises: lesson -> {id: a few words}, as declared; status: id -> "right" or "wrong" for those tried."""

    exercises: dict[str, dict[str, str]]
    status: dict[str, str]
    note: str = ""

    def solved(self, lesson: str) -> int:
        """How many exercises of a lesson, such as "07", are solved."""
        return sum(self.status.get(exercise) == "right" for exercise in self.exercises.get(lesson, {}))

    def line(self, lesson: str) -> str:
        """How many exercises of a lesson are solved, in words: "2 of 4"."""
        return f"{self.solved(lesson)} of {len(self.exercises.get(lesson, {}))}"

    def __str__(self) -> str:
        lines = [f"lesson {lesson}: {self.line(lesson)} solved" for lesson in self.exercises]
        return printable("\n".join([*lines, *([self.note] if self.note else [])]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(self._row(lesson) for lesson in self.exercises)
        note = f"<p><i>{html.escape(self.note)}</i></p>" if self.note else ""
        head = "<tr><th>lesson</th><th>solved</th><th style='text-align:left'>exercises</th></tr>"
        return f"<table>{head}{rows}</table>{note}"

    def _row(self, lesson: str) -> str:
        signs = {"right": "✓", "wrong": "✗"}
        items = self.exercises[lesson].items()
        marks = [f"{signs.get(self.status.get(key, ''), '○')}&nbsp;{html.escape(words)}" for key, words in items]
        cells = f"<td>{lesson}</td><td>{self.line(lesson)}</td><td style='text-align:left'>{' &nbsp; '.join(marks)}</td>"
        return f"<tr>{cells}</tr>"


def progress() -> Progress:
    """What the student has solved, lesson by lesson; as the last line of a cell it shows a table."""
    try:
        kept, note = read()
    except OSError as error:
        kept, note = {"exercises": {}}, f"your progress could not be read: {error}"
    return Progress(declared(), {key: entry["status"] for key, entry in kept["exercises"].items()}, note)
