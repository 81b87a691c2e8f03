"""Distributions of 0 and 1, and of one category among K."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn import functional as F

from course_lib.distributions.base import UnivariateDistribution
from course_lib.distributions.precision import full_precision

ROUNDING = 1e-5  # by which a probability may exceed 1


def _check_one(logits: Tensor | None, probs: Tensor | None) -> None:
    if (logits is None) == (probs is None):
        raise ValueError("logits and probs are both given or both missing; expected one of them")


def _are_weights(probs: Tensor) -> bool:
    """Whether each row of (*batch, K) holds finite numbers from 0, at least one of them above 0."""
    total = probs.sum(-1) if probs.ndim else probs
    return bool(((probs >= 0).all() & (total > 0).all() & total.isfinite().all()).item())


class Bernoulli(UnivariateDistribution, td.Bernoulli):
    """Independent coins, by their `logits` log(p / (1 - p)) or by `probs`, (*batch). ValueError for probs outside [0, 1]."""

    @full_precision
    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None):
        _check_one(logits, probs)
        if probs is not None and probs.device.type == "cpu" and not ((probs >= 0) & (probs <= 1 + ROUNDING)).all():
            raise ValueError(f"probs are {probs!r:.80}; expected numbers in [0, 1]: probs.clamp(0, 1), or logits=")
        td.Bernoulli.__init__(self, logits=logits, probs=probs, validate_args=False)
        self.by_probs = probs is not None

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch); value in {0, 1}. Stable for logits of any size; probabilities 0 and 1 are exact."""
        if self.by_probs:  # torch would turn a probability of 0 into 1e-7 on the way through the logits
            return torch.special.xlogy(value, self.probs) + torch.special.xlog1py(1 - value, -self.probs)
        logits, value = torch.broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 1) -> values (*batch): 1 where the uniform number lies below p."""
        return (noise[..., 0] < self.probs).to(self.probs.dtype)

    def arguments(self) -> dict[str, Tensor]:
        """`probs` or `logits`, whichever the coins were made from."""
        return {"probs": self.probs} if self.by_probs else {"logits": self.logits}


class Categorical(UnivariateDistribution, td.Categorical):
    """One of K categories, by `logits` or `probs` of shape (*batch, K); probs are divided by their sum. ValueError below 0."""

    @full_precision
    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None):
        _check_one(logits, probs)
        if probs is not None and probs.device.type == "cpu" and not _are_weights(probs):
            raise ValueError(
                f"probs have shape {tuple(probs.shape)} and rows that are no weights; expected finite numbers from 0, not all 0"
            )
        td.Categorical.__init__(self, logits=logits, probs=probs, validate_args=False)
        self.by_probs = probs is not None

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of categories 0 … K - 1; minus infinity where `probs` were given as 0.

        ValueError for any other value on the CPU. On a GPU such a value ends the program, as an index out of range does.
        """
        if value.device.type == "cpu":
            self.check(value)
        logits = self.probs.log() if self.by_probs else self.logits
        value, logits = torch.broadcast_tensors(value.long()[..., None], logits)  # (*batch, K)
        return logits.gather(-1, value[..., :1])[..., 0]

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 1) -> integers (*batch): the first category whose cumulative probability exceeds it."""
        steps = self.probs.cumsum(-1)
        steps = steps / steps[..., -1:]  # rounding may end the sum below 1: a category of probability 0 could then be drawn
        return (noise[..., :1] >= steps).sum(-1).clamp(max=steps.shape[-1] - 1)

    def arguments(self) -> dict[str, Tensor]:
        """`probs` or `logits`, whichever the distributions were made from."""
        return {"probs": self.probs} if self.by_probs else {"logits": self.logits}


@full_precision
def logit_threshold(noise: Tensor) -> Tensor:
    """log(u / (1 - u)) of uniform numbers u, elementwise: u < sigmoid(logit) exactly where logit exceeds this threshold.

    float64 in between, where it exists, keeps the uniform numbers nearest to 0 and 1 exact. Apple's GPU has none.
    """
    if noise.device.type == "mps":
        return logit_in_single_precision(noise)
    return torch.logit(noise.double()).to(noise.dtype)


def logit_in_single_precision(noise: Tensor) -> Tensor:
    """log(u / (1 - u)), elementwise, as a difference of two logarithms in the type of the uniform numbers."""
    return noise.log() - torch.log1p(-noise)
