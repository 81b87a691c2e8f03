"""Models that draw, and are trained against a judge."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_lib.models.protocols.base import GenerativeModel


class AdversarialModel(GenerativeModel):
    """A model that can draw, and tells no density: a generator, and one or several discriminators that judge its examples.

    A subclass sets `event_shape` and defines `generate`, `players`, `player_loss` and `sample`. `AdversarialStep` trains any
    module that has `players` and `player_loss`, such as a translator between two sets of images.
    """

    @abstractmethod
    def generate(self, z: Tensor) -> Tensor:
        """The examples (B, *event_shape) that the generator makes of noise z (B, …), differentiable."""

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]:
        """Name -> module, in the order in which they move, the generator last; no two share a parameter."""

    @abstractmethod
    def player_loss(self, name: str, x: Tensor | tuple[Tensor, ...], *, generator: torch.Generator | None = None) -> Tensor:
        """What this player makes small, (), on a batch x of the data: a mean over the batch."""
