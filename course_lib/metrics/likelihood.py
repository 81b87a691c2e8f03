"""Held-out likelihood with its standard error: nats per example, and bits per dimension by that name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """A mean over n independent examples and its standard error, in `unit`."""

    mean: float
    standard_error: float
    n: int
    unit: str = "nats"

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.standard_error:.2f} {self.unit} (n = {self.n:,})"


def mean_with_error(values: Tensor, unit: str = "nats") -> Estimate:
    """Mean and standard error (sample standard deviation / sqrt n) of n independent numbers (n,)."""
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values has shape {tuple(values.shape)}; a standard error takes at least 2 numbers in one row (n,)")
    values = values.double()
    return Estimate(values.mean().item(), (values.std() / math.sqrt(len(values))).item(), len(values), unit)


@torch.no_grad()
def log_probs(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """Exact log p(x) in nats of every example, (N,), a batch at a time, on the model's device."""
    device = next((p.device for p in model.parameters()), x.device)
    return torch.cat([model.log_prob(batch.to(device)).cpu() for batch in x.split(batch_size)])


def negative_log_likelihood(model, x: Tensor, *, batch_size: int = 500) -> Estimate:
    """Mean of -log p(x) over the examples, exact for each, in nats per example, with its standard error."""
    return mean_with_error(-log_probs(model, x, batch_size=batch_size))


def bits_per_dim(nats: Estimate, event_shape: tuple[int, ...]) -> Estimate:
    """The same, divided by D log 2: bits per dimension."""
    scale = 1 / (math.prod(event_shape) * math.log(2))
    return Estimate(nats.mean * scale, nats.standard_error * scale, nats.n, "bits/dim")
