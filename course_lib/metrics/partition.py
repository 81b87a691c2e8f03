"""How well an RBM does by an estimated log Z: annealed importance sampling, and its reverse on the same examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_examples, check_row
from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.models.energy.annealing import forward_log_weights, ladder, reverse_log_probs
from course_lib.models.energy.rbm import RBM
from course_lib.models.inputs import check_count, check_counts, check_number


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z in nats from n weights, with what they say about its error.

    low, high: log of (mean of the weights, minus and plus three standard errors); low is -inf where three errors exceed the mean.
    effective: the effective sample size, n when all weights are equal and 1 when one of them outweighs the rest. When the
        chains have missed a region of the states, none of these numbers shows it.
    """

    log_z: float
    low: float
    high: float
    effective: float
    n: int


def log_mean(log_weights: Tensor) -> LogPartition:
    """log of the mean of weights w, from their logs (n,): the estimate of annealed importance sampling (Neal 2001)."""
    logs = check_row(log_weights, "log_weights", least=2, infinite=True).detach().cpu().double()
    n, top = len(logs), logs.max()
    if not top.isfinite():
        raise ValueError(f"the largest of log_weights is {top.item()}; expected a finite number, for weights that are not all 0")
    log_z = torch.logsumexp(logs, 0).item() - math.log(n)
    shares = torch.softmax(logs, 0)
    error = 3 * (n * shares).std().item() / math.sqrt(n)  # of the mean weight, in units of the mean weight
    low = log_z + math.log1p(-error) if error < 1 else -math.inf
    return LogPartition(log_z, low, log_z + math.log1p(error), 1 / shares.square().sum().item(), n)


def annealed_log_partition(
    model: RBM, *, steps: int = 5_000, chains: int = 100, generator: torch.Generator | None = None
) -> LogPartition:
    """log Z of a machine by annealed importance sampling of so many chains and steps from beta = 0 to 1."""
    return log_mean(forward_log_weights(model, ladder(steps), chains, generator=generator))


def reverse_nats(
    model: RBM, x: Tensor, *, steps: int = 5_000, batch_size: int = 100, generator: torch.Generator | None = None
) -> Estimate:
    """Mean of -log p(x) by the reverse of annealing (RAISE), one chain per example x (N, *event_shape), with its error.

    The estimate is pessimistic: in expectation it is at least the nats of what annealing upwards draws, which is nearly p.
    """
    betas, parts = ladder(steps), check_examples(x).split(check_count(batch_size, "batch_size"))
    return mean_with_error(-torch.cat([reverse_log_probs(model, part, betas, generator=generator) for part in parts]))


@torch.no_grad()
def annealed_nats(model: RBM, x: Tensor, log_z: float) -> Estimate:
    """Mean of -log p(x) = F(x) + log Z over examples x (N, *event_shape) with this log Z; the error is that over x alone."""
    log_z = check_number(log_z, "log_z")
    return mean_with_error(torch.cat([model.free_energy(part) for part in check_examples(x).split(500)]).double() + log_z)


@torch.no_grad()
def bridge(
    model: RBM, x: Tensor, steps: Sequence[int], *, chains: int = 100, generator: torch.Generator | None = None
) -> dict[int, tuple[Tensor, Tensor]]:
    """Estimates of log Z from both sides for ladders of several lengths: steps -> (forward (chains,), reverse (B,)), in nats.

    forward: of annealing upwards; the log of the mean of their exponentials is low on average. reverse: -F(x) minus the estimate
    of log p(x) by annealing downwards from each example of x (B, *event_shape). Where x are exact samples of the model, the
    mean of the reverse is at least log Z in expectation.
    """
    energy, found = model.free_energy(x).double(), {}
    for count in check_counts(steps, "steps"):
        up = forward_log_weights(model, ladder(count), chains, generator=generator)
        found[count] = up, -energy - reverse_log_probs(model, x, ladder(count), generator=generator)
    return found
