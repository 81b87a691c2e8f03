"""A judge of drawn faces: it reads the factors off a picture, so that a translation can be compared with the true partner."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_event_shape, check_events
from course_lib.nn.blocks import encoder


class FactorReader(nn.Module):
    """Images -> the factors that drew them, by two convolutions of stride 2 and one hidden layer; trained by squared error.

    Args:
        event_shape: (C, H, W).
        ranges: (lowest, highest) value of each factor; inside, every factor is scaled to [-1, 1].
        channels: of the two convolutions.
        width: units of the hidden layer.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        ranges: Sequence[tuple[float, float]],
        channels: Sequence[int] = (24, 48),
        width: int = 64,
    ):
        super().__init__()
        self.event_shape, self.ranges = check_event_shape(event_shape), [list(pair) for pair in ranges]
        self.channels, self.width = list(channels), width
        low, high = torch.tensor(self.ranges).unbind(1)
        self.register_buffer("middle", (low + high) / 2, persistent=False)
        self.register_buffer("reach", (high - low) / 2, persistent=False)
        self.network = encoder("convolutional", self.event_shape, channels, len(ranges), hidden=(width,), activation="silu")

    def read(self, x: Tensor) -> Tensor:
        """The factors (B, F), in their own units, of images x (B, C, H, W)."""
        return self.middle + self.reach * self.network(check_events(x, self.event_shape))

    def loss(self, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean squared error, (), of the factors scaled to [-1, 1], over images (B, C, H, W) with their factors (B, F)."""
        x, factors = batch
        return ((self.read(x) - factors) / self.reach).square().mean()
