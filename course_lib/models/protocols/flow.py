"""Models that change the variables of a simple density."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from course_lib.distributions import DiagonalGaussian
from course_lib.models.inputs import check_count
from course_lib.models.protocols.base import ExplicitModel
from course_lib.runtime import device_of


class FlowModel(ExplicitModel):
    """A model that maps data x to latents z of a simple density, one to one: a normalising flow (Rezende & Mohamed 2015).

        log p(x) = log p(z) + log |det dz/dx|,   z = to_latent(x)

    A subclass sets `event_shape` and defines `to_latent` and `to_data`, each the inverse of the other. From them follow the exact
    `log_prob`, `loss` and `sample`. `base` may be overridden. The data are continuous: for whole numbers, add noise first.
    """

    @abstractmethod
    def to_latent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, *event_shape), and log |det dz/dx| (B,), of examples x (B, *event_shape); differentiable."""

    @abstractmethod
    def to_data(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, *event_shape), and log |det dx/dz| (B,), of latents z (B, *event_shape)."""

    def base(self) -> DiagonalGaussian:
        """p(z), over vectors (D) of all values of a latent: standard normal, independent."""
        zeros = torch.zeros(torch.Size(self.event_shape).numel(), device=device_of(self))
        return DiagonalGaussian(zeros, zeros)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), of examples x (B, *event_shape): the change of variables."""
        z, log_abs_det = self.to_latent(self.check(x))
        return self.base().log_prob(z.flatten(1)) + log_abs_det

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), without gradients: z drawn from the base, then `to_data`."""
        dtype = next((parameter.dtype for parameter in self.parameters()), torch.float32)
        n = check_count(n)
        z = self.base().sample((n,), generator=generator).to(dtype)
        return self.to_data(z.reshape(n, *self.event_shape))[0]
