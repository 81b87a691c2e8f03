"""Orders in which the pixels of an image can be read: order[k] is the flat index of the pixel that comes k-th."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from course_lib import runtime


def orders(shape: tuple[int, int], *, seed: int = 0) -> dict[str, list[int]]:
    """Some orders of the pixels of an image (H, W), by name; the random one is drawn by `seed`."""
    high, wide = shape
    index = torch.arange(high * wide).reshape(high, wide)
    return {
        "rows": index.flatten().tolist(),
        "rows, from below": index.flip(0).flatten().tolist(),
        "columns": index.T.flatten().tolist(),
        "spiral, from outside": _spiral(index.tolist()),
        "spiral, from inside": _spiral(index.tolist())[::-1],
        "random": torch.randperm(high * wide, generator=runtime.generator(seed)).tolist(),
    }


def _spiral(rows: Sequence[Sequence[int]]) -> list[int]:
    """Peel off the top row, turn what is left a quarter to the left, and so on."""
    path: list[int] = []
    while rows:
        path += rows[0]
        rows = [list(column) for column in zip(*rows[1:], strict=True)][::-1]
    return path
