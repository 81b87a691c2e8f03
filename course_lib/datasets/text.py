"""The novel, one integer per character: Pride and Prejudice (Jane Austen, 1813)."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from course_lib.datasets import manifest
from course_lib.datasets.data import check_split

WINDOW, CONTEXT = 256, 128  # models are measured on windows of 256 characters: they read the first 128, and predict the others
PLAIN = " abcdefghijklmnopqrstuvwxyz"
FILE = "text/pride_and_prejudice.txt"
_PARTS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


def read_novel() -> str:
    """The whole text as a string. Raises DataFileError where the file holds no text."""
    with manifest.reading(FILE) as path:
        text = path.read_text(encoding="utf-8")
        if len(text) < 10 * WINDOW:
            raise ValueError(f"it has {len(text)} characters; expected a novel, of which each part holds a window of {WINDOW}")
    return text


def alphabet() -> str:
    """The characters that occur, sorted: character i is alphabet()[i]."""
    return "".join(sorted(set(read_novel())))


def encode(text: str, letters: str) -> Tensor:
    """The index of every character in `letters`, (T,). ValueError names the characters that are not among them."""
    index = {letter: i for i, letter in enumerate(letters)}
    unknown = sorted(set(text) - set(letters))
    if unknown:
        raise ValueError(f"text has {unknown[:5]}, which the alphabet of {len(letters)} characters lacks; drop or replace them")
    return torch.tensor([index[letter] for letter in text], dtype=torch.long)


def decode(indices: Tensor, letters: str) -> str:
    """The string that these indices (T,) stand for."""
    return "".join(letters[i] for i in indices.tolist())


def novel(split: str) -> tuple[Tensor, None]:
    """Part of the novel as indices into `alphabet()`, (T,): train is the first 80 %, validation the next 10 %, test the last."""
    check_split(split, tuple(_PARTS), "novel")
    text = read_novel()
    start, end = (round(share * len(text)) for share in _PARTS[split])
    return encode(text[start:end], "".join(sorted(set(text)))), None


def windows(x: Tensor, length: int, stride: int) -> Tensor:
    """Windows (N, length) of a text (T,), each starting `stride` characters after the one before; a view that takes no memory.

    Characters after the last whole window are left out.
    """
    if not stride >= 1 or not 1 <= length <= len(x):
        raise ValueError(f"length is {length}, stride {stride}; expected 1 ≤ length ≤ {len(x)} characters, and a stride ≥ 1")
    return x.unfold(0, length, stride)


def novel_windows(split: str) -> Tensor:
    """The windows of one part of the novel on which every model of it is measured, (N, WINDOW).

    The windows overlap by CONTEXT characters. In each window the model only reads the first CONTEXT characters and predicts the
    others. So it predicts each character in one window only, from at least CONTEXT characters before the character.
    """
    return windows(novel(split)[0], WINDOW, WINDOW - CONTEXT)


def plain_pieces(split: str, length: int = 200) -> Tensor:
    """One part of the novel in lower-case letters and spaces alone, cut into pieces (N, length) of indices into PLAIN.

    Everything that is no letter becomes one space. The split is made between whole pieces.
    """
    check_split(split, tuple(_PARTS), "novel")
    code = encode(re.sub("[^a-z]+", " ", read_novel().lower()), PLAIN)
    rows = code[: len(code) // length * length].reshape(-1, length)  # (pieces, length)
    start, end = (round(share * len(rows)) for share in _PARTS[split])
    return rows[start:end]
