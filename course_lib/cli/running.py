"""`course run`: lessons from top to bottom, several at a time, and a report that says what failed and where."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from course_lib import machine, settings
from course_lib.cli import executed
from course_lib.cli.asked import AskedWrongly
from course_lib.cli.children import Children, environment
from course_lib.cli.lessons import Lesson


@dataclass(frozen=True)
class Outcome:
    """How a lesson ended: seconds, what went wrong (None when nothing did), and what else the reader should know."""

    lesson: Lesson
    seconds: float
    trouble: str | None = None
    note: str | None = None


def run(chosen: Sequence[Lesson], *, budget: str, out: Path, jobs: int = 1) -> int:
    """Run lessons in a budget, `jobs` at a time, into the folder `out` (made when needed). Return 0 if all ended well, else 1.

    Raises AskedWrongly, before anything is run, when an executed lesson would replace the lesson itself or when `out` cannot be
    a folder. Whatever ends the command ends the lessons that are running.
    """
    if jobs < 1:
        raise AskedWrongly(f"--jobs is {jobs}; expected 1 or more")
    if not chosen:
        raise AskedWrongly("there is no lesson to run")
    for lesson in chosen:
        refuse_to_replace(lesson, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AskedWrongly(
            f"--out {out} cannot be a folder ({error.strerror}); choose one that can be made and written"
        ) from error
    began = time.perf_counter()
    outcomes, children = [], Children()
    with (
        ThreadPoolExecutor(min(jobs, len(chosen))) as pool,
        tqdm(total=len(chosen), desc=f"lessons, budget {budget}", disable=_no_bar(), leave=False) as bar,
    ):
        waiting = [pool.submit(run_one, lesson, budget, out, jobs, children) for lesson in chosen]
        try:
            for done in as_completed(waiting):
                outcomes.append(done.result())
                bar.write(line(outcomes[-1]))
                bar.update()
        except BaseException:
            children.end()
            pool.shutdown(cancel_futures=True)
            raise
    failed = [outcome for outcome in outcomes if outcome.trouble]
    print(
        f"{len(outcomes) - len(failed)} passed, {len(failed)} failed in {time.perf_counter() - began:.0f} s; notebooks in {out}"
    )
    return 1 if failed else 0


def run_one(lesson: Lesson, budget: str, out: Path, jobs: int = 1, children: Children | None = None) -> Outcome:
    """Run one lesson by papermill, in a process and with a share of the cores of its own.

    The executed notebook is written aside, and takes its place in the folder `out` when papermill has ended, also when a cell
    failed. Until then the file that was there stays. Raises AskedWrongly when its place is the lesson itself.
    """
    refuse_to_replace(lesson, out)
    target = out / lesson.path.name
    aside = target.with_name(f".{os.getpid()}.{target.name}")
    began = time.perf_counter()
    trouble = note = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        ended = (children or Children()).run(_command(lesson, budget, aside), _environment(budget, jobs))
        if ended.returncode != 0:
            trouble = executed.trouble(aside, ended.stderr)
        if aside.is_file():
            note = executed.keep(aside, target, failed=trouble is not None)
    except OSError as error:
        trouble = f"{target} was not written: {error.strerror or error}"
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return Outcome(lesson, time.perf_counter() - began, trouble, note)


def refuse_to_replace(lesson: Lesson, out: Path) -> None:
    """Raise AskedWrongly when running this lesson into `out` would replace the lesson, by whatever spelling or link."""
    target = out / lesson.path.name
    if target.exists() and target.samefile(lesson.path):
        raise AskedWrongly(f"running {lesson} into {out} would replace the lesson itself; choose another folder: --out out")


def line(outcome: Outcome) -> str:
    """An outcome as a person reads it."""
    verdict = "ok    " if outcome.trouble is None else "FAILED"
    further = "".join(f"\n    {text}" for text in (outcome.trouble, outcome.note) if text)
    return f"{verdict} {outcome.lesson!s:28} {outcome.seconds:6.1f} s{further}"


def _command(lesson: Lesson, budget: str, target: Path) -> list[str]:
    """The command line of papermill, which reads braces in a path as a template unless they are doubled."""
    source, aside = (str(path).replace("{", "{{").replace("}", "}}") for path in (lesson.path, target))
    options = ["--no-progress-bar", "--kernel", "python3", "--language", "python", "--cwd", str(lesson.path.parent)]
    return [sys.executable, "-m", "papermill", source, aside, *options, "-p", "budget", budget]


def _environment(budget: str, jobs: int) -> dict[str, str]:
    """The lesson's environment: a share of the cores, and no progress bar, which would stay in the notebook's outputs."""
    given = environment()
    if not re.fullmatch(r"[1-9]\d*(,\d+)*", given.get("OMP_NUM_THREADS", "")):
        given["OMP_NUM_THREADS"] = str(max(1, machine.cores() // jobs))
    return {**given, "COURSE_BUDGET": budget, "COURSE_QUIET": "1"}


def _no_bar() -> bool:
    return settings.quiet() or sys.stderr is None or not sys.stderr.isatty()
