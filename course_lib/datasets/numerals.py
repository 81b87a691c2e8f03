"""Decimal and Roman numerals, 1 … 3999: generated, not stored. A numeral to be written is a row of symbols that ends with END."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets.data import PARTS, check_split

SPLITS = (*PARTS, "train+validation")
LARGEST = 3999  # the largest number that the seven letters write in the usual way
DECIMAL, ROMAN = "0123456789", "IVXLCDM"
END = "."  # the last symbol of each alphabet: a model writes it where a numeral ends
LONGEST = {"decimal": 4, "roman": 15}  # symbols, without END: 3888 = MMMDCCCLXXXVIII
HELD_OUT, VALIDATION = 800, 400  # numbers in the test and validation splits, drawn at random with a fixed seed
_VALUES = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"),
    (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def to_roman(number: int) -> str:
    """The Roman numeral of an integer from 1 to 3999."""
    try:
        rest = runtime.check_index(number, "number", 1)
    except ValueError:
        rest = LARGEST + 1
    if rest > LARGEST:
        raise ValueError(f"number is {number!r}; expected an integer from 1 to {LARGEST}")
    written = ""
    for value, letters in _VALUES:
        count, rest = divmod(rest, value)
        written += count * letters
    return written


def alphabet(kind: str) -> str:
    """The symbols of "decimal" or "roman" numerals, END last: symbol i is alphabet(kind)[i]."""
    if kind not in LONGEST:
        raise ValueError(f"kind is {kind!r}; expected 'decimal' or 'roman'")
    return (DECIMAL if kind == "decimal" else ROMAN) + END


def encode(numerals: list[str], kind: str, *, end: bool) -> Tensor:
    """Numerals as rows of symbols (N, T), padded with −1. T is the largest length, END included where it follows.

    end: whether END follows each numeral. Raises ValueError for what is no numeral of this kind.
    """
    letters, width = alphabet(kind), LONGEST[kind] + end
    rows = []
    for numeral in numerals:
        symbols = [letters.find(symbol) for symbol in numeral + END * end]
        if not numeral or len(symbols) > width or -1 in symbols or END in numeral:
            raise ValueError(f"{numeral!r} is no {kind} numeral: expected 1 to {LONGEST[kind]} of the symbols {letters[:-1]}")
        rows.append(symbols + [-1] * (width - len(symbols)))
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), width)


def decode(rows: Tensor, kind: str) -> list[str]:
    """The numerals that rows of symbols (N, T) stand for, without END and padding."""
    letters = alphabet(kind)
    return ["".join(letters[i] for i in row if i >= 0).partition(END)[0] for row in rows.tolist()]


def numbers(split: str) -> Tensor:
    """The numbers of a split, (N,), in rising order; the splits are random and always the same.

    Of 1 … 3999, 800 numbers are "test", 400 "validation" and 2,799 "train"; the last two together are "train+validation".
    """
    check_split(split, SPLITS, "numerals")
    shuffled = 1 + torch.randperm(LARGEST, generator=runtime.generator(0))
    test, validation, train = shuffled.tensor_split([HELD_OUT, HELD_OUT + VALIDATION])
    chosen = {"test": test, "validation": validation, "train": train}.get(split, shuffled[HELD_OUT:])
    return chosen.sort().values


def pairs(chosen: Tensor | list[int], *, to: str = "roman") -> tuple[Tensor, Tensor]:
    """Source (N, S) and target (N, T) of these numbers: decimal to Roman numerals, or with to="decimal" the other way."""
    alphabet(to)  # refuses a kind that does not exist
    listed = torch.as_tensor(chosen).tolist()
    written = {"decimal": [str(number) for number in listed], "roman": [to_roman(number) for number in listed]}
    source = "decimal" if to == "roman" else "roman"
    return encode(written[source], source, end=False), encode(written[to], to, end=True)


def numerals(split: str) -> tuple[Tensor, Tensor]:
    """Decimal and Roman numeral side by side, (N, 4 + 16), and the numbers, (N): what `load("numerals")` gives."""
    chosen = numbers(split)
    return torch.cat(pairs(chosen), 1), chosen
