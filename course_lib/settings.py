"""What the environment of a process asks for: the budget, the folders, silence. It imports nothing but the standard library.

The commands that answer without torch need no more than this; everything else finds the same names in `runtime`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

BUDGETS = ("smoke", "lesson", "full")
MOST_THREADS = 1024  # with more, the system may refuse to start them, which ends the process without a word
T = TypeVar("T")


def budget(override: str | None = None) -> str:
    """How long things may run: "smoke" (seconds), "lesson" (a laptop), "full" (the shipped checkpoints)."""
    chosen = override or os.environ.get("COURSE_BUDGET") or "lesson"
    if chosen not in BUDGETS:
        raise ValueError(f"budget {chosen!r} is unknown; expected one of {', '.join(BUDGETS)}")
    return chosen


def by_budget(*, smoke: T, lesson: T, full: T, override: str | None = None) -> T:
    """The value for the present budget: `epochs = by_budget(smoke=1, lesson=10, full=100)`."""
    return {"smoke": smoke, "lesson": lesson, "full": full}[budget(override)]


def data_dir() -> Path:
    """The folder of data sets and checkpoints that travels with the clone."""
    return Path(os.environ.get("COURSE_DATA") or Path(__file__).resolve().parent.parent / "data")


def user_dir() -> Path:
    """The user's own folder, for progress and trained models; never in the clone. It need not exist: reading makes no folder.

    Raises FileNotFoundError where this user has no home folder and COURSE_HOME is not set.
    """
    named = os.environ.get("COURSE_HOME")
    try:
        return Path(named).expanduser() if named else Path.home() / ".deep-generative-models"
    except RuntimeError as error:
        raise FileNotFoundError(
            f"the folder for your own files is unknown ({error}); fix: set COURSE_HOME to a folder of yours"
        ) from error


def make_user_dir() -> Path:
    """The user's own folder, made where it does not exist: for those who write into it. Raises OSError where that fails."""
    folder = user_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def temporary_folder() -> str:
    """The folder for temporary files: the system's, or where that cannot be written, `tmp` in the user's own folder.

    The second is then that of torch, which trains nothing without one, and of all children of this process.
    Raises OSError where neither can be written.
    """
    import tempfile  # here, since it needs modules that a folder of PYTHONPATH may hide (cli/shadows)

    try:
        return tempfile.gettempdir()
    except OSError:
        folder = make_user_dir().absolute() / "tmp"
        folder.mkdir(exist_ok=True)
        os.environ["TMPDIR"] = str(folder)
        return tempfile.gettempdir()


def threads() -> int | None:
    """The number of CPU threads that COURSE_THREADS asks for; None where it is not set. ValueError where it is no such number."""
    asked = os.environ.get("COURSE_THREADS")
    if not asked:
        return None
    if not re.fullmatch(r"0*[1-9]\d{0,3}", asked, re.ASCII) or int(asked) > MOST_THREADS:
        raise ValueError(f"COURSE_THREADS is {asked!r}; expected a positive integer of at most {MOST_THREADS}")
    return int(asked)


def quiet() -> bool:
    """True when progress bars are to stay silent (COURSE_QUIET=1, as in the tests)."""
    return os.environ.get("COURSE_QUIET", "") not in ("", "0")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint "; did you mean 'nade-mnist'?" for the known name nearest to this one; an empty string when none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
