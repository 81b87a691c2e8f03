"""Penalties on the discriminator's slope, which its loss adds: each is an object that is called with both kinds of examples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.models.inputs import check_weight
from course_lib.runtime import uniform


class Penalty(ABC):
    """A term of the discriminator's loss. Examples are (B, *event_shape), and their logits (B,) were computed from them.

    Both batches of examples require gradients, so that the slope of the logits can be taken.
    """

    @abstractmethod
    def __call__(
        self,
        discriminator: Callable[[Tensor], Tensor],
        real: Tensor,
        fake: Tensor,
        real_logits: Tensor,
        fake_logits: Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """The penalty, (), a mean over the batch, with gradients for the discriminator's parameters."""


def slopes(logits: Tensor, x: Tensor) -> Tensor:
    """The gradient of each example's logit (B,) with respect to that example x (B, *event_shape), flattened: (B, D).

    The gradient of the sum of all logits is, row by row, the gradient of each: so no example may influence another's logit.
    Batch normalisation breaks this rule.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1)


@dataclass(frozen=True)
class ZeroCentred(Penalty):
    """Half the mean squared slope at real examples times `real` (R1), and at made ones times `fake` (R2).

    Mescheder et al. (2018), eq. 9; Roth et al. (2017) for made examples.
    """

    real: float = 0.1
    fake: float = 0.1

    def __post_init__(self):
        check_weight(self.real, "real")
        check_weight(self.fake, "fake")

    def __call__(self, discriminator, real, fake, real_logits, fake_logits, *, generator=None) -> Tensor:
        pairs = ((self.real, real_logits, real), (self.fake, fake_logits, fake))
        return sum(weight / 2 * slopes(logits, x).square().sum(1).mean() for weight, logits, x in pairs if weight)


@dataclass(frozen=True)
class UnitSlope(Penalty):
    """weight times the mean squared difference between 1 and the length of the slope, at random points between both kinds.

    The WGAN-GP penalty of Gulrajani et al. (2017), eq. 3. The length is that of the whole gradient of one example.
    """

    weight: float = 10.0

    def __post_init__(self):
        check_weight(self.weight, "weight")

    def __call__(self, discriminator, real, fake, real_logits, fake_logits, *, generator=None) -> Tensor:
        share = uniform((len(real), *(1,) * (real.ndim - 1)), real, generator)  # one number per example
        between = torch.lerp(real.detach(), fake.detach(), share).requires_grad_(True)
        length = slopes(discriminator(between), between).norm(dim=1)  # (B,)
        return self.weight * (length - 1).square().mean()
