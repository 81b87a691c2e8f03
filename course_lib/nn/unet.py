"""The U-Net: from an image to an image of the same sides, with the fine detail handed across."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.nn.blocks import upsample

GROUP = 8  # features that are normalised together


class UNet(nn.Module):
    """Images (B, inputs, H, W) -> (B, outputs, H, W) in [0, 1], by a way down, a way up, and skips between them.

    Each step down halves both sides; each step up doubles them, and sees the maps of the same size from the way down as well
    (Ronneberger, Fischer & Brox 2015, figure 1). Noise enters by dropout of the smallest maps, as in pix2pix (Isola et al.
    2017, section 3.1): a feature is kept where its number in z is positive, that is with probability 1/2, and then doubled.

    Args:
        inputs, outputs: numbers of channels.
        channels: numbers of features, from the full size down; the last are those of the smallest maps.
        sides: (H, W) of the images; both must divide by 2 as often as there are steps down.
    """

    def __init__(
        self, *, inputs: int = 1, outputs: int = 1, channels: Sequence[int] = (16, 32, 96), sides: Sequence[int] = (28, 28)
    ):
        super().__init__()
        steps = len(channels) - 1
        if steps < 1 or any(side % 2**steps for side in sides) or any(count % GROUP for count in channels):
            raise ValueError(
                f"channels are {tuple(channels)} for sides {tuple(sides)}; expected at least two numbers, multiples of {GROUP}, "
                f"and sides that divide by 2 once for each number after the first"
            )
        self.inputs, self.outputs, self.channels, self.sides = inputs, outputs, list(channels), list(sides)
        self.first = _layer(inputs, channels[0])
        self.down = nn.ModuleList(_layer(wide, deep, stride=2) for wide, deep in itertools.pairwise(channels))
        self.middle = _layer(channels[-1], channels[-1])
        back = list(itertools.pairwise(reversed(channels)))
        self.up = nn.ModuleList(upsample(deep, wide) for deep, wide in back)
        self.merge = nn.ModuleList(_layer(2 * wide, wide) for _, wide in back)
        self.last = nn.Conv2d(channels[0], outputs, 3, padding=1)

    @property
    def smallest(self) -> tuple[int, int, int]:
        """The shape (F, h, w) of the smallest maps."""
        halved = 2 ** (len(self.channels) - 1)
        return self.channels[-1], self.sides[0] // halved, self.sides[1] // halved

    @property
    def noise(self) -> int:
        """How many numbers the noise of one image has."""
        return math.prod(self.smallest)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """x (B, inputs, H, W), z (B, noise) standard normal, or None for no dropout -> (B, outputs, H, W)."""
        maps = [self.first(x)]
        for layer in self.down:
            maps.append(layer(maps[-1]))
        h = maps.pop()
        if z is not None:
            h = 2 * h * (z > 0).view(-1, *self.smallest)
        h = self.middle(h)
        for up, merge in zip(self.up, self.merge, strict=True):
            h = merge(torch.cat([up(h), maps.pop()], 1))
        return torch.sigmoid(self.last(h))


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A convolution of 3 x 3, normalisation over groups of features, and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.GroupNorm(outputs // GROUP, outputs), nn.ReLU()
    )
