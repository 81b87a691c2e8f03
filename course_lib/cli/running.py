"""`course run`: lessons from top to bottom, several at a time, and a report that says what failed and where."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from course_lib import runtime
from course_lib.cli.lessons import Lesson

ADDED = {"papermill-error-cell-tag", "injected-parameters"}  # tags of cells that papermill puts in


@dataclass(frozen=True)
class Outcome:
    """How a lesson ended: seconds, and what went wrong (None when nothing did)."""

    lesson: Lesson
    seconds: float
    trouble: str | None = None


def run(chosen: Sequence[Lesson], *, budget: str, out: Path, jobs: int = 1) -> int:
    """Run lessons in a budget, `jobs` at a time, into the folder `out` (made when needed). Return 0 if all ended well, else 1."""
    if jobs < 1:
        raise ValueError(f"--jobs is {jobs}; expected 1 or more")
    if not chosen:
        raise ValueError("there is no lesson to run")
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    outcomes = []
    with (
        ThreadPoolExecutor(min(jobs, len(chosen))) as pool,
        tqdm(total=len(chosen), desc=f"lessons, budget {budget}", disable=runtime.quiet(), leave=False) as bar,
    ):
        waiting = [pool.submit(run_one, lesson, budget, out, jobs) for lesson in chosen]
        try:
            for done in as_completed(waiting):
                outcomes.append(done.result())
                bar.write(line(outcomes[-1]))
                bar.update()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    failed = [outcome for outcome in outcomes if outcome.trouble]
    print(
        f"{len(outcomes) - len(failed)} passed, {len(failed)} failed in {time.perf_counter() - began:.0f} s; notebooks in {out}"
    )
    return 1 if failed else 0


def run_one(lesson: Lesson, budget: str, out: Path, jobs: int = 1) -> Outcome:
    """Run one lesson by papermill, in a process and with a share of the cores of its own."""
    target = out / lesson.path.name
    target.unlink(missing_ok=True)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, "COURSE_BUDGET": budget}
    command = [sys.executable, "-m", "papermill", str(lesson.path), str(target), "--no-progress-bar"]
    command += ["--kernel", "python3", "--language", "python", "--cwd", str(lesson.path.parent), "-p", "budget", budget]
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - began
    return Outcome(lesson, seconds, None if ended.returncode == 0 else where_it_failed(target, ended.stderr))


def where_it_failed(executed: Path, stderr: str) -> str:
    """The failing cell (counted as in the lesson), its first lines and its error; the last of stderr when no cell failed."""
    cells = nbformat.read(executed, as_version=4).cells if executed.is_file() else []
    own = [cell for cell in cells if ADDED.isdisjoint(cell.metadata.get("tags", []))]
    for number, cell in enumerate(own, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                source = "\n".join(f"        {text}" for text in cell.source.splitlines()[:5])
                return f"cell {number} raised {output.ename}: {output.evalue}\n{source}"
    return (stderr.strip().splitlines() or ["papermill stopped without a word"])[-1]


def line(outcome: Outcome) -> str:
    """An outcome as a person reads it."""
    verdict = "ok    " if outcome.trouble is None else "FAILED"
    return f"{verdict} {outcome.lesson!s:28} {outcome.seconds:6.1f} s" + (f"\n    {outcome.trouble}" if outcome.trouble else "")
