"""Affine coupling layers: one part of an event stays, and says by how much the other part is stretched and moved.

z = x on the part that is kept, z = x exp(s(kept)) + t(kept) on the rest. The Jacobian is triangular, so that log |det| is the sum
of s, and the inverse needs no inverse of the networks s and t (Dinh, Sohl-Dickstein & Bengio 2017, equations 4 to 8).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.nn.dense import dense
from course_lib.nn.invertible import Invertible

LARGEST_LOG_SCALE = 2.0  # of one layer: a bounded stretch keeps the first steps of training stable


class Coupling(Invertible):
    """What all affine couplings share. A subclass says how an event is split, and how it is put together again.

    network: the kept part -> two numbers per changed one, in dimension 1: (B, 2 c, …). A raw log-scale r becomes
    2 tanh(r / 2), between -2 and 2.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @abstractmethod
    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The part that is kept, and the part that changes."""

    @abstractmethod
    def join(self, kept: Tensor, changed: Tensor) -> Tensor:
        """The event that `split` splits into these two."""

    def scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """The log-scale s and the shift t of the changed part, each of its shape, in the type of `kept`."""
        raw, shift = self.network(kept).to(kept.dtype).chunk(2, 1)
        return LARGEST_LOG_SCALE * torch.tanh(raw / LARGEST_LOG_SCALE), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept, changed = self.split(x)
        log_scale, shift = self.scale_and_shift(kept)
        return self.join(kept, changed * log_scale.exp() + shift), log_scale.flatten(1).sum(1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        kept, changed = self.split(z)  # the kept part is the same in x and in z
        log_scale, shift = self.scale_and_shift(kept)
        return self.join(kept, (changed - shift) * (-log_scale).exp()), -log_scale.flatten(1).sum(1)


class ChannelCoupling(Coupling):
    """An affine coupling that keeps some channels (dimension 1) and changes the others; for vectors a channel is a coordinate.

    Args:
        network: (B, kept, …) -> (B, 2 changed, …).
        channels: how many there are. kept: which of them stay.
    """

    def __init__(self, network: nn.Module, *, channels: int, kept: Sequence[int]):
        super().__init__(network)
        self.kept = sorted(kept)
        self.changed = [channel for channel in range(channels) if channel not in self.kept]
        if not self.changed or not self.kept or set(self.kept) | set(self.changed) != set(range(channels)):
            raise ValueError(f"kept is {list(kept)} of {channels} channels; expected some of 0 … {channels - 1}, but not all")
        self.back = [(self.kept + self.changed).index(channel) for channel in range(channels)]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, self.kept], x[:, self.changed]

    def join(self, kept: Tensor, changed: Tensor) -> Tensor:
        return torch.cat([kept, changed], 1)[:, self.back]


class CheckerboardCoupling(Coupling):
    """An affine coupling of images (B, C, H, W) that keeps the squares of one colour of a chessboard and changes the others.

    Args:
        network: images with 0 on the changed squares, (B, C, H, W) -> (B, 2 C, H, W).
        parity: 0 keeps the squares whose row and column have an even sum, 1 the others.
    """

    def __init__(self, network: nn.Module, *, parity: int):
        super().__init__(network)
        if parity not in (0, 1):
            raise ValueError(f"parity is {parity!r}; expected 0 or 1")
        self.parity = parity

    def mask(self, x: Tensor) -> Tensor:
        """1 on the kept squares, 0 on the others, (H, W)."""
        rows, columns = (torch.arange(side, device=x.device) for side in x.shape[-2:])
        return ((rows[:, None] + columns) % 2 == self.parity).to(x.dtype)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mask = self.mask(x)
        return x * mask, x * (1 - mask)

    def join(self, kept: Tensor, changed: Tensor) -> Tensor:
        return kept + changed * (1 - self.mask(kept))

    def scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = super().scale_and_shift(kept)
        return log_scale * (1 - self.mask(kept)), shift


def coupling_network(inputs: int, hidden: Sequence[int], outputs: int, activation: str = "tanh") -> nn.Sequential:
    """A fully connected network (B, inputs) -> (B, outputs) that begins at 0, so that its coupling begins as the identity."""
    return _from_zero(dense([inputs, *hidden, outputs], activation))


class CouplingConvolutions(nn.Module):
    """Convolutions of 3, 1 and 3 pixels: (B, inputs, H, W) -> (B, outputs, H, W), 0 at first.

    Args:
        inputs, width, outputs: channels.
        sides: (H, W) adds a learned number per channel and place to the first convolution, so that the network knows where it
            is: digits are centred. None adds nothing.
    """

    def __init__(self, inputs: int, width: int, outputs: int, sides: tuple[int, int] | None = None):
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, padding=1)
        self.rest = _from_zero(
            nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, outputs, 3, padding=1))
        )
        self.place = None if sides is None else nn.Parameter(torch.zeros(width, *sides))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        h = self.first(x.contiguous(memory_format=torch.channels_last))  # half the time of the usual memory order on a CPU
        return self.rest(h if self.place is None else h + self.place).contiguous()


def _from_zero(network: nn.Sequential) -> nn.Sequential:
    """The network with 0 as the weights and biases of its last layer."""
    nn.init.zeros_(network[-1].weight)
    nn.init.zeros_(network[-1].bias)
    return network
