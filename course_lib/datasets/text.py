"""The novel, one integer a character: Pride and Prejudice (Jane Austen, 1813)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.datasets import manifest

WINDOW, CONTEXT = 256, 128  # how models of the novel are measured: windows of so many characters, of which the first are given
FILE = "text/pride_and_prejudice.txt"
_PARTS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}


def read_novel() -> str:
    """The whole text as a string."""
    return manifest.verify(FILE).read_text(encoding="utf-8")


def alphabet() -> str:
    """The characters that occur, sorted: character i is alphabet()[i]."""
    return "".join(sorted(set(read_novel())))


def encode(text: str, letters: str) -> Tensor:
    """Indices into `letters` (T,), of every character. ValueError names a character that is not among them."""
    index = {letter: i for i, letter in enumerate(letters)}
    unknown = sorted(set(text) - set(letters))
    if unknown:
        raise ValueError(f"text has {unknown[:5]}, which the alphabet of {len(letters)} characters lacks; drop or replace them")
    return torch.tensor([index[letter] for letter in text], dtype=torch.long)


def decode(indices: Tensor, letters: str) -> str:
    """The string that these indices (T,) stand for."""
    return "".join(letters[i] for i in indices.tolist())


def novel(split: str) -> tuple[Tensor, None]:
    """One part of the novel as indices into `alphabet()`, (T,): the first 80 % trains, 10 % each validates and tests."""
    text = read_novel()
    start, end = (round(share * len(text)) for share in _PARTS[split])
    return encode(text[start:end], "".join(sorted(set(text)))), None


def windows(x: Tensor, length: int, stride: int) -> Tensor:
    """Windows (N, length) of a text (T,), each `stride` characters after the last one; a view that takes no memory.

    What is left after the last whole window belongs to none.
    """
    if not stride >= 1 or not 1 <= length <= len(x):
        raise ValueError(
            f"windows of {length} every {stride} of {len(x)} characters; expected 1 ≤ length ≤ that, and a stride ≥ 1"
        )
    return x.unfold(0, length, stride)


def novel_windows(split: str) -> Tensor:
    """The windows of one part of the novel by which every model of it is measured, (N, WINDOW).

    They overlap by CONTEXT: the first CONTEXT characters of a window are given, the others are predicted, each of them in one
    window only. So every character has at least CONTEXT others before it, whatever the model makes of them.
    """
    return windows(novel(split)[0], WINDOW, WINDOW - CONTEXT)
