"""What the two players of a GAN make small, each as an object: formulas of the discriminator's logits on real and made examples.

A logit is log D(x) / (1 - D(x)), where D(x) is the probability that x is real. All losses are means over the batch, so that they
do not depend on its size, and are computed from logits, so that they stay exact where D is nearly 0 or 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.models.inputs import check_target
from course_lib.runtime import uniform


class Objective(ABC):
    """A pair of losses. `real` and `fake` are logits (B,) of real and of made examples."""

    needs_real: ClassVar[bool] = False  # whether the generator's loss looks at real examples too
    draws: ClassVar[bool] = False  # whether discriminator_loss draws random numbers: then it takes a torch.Generator

    @abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the discriminator makes small, ()."""

    @abstractmethod
    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """What the generator makes small, (). real may be None unless `needs_real`."""


def cross_entropy(logits: Tensor, target: float | Tensor) -> Tensor:
    """The mean cross-entropy, (), in nats, of the answers behind these logits (B,) with a target probability of "real".

    target: one for all, or one for each, (B,).
    """
    return (target * F.softplus(-logits) + (1 - target) * F.softplus(logits)).mean()


@dataclass(frozen=True)
class NonSaturating(Objective):
    """The discriminator's cross-entropy, and -log D of made examples for the generator (Goodfellow et al. 2014, section 3).

    real_target, fake_target: the probabilities of "real" that the discriminator is taught. (0.9, 0) is one-sided label
    smoothing (Salimans et al. 2016, section 3.4); (1 - e, e) is what labels flipped with probability e teach on average.
    """

    real_target: float = 1.0
    fake_target: float = 0.0

    def __post_init__(self):
        check_target(self.real_target, "real_target")
        check_target(self.fake_target, "fake_target")

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, self.real_target) + cross_entropy(fake, self.fake_target)

    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return cross_entropy(fake, 1.0)


@dataclass(frozen=True)
class RandomLabels(NonSaturating):
    """NonSaturating with labels that are drawn anew for every example.

    flipped: the probability that a label is turned round. spread: a label 1 becomes a number from 1 - spread to 1, and a label
    0 one from 0 to spread, each uniformly. The cross-entropy is linear in its target, so that on average these labels teach
    what their means teach: flipped labels (1 - flipped, flipped), spread ones (1 - spread/2, spread/2).
    """

    draws: ClassVar[bool] = True
    flipped: float = 0.0
    spread: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_target(self.flipped, "flipped")
        check_target(self.spread, "spread")

    def discriminator_loss(self, real: Tensor, fake: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        return cross_entropy(real, self._labels(self.real_target, real, generator)) + cross_entropy(
            fake, self._labels(self.fake_target, fake, generator)
        )

    def _labels(self, target: float, logits: Tensor, generator: torch.Generator | None) -> Tensor:
        """One label (B,) for each of the logits (B,)."""
        turned, moved = uniform((2, *logits.shape), logits, generator)
        labels = torch.where(turned < self.flipped, 1 - target, target)
        return labels + self.spread * moved * (1 - 2 * labels)


@dataclass(frozen=True)
class Minimax(Objective):
    """The game of Goodfellow et al. (2014), eq. 1: the generator makes log(1 - D) of its examples small.

    Where D is nearly 0, the slope of this loss is nearly 0 too.
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)

    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -cross_entropy(fake, 0.0)


@dataclass(frozen=True)
class Relativistic(Objective):
    """Each player compares a real example with a made one (Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2)."""

    needs_real: ClassVar[bool] = True

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real - fake, 1.0)

    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return cross_entropy(fake - real, 1.0)


@dataclass(frozen=True)
class Wasserstein(Objective):
    """The critic's difference of means: an estimate of the earth mover's distance, if the critic's slopes are at most 1.

    Arjovsky et al. (2017), eq. 2. The "logits" are the critic's values.
    """

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return -fake.mean()


@dataclass(frozen=True)
class LeastSquares(Objective):
    """Squared distance of the discriminator's values to 1 for real and 0 for made examples (Mao et al. 2017, eq. 9)."""

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2

    def generator_loss(self, real: Tensor | None, fake: Tensor) -> Tensor:
        return ((fake - 1) ** 2).mean() / 2
