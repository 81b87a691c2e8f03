"""Conditional adversarial networks: one game for every condition, with shared weights. `given(y)` is an ordinary GAN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.models.adversarial.arguments import check_object
from course_lib.models.adversarial.gan import GAN
from course_lib.models.adversarial.objectives import NonSaturating, Objective
from course_lib.models.adversarial.penalties import Penalty
from course_lib.models.inputs import check_count, check_event_shape, check_some
from course_lib.models.pairs import check_pair
from course_lib.runtime import device_of


class Given(nn.Module):
    """A network that is told a condition, under one condition: batch -> network(batch, condition).

    condition: one row (1, …) for all examples alike, or as many rows as the batch has.
    """

    def __init__(self, *, network: nn.Module, condition: Tensor):
        super().__init__()
        self.network, self.condition = network, condition

    def rows(self, n: int) -> Tensor:
        """The conditions of n examples, (n, …)."""
        if len(self.condition) not in (1, n):
            raise ValueError(
                f"there are {n} examples under {len(self.condition)} conditions; expected one for all, or one for each"
            )
        return self.condition.expand(n, *self.condition.shape[1:])

    def forward(self, batch: Tensor) -> Tensor:
        """(B, …) -> what the network makes of it."""
        return self.network(batch, self.rows(len(batch)))


class ConditionalGAN(nn.Module):
    """p(x | y) for every class y by one game (Mirza & Osindero 2014): both players are told y.

    Args:
        generator: a module, noise (B, noise) and classes (B,) -> examples (B, *event_shape).
        discriminator: a module, examples and classes (B,) -> logits (B,); None once the game is over.
        event_shape: the shape of one example. noise: length of the noise vector. classes: K.
        objective, penalty: as in `GAN`; None is the non-saturating loss, and no penalty.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        event_shape: Sequence[int],
        noise: int,
        classes: int = 10,
        objective: Objective | None = None,
        penalty: Penalty | None = None,
    ):
        super().__init__()
        self.event_shape, self.noise = check_event_shape(event_shape), check_count(noise, "noise")
        self.classes = check_count(classes, "classes")
        self.objective = check_object(objective, Objective, "objective", "NonSaturating()") or NonSaturating()
        self.penalty = check_object(penalty, Penalty, "penalty", "ZeroCentred()")
        self.generator, self.discriminator = generator, discriminator

    @property
    def players(self) -> Mapping[str, nn.Module]:
        if self.discriminator is None:
            raise ValueError("this model was kept without its discriminator; expected a new one to train against")
        return {"discriminator": self.discriminator, "generator": self.generator}

    def given(self, y: int | Tensor) -> GAN:
        """p(x | y), an ordinary GAN. y: one class for all examples, or classes (B,), one for each."""
        condition, judge = self.labels(y), self.discriminator
        return GAN(
            generator=Given(network=self.generator, condition=condition),
            discriminator=None if judge is None else Given(network=judge, condition=condition),
            event_shape=self.event_shape, noise=self.noise, objective=self.objective, penalty=self.penalty,
        )  # fmt: skip

    def labels(self, y: int | Tensor) -> Tensor:
        """y as classes (B,) or (1,) on the model's device; ValueError where they are no integers in 0 … K - 1."""
        if not isinstance(y, (int, Tensor)):
            raise ValueError(f"y is a {type(y).__name__}; expected a class, or one class per example: torch.tensor(y)")
        y = torch.as_tensor(y, device=device_of(self))
        if y.is_floating_point() or y.dtype == torch.bool or y.ndim > 1 or not y.numel():
            raise ValueError(f"y holds {y.dtype} of shape {tuple(y.shape)}; expected a class, or one class per example: y.long()")
        if y.amin() < 0 or y.amax() >= self.classes:
            raise ValueError(f"y has classes in {int(y.amin())} … {int(y.amax())}; expected 0 … {self.classes - 1}")
        return y.long().reshape(-1)

    def player_loss(self, name: str, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean loss, (), of "discriminator" or "generator" on real pairs: examples (B, *event_shape), classes (B,)."""
        x, y = check_pair(batch, "examples (B, …) and classes (B,)")
        if len(check_some(x)) != len(self.labels(y)):
            raise ValueError(f"there are {len(x)} examples and classes of shape {tuple(y.shape)}; expected one for each")
        return self.given(y).player_loss(name, x, generator=generator)

    def without_discriminator(self) -> ConditionalGAN:
        """The same model without its discriminator, which shares the generator: to be kept, and to draw from."""
        return ConditionalGAN(
            generator=self.generator, event_shape=self.event_shape, noise=self.noise, classes=self.classes,
            objective=self.objective, penalty=self.penalty,
        )  # fmt: skip
