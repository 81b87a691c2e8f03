"""Models with latent variables, whose exact density is an integral."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from course_lib.models.inputs import check_count
from course_lib.models.protocols.base import GenerativeModel

Latent = Tensor | tuple[Tensor, ...]  # a model with several levels of latent variables has a tuple


class LatentVariableModel(GenerativeModel):
    """A model p(x, z) whose p(x) is an integral over z, with an approximate posterior q(z | x).

    A subclass defines `infer`, `log_joint` and `sample`, and inherits two lower bounds on log p(x). Both are random numbers
    whose expectation is the bound; there is no `log_prob`, for none is exact.
    """

    @abstractmethod
    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Latent, Tensor]:
        """One z per row drawn from q(z | x), differentiable in q's parameters, and log q(z | x) in nats, (B,)."""

    @abstractmethod
    def log_joint(self, x: Tensor, z: Latent) -> Tensor:
        """log p(x, z) = log p(x | z) + log p(z) in nats, (B,), of examples x (B, *event_shape) and one z for each."""

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound log p(x, z) - log q(z | x) from one z per row, in nats, (B,) (Jordan et al. 1999).

        Its expectation is log p(x) - KL(q(z | x) || p(z | x)), at most log p(x).
        """
        return self.log_weights(x, 1, generator=generator)[0]

    def log_weights(self, x: Tensor, k: int, *, generator: torch.Generator | None = None) -> Tensor:
        """log w = log p(x, z) - log q(z | x) in nats of k draws of z for each example, (k, B)."""
        x = self.check(x)
        many = x.repeat(check_count(k, "k"), *[1] * (x.ndim - 1))  # (k B, *event_shape)
        z, log_q = self.infer(many, generator=generator)
        return (self.log_joint(many, z) - log_q).view(k, len(x))

    def importance_bound(self, x: Tensor, k: int, *, generator: torch.Generator | None = None, chunk: int = 2_000) -> Tensor:
        """log of the mean of k importance weights, in nats, (B,) (Burda, Grosse & Salakhutdinov 2016, eq. 8).

        In expectation at least the ELBO, at most log p(x), and it grows with k. chunk: how many pairs (x, z) are worked on
        at a time; it bounds the memory.
        """
        x, k = self.check(x), check_count(k, "k")
        rows = min(max(len(x), 1), check_count(chunk, "chunk"))
        parts = []
        for some in x.split(rows):
            each = max(1, chunk // max(len(some), 1))  # draws at a time
            sums = [
                torch.logsumexp(self.log_weights(some, min(each, k - done), generator=generator), 0) for done in range(0, k, each)
            ]
            parts.append(torch.logsumexp(torch.stack(sums), 0) - math.log(k))
        return torch.cat(parts)
