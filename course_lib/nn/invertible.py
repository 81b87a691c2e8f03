"""Maps that can be undone: every layer gives its result and the exact logarithm of its Jacobian determinant.

A flow is a chain of such layers. Each is a map x -> z of events of one shape, one to one. The layers of coupling, of a plane and
of a histogram have files of their own: coupling.py, planar.py, histogram.py.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDEST = 10.0  # the largest |log_scale| of a channel: a channel of a standard deviation from 0.000045 to 22,026 comes to 1


class Invertible(nn.Module, ABC):
    """A map x -> z, one to one, with the exact log |det dz/dx| in nats.

    A subclass defines `forward` and `inverse`. The determinant of the inverse is that of dx/dz, so that at one pair of points the
    two logarithms sum to 0.
    """

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, …), and log |det dz/dx| (B,), of x (B, …)."""

    @abstractmethod
    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, …), and log |det dx/dz| (B,), of z (B, …)."""


class Chain(Invertible):
    """Layers one after another: the logarithms of their determinants add up (the chain rule of Jacobians)."""

    def __init__(self, layers: Iterable[Invertible]):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = _zeros(x)
        for layer in self.layers:
            x, log_abs_det = layer(x)
            total = total + log_abs_det
        return x, total

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        total = _zeros(z)
        for layer in reversed(self.layers):
            z, log_abs_det = layer.inverse(z)
            total = total + log_abs_det
        return z, total

    @torch.no_grad()
    def stages(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """What x (B, …) has become after 0, 1, 2, … layers, and the log |det| (B,) so far; without gradients."""
        total = _zeros(x)
        yield x, total
        for layer in self.layers:
            x, log_abs_det = layer(x)
            total = total + log_abs_det
            yield x, total


class Inverse(Invertible):
    """The same map read from right to left: its forward is the layer's inverse."""

    def __init__(self, layer: Invertible):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.layer.inverse(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.layer(z)


class ChannelAffine(Invertible):
    """z = (x + shift) exp(log_scale), with one shift and one scale per channel (dimension 1): Glow's ActNorm.

    It begins as the identity (Kingma & Dhariwal 2018, section 3.1, begin at the statistics of the first batch instead).
    `log_scale` counts as WIDEST at most and as -WIDEST at least: a channel whose values are all equal would drive it to infinity,
    and the density with it.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.shift, self.log_scale = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return (x + self._along(self.shift, x)) * self._along(self._bounded(), x).exp(), self._log_abs_det(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z * self._along(-self._bounded(), z).exp() - self._along(self.shift, z), -self._log_abs_det(z)

    def _along(self, value: Tensor, x: Tensor) -> Tensor:
        return value.view(-1, *[1] * (x.ndim - 2))

    def _log_abs_det(self, x: Tensor) -> Tensor:
        """Every place of a channel has the channel's scale."""
        return (self._bounded().sum() * math.prod(x.shape[2:])).expand(len(x))

    def _bounded(self) -> Tensor:
        return self.log_scale.clamp(-WIDEST, WIDEST)


class Logit(Invertible):
    """z = log(p / (1 - p)) with p = alpha + (1 - 2 alpha) x, for x in (0, 1): the usual first layer for pixels.

    alpha keeps p away from 0 and 1 (Dinh, Sohl-Dickstein & Bengio 2017, section 4.1: 0.05).
    """

    def __init__(self, alpha: float = 0.05):
        super().__init__()
        if not 0 <= alpha < 0.5:
            raise ValueError(f"alpha is {alpha!r}; expected a number of at least 0 and below 0.5, such as 0.05")
        self.alpha = float(alpha)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p = self.alpha + (1 - 2 * self.alpha) * x
        slope = math.log(1 - 2 * self.alpha) - torch.log(p) - torch.log1p(-p)  # log dz/dx
        return torch.logit(p), slope.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        x = (torch.sigmoid(z) - self.alpha) / (1 - 2 * self.alpha)
        slope = F.logsigmoid(z) + F.logsigmoid(-z) - math.log(1 - 2 * self.alpha)  # log dx/dz
        return x, slope.flatten(1).sum(1)


class Squeeze(Invertible):
    """Images (B, C, H, W) -> (B, 4 C, H/2, W/2): each square of 2 x 2 pixels becomes four channels; volumes do not change."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        B, C, H, W = x.shape
        squares = x.reshape(B, C, H // 2, 2, W // 2, 2).permute(0, 1, 3, 5, 2, 4)
        return squares.reshape(B, 4 * C, H // 2, W // 2), _zeros(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        B, C, H, W = z.shape
        squares = z.reshape(B, C // 4, 2, 2, H, W).permute(0, 1, 4, 2, 5, 3)
        return squares.reshape(B, C // 4, 2 * H, 2 * W), _zeros(z)


class OnChannels(Invertible):
    """A layer on the first `count` channels alone; the others have reached their latents and stay as they are.

    This is the split of a multi-scale flow (Dinh et al. 2017, section 3.6), written so that the shape stays.
    """

    def __init__(self, layer: Invertible, count: int):
        super().__init__()
        self.layer, self.count = layer, count

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inside, log_abs_det = self.layer(x[:, : self.count])
        return torch.cat([inside, x[:, self.count :]], 1), log_abs_det

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        inside, log_abs_det = self.layer.inverse(z[:, : self.count])
        return torch.cat([inside, z[:, self.count :]], 1), log_abs_det


class Reorder(Invertible):
    """The channels (dimension 1) in another order: channel k of z is channel order[k] of x; volumes do not change."""

    def __init__(self, order: Sequence[int]):
        super().__init__()
        if sorted(order) != list(range(len(order))):
            raise ValueError(f"order is {list(order)}; expected each of 0 … {len(order) - 1} once")
        self.order = list(order)
        self.back = [self.order.index(channel) for channel in range(len(self.order))]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, self.order], _zeros(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z[:, self.back], _zeros(z)


def _zeros(x: Tensor) -> Tensor:
    """The log |det| of a map that changes no volume, (B,)."""
    return x.new_zeros(len(x))
