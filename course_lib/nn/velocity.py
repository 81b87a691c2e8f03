"""Networks that are told a time, and perhaps a condition: a U-Net for images, and a dense network for vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.runtime import check_index

GROUP = 8  # features that are normalised together
FASTEST = 1_000.0  # highest angular frequency of the features of time


def time_features(t: Tensor, size: int, fastest: float = FASTEST) -> Tensor:
    """Cosines and sines of times t (B,) in [0, 1], (B, size): angular frequencies from 1 to `fastest` in equal ratios.

    The positional encoding of Vaswani et al. (2017, section 3.5), with a time in place of a position.
    """
    frequency = torch.exp(torch.linspace(0, math.log(fastest), size // 2, device=t.device, dtype=t.dtype))
    angle = t[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], 1)


class Told(nn.Module):
    """What a network is told, as one vector per example: (B, width) of a time and of a condition.

    Args:
        width: an even number.
        rows: of the table of conditions; 0 has no condition.
        spans: also told is a span of time, such as the length of the step that is about to be made.
        fastest: the highest angular frequency of the features of time.
    """

    def __init__(self, *, width: int, rows: int = 0, spans: bool = False, fastest: float = FASTEST):
        super().__init__()
        self.width, self.rows, self.spans, self.fastest = width, rows, spans, fastest
        self.of_time = nn.Sequential(nn.Linear(width * (1 + spans), width), nn.SiLU(), nn.Linear(width, width))
        self.table = nn.Parameter(torch.randn(rows, width)) if rows else None

    def forward(self, t: Tensor, condition: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """Times t (B,), weights of the rows of the table (B, rows), spans (B,), 0 where none are given -> (B, width)."""
        features = time_features(t, self.width, self.fastest)
        if self.spans:
            span = torch.zeros_like(t) if span is None else span
            features = torch.cat([features, time_features(span, self.width, self.fastest)], 1)
        told = self.of_time(features)
        return told if self.table is None else told + condition @ self.table


class TimedBlock(nn.Module):
    """Two convolutions of 3 x 3 with a skip around them (He et al. 2016); what is told shifts the features between them."""

    def __init__(self, inputs: int, outputs: int, told: int):
        super().__init__()
        self.before = nn.Sequential(nn.GroupNorm(inputs // GROUP, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.shift = nn.Sequential(nn.SiLU(), nn.Linear(told, outputs))
        self.after = nn.Sequential(nn.GroupNorm(outputs // GROUP, outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1))
        nn.init.zeros_(self.after[-1].weight)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        """(B, inputs, H, W), (B, told) -> (B, outputs, H, W)."""
        return self.skip(h) + self.after(self.before(h) + self.shift(told)[:, :, None, None])


class TimedUNet(nn.Module):
    """Images, times and conditions -> images of the same sides: a U-Net of four residual blocks on half and quarter sides.

    Each 2 x 2 square of pixels becomes four channels of an image of half the sides, where all of the work is done; at the end the
    four channels become a square again (sub-pixel convolution, Shi et al. 2016). With one channel, rows = 11 and the default
    widths it has 577,316 parameters.

    Args:
        inputs, outputs: numbers of channels.
        sides: (H, W) of the images; both must divide by 4.
        widths: numbers of features at half and at a quarter of the sides, multiples of 8.
        told: length of the vector of time and condition, an even number.
        rows: of the table of conditions; 0 has none.
        positions: adds a learned number to each feature at each place.
    """

    def __init__(
        self,
        *,
        inputs: int = 1,
        outputs: int = 1,
        sides: Sequence[int] = (28, 28),
        widths: Sequence[int] = (48, 96),
        told: int = 128,
        rows: int = 0,
        positions: bool = False,
    ):
        super().__init__()
        self.inputs, self.outputs = check_index(inputs, "inputs", 1), check_index(outputs, "outputs", 1)
        self.sides, self.widths = [int(side) for side in sides], [int(width) for width in widths]
        self.told, self.rows, self.positions = check_index(told, "told", 2), check_index(rows, "rows"), positions
        if len(self.sides) != 2 or len(self.widths) != 2 or any(s % 4 for s in self.sides) or any(w % GROUP for w in self.widths):
            raise ValueError(
                f"sides are {self.sides} and widths {self.widths}; "
                f"expected two sides that divide by 4, and two multiples of {GROUP}"
            )
        wide, deep = self.widths
        self.words = Told(width=self.told, rows=rows)
        self.first = nn.Conv2d(4 * inputs, wide, 3, padding=1)
        self.place = nn.Parameter(torch.zeros(wide, *(side // 2 for side in self.sides))) if positions else None
        self.level = TimedBlock(wide, wide, told)
        self.down = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([TimedBlock(deep, deep, told), TimedBlock(deep, deep, told)])
        self.up = nn.Sequential(nn.Conv2d(deep, 4 * wide, 1), nn.PixelShuffle(2))
        self.merge = TimedBlock(2 * wide, wide, told)
        self.last = nn.Sequential(nn.GroupNorm(wide // GROUP, wide), nn.SiLU(), nn.Conv2d(wide, 4 * outputs, 3, padding=1))
        nn.init.zeros_(self.last[-1].weight)

    def forward(self, x: Tensor, t: Tensor, condition: Tensor | None = None) -> Tensor:
        """x (B, inputs, H, W), t (B,), weights of the table's rows (B, rows) -> (B, outputs, H, W)."""
        told = self.words(t, condition)
        h = self.first(nn.functional.pixel_unshuffle(x, 2))
        if self.place is not None:
            h = h + self.place
        across = h = self.level(h, told)
        h = self.down(h)
        for block in self.middle:
            h = block(h, told)
        h = self.merge(torch.cat([self.up(h), across], 1), told)
        return nn.functional.pixel_shuffle(self.last(h), 2)


class TimedDense(nn.Module):
    """Vectors, times and conditions -> vectors of the same length: residual blocks of two linear layers.

    Args:
        size: length of a vector. width: hidden units. blocks: their number.
        rows: of the table of conditions; 0 has none.
        spans, fastest: see Told.
    """

    def __init__(
        self, *, size: int, width: int = 256, blocks: int = 3, rows: int = 0, spans: bool = False, fastest: float = FASTEST
    ):
        super().__init__()
        self.size, self.width = check_index(size, "size", 1), check_index(width, "width", 2)
        self.blocks, self.rows = check_index(blocks, "blocks", 1), check_index(rows, "rows")
        self.spans, self.fastest = spans, fastest
        self.words = Told(width=width, rows=rows, spans=spans, fastest=fastest)
        self.first, self.last = nn.Linear(size, width), nn.Linear(width, size)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.before = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.after = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, t: Tensor, condition: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """x (B, size), t (B,), weights of the table's rows (B, rows), spans (B,) -> (B, size)."""
        told, h = self.words(t, condition, span), self.first(x)
        for norm, before, after in zip(self.norms, self.before, self.after, strict=True):
            h = h + after(nn.functional.silu(before(norm(h) + told)))
        return self.last(h)
