"""Decimal numerals and Roman numerals, 1 … 3999: generated, not stored. One numeral is a row of symbols that ends with END."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime

LARGEST = 3999  # the largest number that the seven letters write in the usual way
DECIMAL, ROMAN = "0123456789", "IVXLCDM"
END = "."  # the last symbol of each target alphabet: a numeral says itself where it ends
LONGEST = {"decimal": 4, "roman": 15}  # symbols, without END: 3888 = MMMDCCCLXXXVIII
HELD_OUT = 800  # numbers that only test, drawn at random
_VALUES = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"),
    (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def to_roman(number: int) -> str:
    """The Roman numeral of a whole number from 1 to 3999."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST:
        raise ValueError(f"number is {number!r}; expected a whole number from 1 to {LARGEST}")
    written = ""
    for value, letters in _VALUES:
        count, number = divmod(number, value)
        written += count * letters
    return written


def alphabet(kind: str) -> str:
    """The symbols of "decimal" or "roman" numerals, END last: symbol i is alphabet(kind)[i]."""
    if kind not in LONGEST:
        raise ValueError(f"kind is {kind!r}; expected 'decimal' or 'roman'")
    return (DECIMAL if kind == "decimal" else ROMAN) + END


def encode(numerals: list[str], kind: str, *, end: bool) -> Tensor:
    """Numerals as rows of symbols (N, T), padded with −1; with END after each if `end`, T is one more than the longest."""
    letters, width = alphabet(kind), LONGEST[kind] + end
    rows = torch.full((len(numerals), width), -1)
    for row, numeral in zip(rows, numerals, strict=True):
        symbols = [letters.find(symbol) for symbol in numeral + END * end]
        if not numeral or len(symbols) > width or -1 in symbols or END in numeral:
            raise ValueError(f"{numeral!r} is no {kind} numeral: expected 1 to {LONGEST[kind]} of the symbols {letters[:-1]}")
        row[: len(symbols)] = torch.tensor(symbols)
    return rows


def decode(rows: Tensor, kind: str) -> list[str]:
    """The numerals that rows of symbols (N, T) stand for, without END and padding."""
    letters = alphabet(kind)
    return ["".join(letters[i] for i in row if i >= 0).partition(END)[0] for row in rows.tolist()]


def numbers(split: str) -> Tensor:
    """The numbers of "train" or "test", (N,): a random fifth of 1 … 3999 is held out, the same one always."""
    shuffled = 1 + torch.randperm(LARGEST, generator=runtime.generator(0))
    return (shuffled[HELD_OUT:] if split == "train" else shuffled[:HELD_OUT]).sort().values


def pairs(chosen: Tensor | list[int], *, to: str = "roman") -> tuple[Tensor, Tensor]:
    """Source (N, S) and target (N, T) of these numbers: decimal to Roman numerals, or to="decimal" the other way."""
    listed = torch.as_tensor(chosen).tolist()
    written = {"decimal": [str(number) for number in listed], "roman": [to_roman(number) for number in listed]}
    source = "decimal" if to == "roman" else "roman"
    return encode(written[source], source, end=False), encode(written[to], to, end=True)


def numerals(split: str) -> tuple[Tensor, Tensor]:
    """Decimal and Roman numeral side by side, (N, 4 + 16), and the numbers, (N): what `load("numerals")` gives."""
    chosen = numbers(split)
    return torch.cat(pairs(chosen), 1), chosen
