"""Objectives of a VAE: what its training makes small. Which bounds it can measure does not depend on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_number
from course_lib.models.latent.priors import Prior

if TYPE_CHECKING:
    from course_lib.models.latent.vae import VAE


class Objective(ABC):
    """A loss of a VAE. `samples` is how many draws of z it takes per example.

    A subclass has a keyword-only constructor that stores every argument under its own name, and implements `loss`. Its settings
    may be changed in training: `model.objective.beta = 4.0`.
    """

    samples: int = 1

    def check(self, prior: Prior) -> None:  # noqa: B027 - most objectives suit every prior
        """Raise ValueError when a model with this prior cannot be trained by this objective."""

    @abstractmethod
    def loss(self, model: VAE, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, in nats per example, (), of examples x (B, *event_shape)."""


class ELBO(Objective):
    """Minus the evidence lower bound: KL(q(z | x) || p(z)) - E log p(x | z), with a weight on the KL.

    Args:
        beta: weight of the KL, at least 0 (Higgins et al. 2017, eq. 4); 1 makes the loss minus a lower bound on log p(x).
        samples: draws of z per example.
        free_nats: the KL of each coordinate, averaged over the batch, counts as at least so many nats, so that nothing is gained
            by making it smaller ("free bits": Kingma et al. 2016). It needs a prior whose KL is known by coordinate.
    """

    def __init__(self, *, beta: float = 1.0, samples: int = 1, free_nats: float = 0.0):
        self.beta, self.samples = check_number(beta, "beta", least=0), check_count(samples, "samples")
        self.free_nats = check_number(free_nats, "free_nats", least=0)

    def check(self, prior: Prior) -> None:
        """free_nats need the KL of each coordinate."""
        if self.free_nats and not prior.by_coordinate:
            raise ValueError(
                f"free_nats is {self.free_nats} and the prior a {type(prior).__name__}, whose KL is not known by coordinate; "
                "expected free_nats=0, or prior=StandardPrior()"
            )

    def loss(self, model: VAE, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """beta KL - E log p(x | z) in nats per example, ()."""
        likelihood, kl = model.parts_by_coordinate(x, generator=generator)
        kl = kl.mean(0)  # (L,), or (1,) when the KL is estimated by draws
        counted = kl.clamp(min=self.free_nats) if self.free_nats else kl
        return self.beta * counted.sum() - likelihood.mean()


class ImportanceBound(Objective):
    """Minus the importance bound on log p(x): a VAE trained by it is an IWAE (Burda, Grosse & Salakhutdinov 2016, eq. 8).

    Args:
        samples: k, draws of z per example; with 1 the bound is the ELBO, estimated by one draw.
    """

    def __init__(self, *, samples: int = 5):
        self.samples = check_count(samples, "samples")

    def loss(self, model: VAE, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Minus the importance bound of k draws in nats per example, ()."""
        chunk = self.samples * max(len(x), 1)  # all at once: gradients need all of it in memory anyway
        return -model.importance_bound(x, self.samples, generator=generator, chunk=chunk).mean()
