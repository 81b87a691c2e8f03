"""A judge of drawn faces: it reads the factors off a picture, so that a translation can be compared with the true partner."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_some,
)
from course_lib.models.pairs import check_pair
from course_lib.models.rows import rows_of_numbers
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
        what = "pairs (lowest, highest), one for each factor"
        self.ranges = rows_of_numbers(ranges, "ranges")
        if any(len(pair) != 2 or not pair[0] < pair[1] for pair in self.ranges):
            raise ValueError(f"ranges are {ranges!r}; expected {what}")
        self.event_shape = check_event_shape(event_shape)
        self.channels, self.width = check_counts(channels, "channels"), check_count(width, "width")
        if len(self.event_shape) != 3 or len(self.channels) != 2:
            raise ValueError(f"event_shape is {self.event_shape}, channels {self.channels}; expected (C, H, W), and two channels")
        low, high = torch.tensor(self.ranges).unbind(1)
        self.register_buffer("middle", (low + high) / 2, persistent=False)
        self.register_buffer("reach", (high - low) / 2, persistent=False)
        self.network = encoder(
            "convolutional", self.event_shape, self.channels, len(low), hidden=(self.width,), activation="silu"
        )

    def read(self, x: Tensor) -> Tensor:
        """The factors (B, F), in their own units, of images x (B, C, H, W)."""
        return self.middle + self.reach * self.network(as_parameters(check_events(x, self.event_shape), self))

    def loss(self, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean squared error, (), of the factors scaled to [-1, 1], over images (B, C, H, W) with their factors (B, F)."""
        x, factors = check_pair(batch, "images (B, C, H, W) and their factors (B, F)")
        check_events(factors, (len(self.ranges),))
        if len(check_some(x)) != len(factors):
            raise ValueError(f"there are {len(x)} images and {len(factors)} rows of factors; expected one for each")
        return ((self.read(x) - factors) / self.reach).square().mean()
