"""What all tables of probabilities need in order to count binary examples."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.inputs import check_smoothing


def check_counting(x: Tensor, counts: Tensor | None, smoothing: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Checked examples x (N, *event_shape) as (N, D), and how often each occurs (N) as float64, both on this device.

    counts: (N); with None, each example counts once. ValueError where there is nothing to count.
    """
    check_smoothing(smoothing)
    counts = torch.ones(len(x)) if counts is None else torch.as_tensor(counts)
    if tuple(counts.shape) != (len(x),) or not (counts.isfinite() & (counts >= 0)).all():
        raise ValueError(
            f"counts has shape {tuple(counts.shape)}; expected one finite number of at least 0 per example, ({len(x)},)"
        )
    if counts.sum() == 0 and smoothing == 0:
        raise ValueError("there is nothing to count: no examples and smoothing 0; give examples, or smoothing above 0")
    return x.flatten(1).to(device), counts.to(device).double()


def row_numbers(flat: Tensor, powers: Tensor) -> Tensor:
    """The whole number that each row of 0s and 1s (B, n) spells with these powers of 2, (n,): (B,) as int64.

    A sum of int64, never a product of floats: float16 and bfloat16 would round a large number to another one.
    """
    return (flat.long() * powers).sum(1)
