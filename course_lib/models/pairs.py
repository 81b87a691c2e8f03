"""Batches of two parts: examples with their labels, inputs with their outputs, or two sets of examples."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def check_pair(batch: Any, what: str) -> tuple[Tensor, Tensor]:
    """batch as its two tensors; otherwise ValueError, which expects a pair of `what`."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise ValueError(f"the batch is a {type(batch).__name__}; expected a pair of tensors: {what}")
    return batch[0], batch[1]
