"""Arguments that are rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from course_lib.models.inputs import check_list, check_number


def numbers(values: Iterable[float], name: str) -> list[float]:
    """values as floats, if they are a list, a tuple or an array of finite numbers; the message calls them `name`."""
    return [check_number(value, f"one of {name}") for value in check_list(values, name, "numbers")]


def rows_of_numbers(rows: Iterable[Iterable[float]], name: str) -> list[list[float]]:
    """rows as lists of floats, all of one length of at least 1; otherwise ValueError, which calls them `name`."""
    found = [numbers(row, name) for row in check_list(rows, name, "rows of numbers")]
    if not found or not found[0] or any(len(row) != len(found[0]) for row in found):
        raise ValueError(f"{name} has rows of {_lengths(found)} numbers; expected rows of one length, at least 1")
    return found


def _lengths(rows: Sequence[Sequence[Any]]) -> str:
    return ", ".join(map(str, sorted({len(row) for row in rows}))) or "no"
