"""The first layer of a flow on grey images: each pixel becomes Gaussian through the histogram of all grey levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.nn.invertible import Invertible


def standard_normal_cdf(z: Tensor) -> Tensor:
    """The standard Gaussian's mass below z, elementwise, with all digits in the lower tail (torch's ndtr has none below -9)."""
    return 0.5 * torch.erfc(-z / math.sqrt(2))


class HistogramGaussian(Invertible):
    """z = quantile of the standard Gaussian at F(y), for y in (0, 1), where F is the distribution function of a histogram.

    F is linear within each of the K cells [k / K, (k + 1) / K): the layer alone, before a standard Gaussian, is exactly the
    histogram's density. It is one step of Gaussianisation (Chen & Gopinath 2001). Nothing in it is learned by gradients, and no
    value is cut off. Computed in float64, because F is close to 1 in the last cells.

    Args:
        counts: how often each of the K grey levels occurs, all pixels pooled; one is added to each, so that no mass is 0.
        black: None, or how often each pixel of an event, in flat order, has level 0; then each pixel has its own mass of level 0,
            and the other levels share the rest as in `counts`.
        images: in how many events `black` was counted.
    """

    def __init__(self, counts: Sequence[int], black: Sequence[int] | None = None, images: int = 0):
        super().__init__()
        self.counts, self.images = [int(count) for count in counts], int(images)
        self.black = None if black is None else [int(count) for count in black]
        if len(self.counts) < 2 or min(self.counts) < 0:
            least = min(self.counts, default=0)
            raise ValueError(f"counts has {len(self.counts)} entries, the least {least}; expected 2 or more, none below 0")
        if self.black is not None and not 0 <= min(self.black) <= max(self.black) <= self.images:
            raise ValueError(f"black has counts up to {max(self.black)} of {images} images; expected counts of 0 to all images")
        self.register_buffer("smoothed", torch.tensor(self.counts) + 1, persistent=False)  # whole numbers keep their type
        blacks = None if self.black is None else torch.tensor(self.black) + 1
        self.register_buffer("smoothed_black", blacks, persistent=False)

    def masses(self) -> tuple[Tensor, Tensor]:
        """The pooled probability of each level, (K), and of all levels before it, (K), in float64."""
        probs = self.smoothed.double() / self.smoothed.sum()
        return probs, probs.cumsum(0) - probs

    def black_mass(self, x: Tensor) -> Tensor:
        """The probability of level 0 in each pixel, in float64, which broadcasts with events x (B, …)."""
        if self.smoothed_black is None:
            return self.masses()[0][0]
        return (self.smoothed_black.double() / (self.images + 2)).view(x.shape[1:])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        (probs, before), black = self.masses(), self.black_mass(x)
        place = x.double() * len(probs)
        cell = place.floor().long().clamp(0, len(probs) - 1)
        rest = (1 - black) / (1 - probs[0])  # by which the pooled masses of the levels above 0 are multiplied
        mass = torch.where(cell == 0, black, rest * probs[cell])
        below = torch.where(cell == 0, 0.0, black + rest * (before[cell] - probs[0]))
        z = torch.special.ndtri(below + mass * (place - cell))
        return z.to(x.dtype), self._log_slope(z, mass).flatten(1).sum(1).to(x.dtype)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        (probs, before), black = self.masses(), self.black_mass(z)
        share, rest = standard_normal_cdf(z.double()), (1 - black) / (1 - probs[0])
        pooled = probs[0] + (share - black) / rest  # where `share` lies in the pooled histogram, for levels above 0
        cell = torch.where(share < black, 0, (torch.searchsorted(before, pooled, right=True) - 1).clamp(1, len(probs) - 1))
        within = torch.where(cell == 0, share / black, (pooled - before[cell]) / probs[cell])
        mass = torch.where(cell == 0, black, rest * probs[cell])
        return ((cell + within) / len(probs)).to(z.dtype), -self._log_slope(z.double(), mass).flatten(1).sum(1).to(z.dtype)

    def _log_slope(self, z: Tensor, mass: Tensor) -> Tensor:
        """log dz/dx = log(K mass) - log N(z): the density of the histogram over that of the Gaussian."""
        return torch.log(len(self.smoothed) * mass) + 0.5 * z.square() + 0.5 * math.log(2 * math.pi)
