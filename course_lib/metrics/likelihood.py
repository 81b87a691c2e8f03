"""Held-out likelihood, or a bound on it, with its standard error: in nats per example, unless a name says bits per dimension."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_examples, check_row
from course_lib.models.inputs import check_count, check_event_shape, check_list, check_number, check_whole
from course_lib.runtime import device_of

MOST = math.log(1.7e308)  # of a number whose exponential is a float


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
    """Mean and standard error (sample standard deviation / sqrt n) of n independent numbers (n,), in their unit.

    An infinite number, such as minus the log of a probability 0, makes both infinite. ValueError for NaN, and for fewer than two
    numbers.
    """
    values = check_row(values, "values", least=2, infinite=True).detach().cpu().double()
    error = (values.std() / math.sqrt(len(values))).item() if values.isfinite().all() else math.inf
    mean = values.mean().item()
    if math.isnan(mean):
        raise ValueError("values hold infinity and minus infinity, which have no mean; expected one of them at most")
    return Estimate(mean, error, len(values), unit)


def said(values: Tensor | Sequence[float], digits: int = 3) -> str:
    """The mean of n independent numbers (n,) and its standard error in words: "0.105 ± 0.010"."""
    numbers = values if isinstance(values, Tensor) else check_list(values, "values", "numbers")
    if not isinstance(numbers, Tensor):
        numbers = torch.tensor([check_number(value, "one of values") for value in numbers], dtype=torch.double)
    found, digits = mean_with_error(numbers), check_whole(digits, "digits")
    return f"{found.mean:.{digits}f} ± {found.standard_error:.{digits}f}"


@torch.no_grad()
def log_probs(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """Exact log p(x) in nats, (N,), of examples x (N, *event_shape).

    It is computed batch by batch on the model's device; the result is on the CPU.
    """
    return torch.cat([model.log_prob(batch).cpu() for batch in _batches(model, x, batch_size)])


def negative_log_likelihood(model, x: Tensor, *, batch_size: int = 500) -> Estimate:
    """Mean of -log p(x) over examples x (N, *event_shape), exact for each, in nats per example, with its standard error."""
    return mean_with_error(-log_probs(model, x, batch_size=batch_size))


@torch.no_grad()
def bounds(model, x: Tensor, k: int | None = None, *, generator: torch.Generator | None = None, batch_size: int = 500) -> Tensor:
    """A lower bound on log p(x) in nats, (N,), of examples x (N, *event_shape): the ELBO, or the importance bound of k draws.

    It is computed batch by batch on the model's device; the result is on the CPU.
    """
    measure = partial(model.elbo if k is None else partial(model.importance_bound, k=k), generator=generator)
    return torch.cat([measure(batch).cpu() for batch in _batches(model, x, batch_size)])


def negative_bound(
    model, x: Tensor, k: int | None = None, *, generator: torch.Generator | None = None, batch_size: int = 500
) -> Estimate:
    """Mean of minus `bounds` over x (N, *event_shape), in nats per example, with its standard error.

    In expectation it is at least the negative log-likelihood.
    """
    return mean_with_error(-bounds(model, x, k, generator=generator, batch_size=batch_size))


@torch.no_grad()
def nats_per_symbol(model, x: Tensor, *, context: int = 0, batch_size: int = 100) -> Estimate:
    """Mean of -log p(x_t | those before) over the symbols of sequences (N, T), exact, in nats, with its standard error.

    context: how many symbols at the beginning of each sequence are known and not counted; padding is never counted. The error
    treats the sequences as independent and allows for their different lengths: mean = sum of nats / sum of lengths, so the
    deviation of each sequence is its nats minus the mean times its length (the ratio estimator, Cochran 1977, eq. 6.12).
    ValueError when no symbol is left to count.
    """
    context = check_whole(context, "context")
    nats = [-model.log_conditionals(part)[:, context:].sum(1).cpu() for part in _batches(model, x, batch_size)]
    nats = torch.cat(nats).double()
    lengths = (x[:, context:] >= 0).sum(1).cpu().double()
    if not lengths.any():
        raise ValueError(f"x has shape {tuple(x.shape)} and context is {context}; expected symbols after the context")
    mean = nats.sum() / lengths.sum()
    if mean.isinf():  # a symbol of probability 0
        return Estimate(math.inf, math.inf, len(x), "nats per symbol")
    error = mean_with_error(nats - mean * lengths).standard_error / lengths.mean().item()
    return Estimate(mean.item(), error, len(x), "nats per symbol")


def perplexity(nats: Estimate) -> Estimate:
    """exp(nats per symbol): the number of equally likely symbols that would be as uncertain, with its error to first order.

    Infinite where it is larger than the largest float.
    """
    nats = _check_estimate(nats)
    value = math.exp(nats.mean) if nats.mean < MOST else math.inf
    return Estimate(value, value * nats.standard_error, nats.n, "symbols")


def bits_per_dim(nats: Estimate, event_shape: tuple[int, ...]) -> Estimate:
    """An estimate in nats per example, divided by D log 2: bits per dimension of examples of this shape."""
    nats = _check_estimate(nats)
    scale = 1 / (math.prod(check_event_shape(event_shape)) * math.log(2))
    return Estimate(nats.mean * scale, nats.standard_error * scale, nats.n, "bits/dim")


def _check_estimate(nats: Estimate) -> Estimate:
    """nats, if they are an Estimate; otherwise ValueError."""
    if not isinstance(nats, Estimate):
        raise ValueError(f"nats is a {type(nats).__name__}; expected an Estimate, as nats_per_symbol(…) gives")
    return nats


def _batches(model, x: Tensor, batch_size: int) -> Iterator[Tensor]:
    """x in parts of at most batch_size examples, on the model's device; ValueError without an example."""
    check_examples(x)
    device = device_of(model)
    return (batch.to(device) for batch in x.split(check_count(batch_size, "batch_size")))
