"""The scoreboard's table: made anew from the shipped weights, row by row, kept in data/, and compared with a re-measurement."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib import files, runtime
from course_lib.files import DataFileError
from course_lib.training import checkpoints, studies
from course_lib.training.recipes.table import RECIPES
from course_lib.training.scores import kinds, measuring
from course_lib.training.scores.measuring import COLUMNS, REAL

STUDY = "scoreboard"  # data/studies/scoreboard.json
TOLERANCE = 3.0  # standard errors
INSIDE = {  # what each reading of -log p, and each way to draw, must say
    "nats": {"how", "kind", "nats", "standard_error", "n"},
    "draws": {"how", "pixels", "n", "seconds", *COLUMNS, *(f"{column}_error" for column in COLUMNS)},
}
Rows = dict[str, dict[str, Any]]
Report = Callable[[str, dict[str, Any], int, int], None]  # name, row, how many are done, of how many


def read(path: Path | None = None) -> dict[str, Any]:
    """{"about": how it was measured, "rows": name -> row} of the shipped table, or of another file.

    The rows are in the order of the course. What a row holds: `measuring.row_of`. A row whose last measurement failed keeps its
    older numbers, and says so under "failed". ValueError where there is no table, DataFileError where the file is damaged or is
    none of the scoreboard.
    """
    if path is not None and not path.is_file():
        raise ValueError(f"there is no scoreboard at {path}; fix: course score --out {path}")
    try:
        table = studies.read(STUDY) if path is None else json.loads(path.read_text(encoding="utf-8"))
        fault = _fault(table)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        fault = f"it is no JSON: {error}"
    if fault:
        fix = "`git checkout -- data/studies`" if path is None else "name another file, or move this one away"
        raise DataFileError(
            f"{path or studies.path(STUDY)} is damaged, or no scoreboard ({fault}); expected what course score writes; fix: {fix}"
        )
    return table


def _fault(table: Any) -> str:
    """What keeps some JSON from being a table of the scoreboard; "" where nothing does."""
    if not isinstance(table, dict) or not isinstance(table.get("rows"), dict) or not isinstance(table.get("about"), dict):
        return 'it is no object with "about" and "rows"'
    for name, row in table["rows"].items():
        if not isinstance(row, dict):
            return f"the row {name!r} is a {type(row).__name__}"
        for key, inside in INSIDE.items() if "failed" not in row else ():
            readings = row.get(key)
            if not isinstance(readings, list):
                return f"the row {name!r} lacks its list of {key}"
            if not all(isinstance(reading, dict) and inside <= reading.keys() for reading in readings):
                return f"{key} of the row {name!r} lack some of {', '.join(sorted(inside))}"
        if "failed" not in row and not {"parameters", "sha256"} <= row.keys():
            return f"the row {name!r} lacks its parameters or its sha256"
    return ""


def write(table: dict[str, Any], path: Path | None = None) -> Path:
    """Write the table whole or not at all: into data/, where its checksum is listed, or to another path."""
    target = path or studies.path(STUDY)
    with files.whole_file(target) as temporary:
        temporary.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")
    if path is None:
        studies.list_files([target.relative_to(runtime.data_dir()).as_posix()])
    return target


def changed(rows: Rows) -> list[str]:
    """The scored models that have no row, whose weights are others than when they were measured, or whose row failed."""
    names = kinds.scored()
    old = {name: row for name, row in rows.items() if "failed" not in row}
    return [name for name in names if old.get(name, {}).get("sha256") != checkpoints.describe(name)["sha256"]]


def measure(
    names: Sequence[str],
    *,
    budget: str,
    device: str | torch.device = "cpu",
    old: Rows | None = None,
    real: bool = True,
    report: Report | None = None,
) -> Iterator[Rows]:
    """Measure these models one after another; gives all rows after each of them, so that nothing is lost by a stop.

    old: rows that stay as they are where they are not measured anew. A model that raises an error keeps its old numbers, and
        says so under "failed". real: measure the rows of real digits, too, first.
    """
    counts, rows = measuring.BUDGETS[runtime.budget(budget)], dict(old or {})
    todo = [*([REAL] if real else []), *names]
    for done, name in enumerate(todo, 1):
        try:
            found = (
                measuring.rows_of_real_digits(counts)
                if name == REAL
                else {name: measuring.row_of(name, RECIPES[name], counts, device)}
            )
        except Exception as error:  # one model that fails must not lose the rows of the others
            found = {} if name == REAL else {name: {**rows.get(name, {}), "failed": f"{type(error).__name__}: {error}"}}
        rows |= {key: {**row, "budget": row.get("budget", budget)} for key, row in found.items()}
        if report:
            for key, row in found.items():
                report(key, row, done, len(todo))
        yield in_order(rows)


def in_order(rows: Rows) -> Rows:
    """Rows in the order of the course, real digits first; rows of models that are no longer shipped are left out."""
    here = set(checkpoints.names())
    names = [*(name for name in rows if name.startswith(REAL)), *(name for name in RECIPES if name in here and name in rows)]
    return {name: rows[name] for name in names}


def about(budget: str, device: str | torch.device) -> dict[str, Any]:
    """How a table is measured: counts, the judge and its checksum, machine and versions."""
    return {
        "budget": budget,
        "counts": measuring.asdict(measuring.BUDGETS[budget]),
        "judge": measuring.JUDGE,
        "judge_sha256": checkpoints.describe(measuring.JUDGE)["sha256"],
        "device": str(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "finished": time.strftime("%Y-%m-%d"),
    }


def differences(saved: dict[str, Any], again: dict[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """What differs by more than `tolerance` standard errors of the difference between a saved row and its re-measurement.

    Means of -log p are compared at any number of digits. Quality depends on the number of samples, and so it is compared at equal
    numbers only. Seconds depend on the machine and are not compared; parameters must be equal.
    """
    found = (
        [] if saved["parameters"] == again["parameters"] else [f"parameters: {saved['parameters']}, now {again['parameters']}"]
    )
    for old, new in _pairs(saved["nats"], again["nats"]):
        error = math.hypot(old["standard_error"], new["standard_error"])
        if abs(old["nats"] - new["nats"]) > tolerance * error:
            found.append(f"{old['how']}: {old['nats']:.2f} nats, now {new['nats']:.2f} ± {error:.2f}")
    for old, new in _pairs(saved["draws"], again["draws"]):
        for column in COLUMNS if old["n"] == new["n"] else ():
            error = math.hypot(old[f"{column}_error"], new[f"{column}_error"])
            if abs(old[column] - new[column]) > tolerance * max(error, 1e-3):
                found.append(f"{old['how']}, {column}: {old[column]:.3g}, now {new[column]:.3g} ± {error:.2g}")
    return found


def _pairs(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The readings that both lists have under the same words."""
    by_words = {reading["how"]: reading for reading in new}
    return ((reading, by_words[reading["how"]]) for reading in old if reading["how"] in by_words)
