"""The rows of the scoreboard as lines to read: one per model, and one more for each further reading; with the columns' names."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from course_lib.training.scores.papers import PUBLISHED

BITS = 784 * math.log(2)  # nats per digit in one bit per dimension
SIGNS = {"exact": "=", "bound": "≤", "estimate": "≈", "cannot": "–"}


@dataclass(frozen=True)
class Column:
    """A number of the table. label: its heading. best: "low" or "high". log: drawn on a log axis. digits: after the point."""

    label: str
    best: str = "low"
    log: bool = False
    digits: int = 2


COLUMNS: dict[str, Column] = {
    "nats": Column("nats, binary"),
    "bits": Column("bits/dim, grey", digits=3),
    "fid_grey": Column("FID, grey", log=True, digits=1),
    "fid_binary": Column("FID, binary", log=True, digits=1),
    "precision": Column("precision", "high"),
    "recall": Column("recall", "high"),
    "seconds": Column("s for 64", log=True),
    "parameters": Column("parameters", log=True, digits=0),
    "minutes": Column("training, min", log=True, digits=0),
}


@dataclass(frozen=True, eq=False)
class Line:
    """One line. values, errors: by the names of COLUMNS; what is not there was not measured. kind: of nats and bits.

    name: of the model. how: which further reading, "" for the main one. digits: as `pictures.packed` wrote them, or "".
    """

    name: str
    how: str
    family: str
    pixels: str
    kind: str
    values: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    digits: str = ""

    @property
    def title(self) -> str:
        """The name, with the words of a further reading."""
        return f"{self.name} · {self.how}" if self.how else self.name


def lines(rows: dict[str, dict[str, Any]], *, every: bool = False) -> list[Line]:
    """The lines of a table's rows, in their order. every: also the second readings (ELBO, reverse, random orders, one step)."""
    found = []
    for name, row in rows.items():
        if "draws" not in row:  # a model whose only measurement failed
            continue
        readings, draws = row["nats"], row["draws"]
        found.append(_line(name, "", row, readings[:1], draws[:1]))
        if every:
            found += [_line(name, reading["how"], row, [reading], []) for reading in readings[1:]]
            found += [_line(name, draw["how"], row, [], [draw]) for draw in draws[1:]]
    return found


def _line(name: str, how: str, row: dict[str, Any], readings: list[dict[str, Any]], draws: list[dict[str, Any]]) -> Line:
    values, errors = {}, {}
    for reading in readings:
        column, scale = ("nats", 1.0) if row["pixels"] == "binary" else ("bits", BITS)
        values[column], errors[column] = reading["nats"] / scale, reading["standard_error"] / scale
    for draw in draws:
        for key, column in (("fid", f"fid_{draw['pixels']}"), ("precision", "precision"), ("recall", "recall")):
            values[column], errors[column] = draw[key], draw[f"{key}_error"]
        if draw["seconds"] is not None:
            values["seconds"] = draw["seconds"]
    words: dict[str, str] = {"about": row["about"], "how": (readings or draws or [{"how": ""}])[0]["how"]}
    if not how:
        if row["parameters"]:
            values["parameters"] = row["parameters"]
        if row["training_seconds"]:
            values["minutes"] = row["training_seconds"] / 60
            words["device"] = row["training_device"] or "not recorded"
        words |= _of_paper(name)
    kind = readings[0]["kind"] if readings else ("cannot" if not how else "")
    digits = draws[0]["digits"] if draws else ""
    return Line(name, how, row["family"], row["pixels"], kind, values, errors, words | _why_not(row, readings), digits)


def _of_paper(name: str) -> dict[str, str]:
    said = PUBLISHED.get(name)
    if said is None:
        return {}
    return {"paper": f"{SIGNS[said.kind]} {said.value:.2f} {said.unit}", "source": said.source, "why": said.why}


def _why_not(row: dict[str, Any], readings: list[dict[str, Any]]) -> dict[str, str]:
    return {"why_not": row["why_not"]} if "why_not" in row and not readings else {}


def text(line: Line, column: str) -> str:
    """A number as the table prints it: nats and bits behind the sign of their kind (= exact, ≤ bound, ≈ estimate)."""
    if column not in line.values:
        return ""
    value, said = line.values[column], COLUMNS[column]
    if column == "parameters":
        return f"{value / 1e6:.2f} M" if value >= 1e5 else f"{value / 1e3:.0f} k"
    if column == "seconds":
        return f"{value:.2g}"
    error = f" ± {line.errors[column]:.{said.digits}f}" if column in ("nats", "bits", "fid_grey", "fid_binary") else ""
    sign = f"{SIGNS[line.kind]} " if column in ("nats", "bits") else ""
    return f"{sign}{value:.{said.digits}f}{error}"


def ordered(some: list[Line], column: str, *, worst_first: bool = False) -> list[Line]:
    """The lines sorted by a column, the best first; those without a number come last, in their old order."""
    sign = -1 if (COLUMNS[column].best == "high") != worst_first else 1
    with_number = sorted((line for line in some if column in line.values), key=lambda line: sign * line.values[column])
    return with_number + [line for line in some if column not in line.values]
