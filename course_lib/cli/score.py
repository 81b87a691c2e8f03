"""`course score`: the scoreboard's table made again from the shipped weights, or checked against a new measurement."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib import runtime
from course_lib.cli.asked import AskedWrongly, Failed, checked
from course_lib.cli.lessons import UnknownName
from course_lib.training import studies
from course_lib.training.scores import kinds, table


def score(
    names: Sequence[str] = (), *, budget: str, device: str | None = None, out: Path | None = None,
    only_changed: bool = False, check: bool = False,
) -> int:  # fmt: skip
    """Measure the scored models and write the table after each; return 0 when all went well, else 1.

    names: models to measure anew, beside the rows that are there; none measures all. out: a file to write instead of
    data/studies/scoreboard.json. only_changed: the models whose weights have changed, or that have no row yet. check: write
    nothing, and compare with the table that is there. Raises UnknownName for a model that the table cannot hold.
    """
    known, path = kinds.scored(), out or studies.path(table.STUDY)
    for name in names:
        if name not in known:
            raise UnknownName("model of digits", name, known)
    if not check:
        _refuse_what_cannot_be_written(path)
    old = table.read(path) if path.is_file() else {"rows": {}}
    if check and not old["rows"]:
        raise Failed(f"there is no table at {path} to compare with; fix: course score, without --check")
    todo = list(names) or (table.changed(old["rows"]) if only_changed else known)
    where, every = checked(runtime.device, device), not names and not only_changed
    real = every or not any(name.startswith(table.REAL) for name in old["rows"])
    progress = _Progress()
    about = old["about"] if old["rows"] and not every else table.about(budget, where)
    if check:
        return _compare(old["rows"], todo, budget, where, progress)
    rows, kept = old["rows"], set()
    try:
        for rows in table.measure(todo, budget=budget, device=where, old=rows, real=real, report=progress):  # noqa: B020
            table.write({"about": about, "rows": rows}, out)
            kept = set(progress.done)
    except KeyboardInterrupt:
        left = [name for name in todo if name not in kept]
        print(
            f"{len(todo) - len(left)} of {len(todo)} models measured and kept in {path}. To go on: {_command(left, budget, out)}"
        )
        raise
    failed = [name for name in todo if "failed" in rows[name]]
    print(f"{len(todo) - len(failed)} of {len(todo)} models measured: {path}")
    return 1 if failed else 0


def _refuse_what_cannot_be_written(path: Path) -> None:
    """Raise AskedWrongly where the table could not be kept, before minutes are spent on measuring."""
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if (path.exists() and not path.is_file()) or not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise AskedWrongly(
            f"--out {path} cannot be written as a file; expected a file in a folder of yours: --out scoreboard.json"
        )


def _command(names: Sequence[str], budget: str, out: Path | None) -> str:
    """What the user types to measure these models beside the rows that are there."""
    return " ".join(["course score --budget", budget, *(["--out", shlex.quote(str(out))] if out else []), *names])


def _compare(saved: table.Rows, todo: list[str], budget: str, where: Any, progress: _Progress) -> int:
    """Measure again and print what differs by more than three standard errors; 1 where anything does."""
    again: table.Rows = {}
    for again in table.measure(todo, budget=budget, device=where, real=False, report=progress):  # noqa: B007
        pass
    bad = 0
    for name in todo:
        said = [again[name]["failed"]] if "failed" in again[name] else []
        if name in saved and not said:
            said = table.differences(saved[name], again[name])
        for line in said if name in saved else ["there is no row of it; fix: course score --changed"]:
            print(f"{name}: {line}")
            bad += 1
    print(f"{len(todo)} models compared, {bad} differences of more than {table.TOLERANCE:g} standard errors")
    return 1 if bad else 0


class _Progress:
    """Prints one line for each model: what was found, how long it took, and about how long the rest will take."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.done: set[str] = set()

    def __call__(self, name: str, row: dict[str, Any], done: int, total: int) -> None:
        now = time.perf_counter()
        self.done.add(name)
        left = (now - self.began) / done * (total - done)
        print(
            f"{done:3}/{total}  {name:28} {summary(row)}  {now - self.last:.1f} s  (about {left / 60:.0f} min left)", flush=True
        )
        self.last = now


def summary(row: dict[str, Any]) -> str:
    """The main numbers of a row in one line."""
    if "failed" in row:
        return f"FAILED: {row['failed']}"
    parts = [f"{reading['nats']:.2f} ± {reading['standard_error']:.2f} nats ({reading['kind']})" for reading in row["nats"][:1]]
    parts += [f"FID {draw['fid']:.1f} ± {draw['fid_error']:.1f} ({draw['pixels']})" for draw in row["draws"][:1]]
    return "  ".join(parts)
