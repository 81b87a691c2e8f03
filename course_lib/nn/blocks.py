"""Networks from images to a few numbers and back: dense, convolutional, recurrent and with attention, all by one name.

`encoder(kind, …)` reads images (B, C, H, W), `decoder(kind, …)` makes them. The dense kinds take events of any shape.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.nn.dense import dense, nonlinearity

ENCODERS = ("dense", "convolutional", "recurrent", "attention")
DECODERS = ("dense", "convolutional")
UPSAMPLINGS = ("even", "uneven", "resize", "sub-pixel")
PATCHES = 4  # an encoder with attention cuts an image into 4 patches across and 4 down


def encoder(
    kind: str,
    event_shape: Sequence[int],
    widths: Sequence[int],
    outputs: int,
    *,
    hidden: Sequence[int] = (),
    activation: str = "relu",
) -> nn.Module:
    """A network (B, *event_shape) -> (B, outputs).

    widths, by kind:
        "dense": units of each hidden layer.
        "convolutional": features of each layer; each halves the height and the width.
        "recurrent": (units,) of a GRU that reads the rows from above.
        "attention": (width, …), as many equal numbers as there are blocks; they look at 4 × 4 patches.
    hidden, activation: of a convolutional one, the units of dense layers after the convolutions, and "relu", "silu" or "tanh".
    Raises ValueError for an unknown kind, for images whose sides do not divide, and for an argument that this kind does not take.
    """
    widths = tuple(widths)
    _for_convolutions(kind, hidden, activation)
    if kind == "dense":
        return nn.Sequential(nn.Flatten(), dense([math.prod(event_shape), *widths, outputs], "relu"))
    if kind not in ENCODERS:
        raise ValueError(f"encoder is {kind!r}; expected one of {ENCODERS}")
    C, H, W = _image(event_shape)
    if kind == "convolutional":
        h, w = _halved(H, len(widths)), _halved(W, len(widths))
        halving = _halving(C, widths, activation)
        return nn.Sequential(*halving, nn.Flatten(), *dense([widths[-1] * h * w, *hidden, outputs], activation))
    if kind == "recurrent":
        return RowReader(C * W, *widths, outputs)
    return PatchReader((C, H, W), widths, outputs)


def decoder(
    kind: str,
    inputs: int,
    widths: Sequence[int],
    event_shape: Sequence[int],
    *,
    upsampling: str = "even",
    hidden: Sequence[int] = (),
    activation: str = "relu",
) -> nn.Sequential:
    """A network (B, inputs) -> (B, *event_shape), real numbers without bounds.

    widths: as in `encoder`, from the first layer to the last; a convolutional decoder has the features of the smallest maps
    first. hidden: units of dense layers before the convolutions. upsampling: see `upsample`. activation: see `encoder`.
    """
    widths = tuple(widths)
    if upsampling not in UPSAMPLINGS:
        raise ValueError(f"upsampling is {upsampling!r}; expected one of {UPSAMPLINGS}")
    _for_convolutions(kind, hidden, activation)
    if kind == "dense":
        return nn.Sequential(dense([inputs, *widths, math.prod(event_shape)], "relu"), nn.Unflatten(1, tuple(event_shape)))
    if kind not in DECODERS:
        raise ValueError(f"decoder is {kind!r}; expected one of {DECODERS}")
    C, H, W = _image(event_shape)
    h, w = _halved(H, len(widths)), _halved(W, len(widths))
    layers: list[nn.Module] = [*dense([inputs, *hidden, widths[0] * h * w], activation), nn.Unflatten(1, (widths[0], h, w))]
    for before, after in itertools.pairwise([*widths, C]):
        layers += [nonlinearity(activation), upsample(before, after, upsampling)]
    return nn.Sequential(*layers)


def upsample(features: int, outputs: int, kind: str = "even") -> nn.Module:
    """Maps (B, features, H, W) -> (B, outputs, 2 H, 2 W).

    kind: "even" is a transposed convolution whose kernel of 4 is a multiple of its stride of 2, so that each pixel is painted
    equally often. "uneven" has a kernel of 3, which paints some pixels once, some twice and some four times. "resize" repeats
    each pixel 2 x 2 times and applies a convolution (Odena, Dumoulin & Olah 2016). "sub-pixel" makes four maps for every map of
    the output by one convolution, and sets them side by side as 2 x 2 pixels (Shi et al. 2016, section 2.2).
    """
    if kind == "even":
        return nn.ConvTranspose2d(features, outputs, 4, stride=2, padding=1)
    if kind == "uneven":
        return nn.ConvTranspose2d(features, outputs, 3, stride=2, padding=1, output_padding=1)
    if kind == "resize":
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(features, outputs, 3, padding=1))
    if kind == "sub-pixel":
        return nn.Sequential(nn.Conv2d(features, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))
    raise ValueError(f"upsampling is {kind!r}; expected one of {UPSAMPLINGS}")


class RowReader(nn.Module):
    """A GRU that reads an image row by row from above, and a linear layer on its last state."""

    def __init__(self, row: int, units: int, outputs: int):
        super().__init__()
        self.recurrent = nn.GRU(row, units, batch_first=True)
        self.readout = nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs)."""
        rows = x.transpose(1, 2).flatten(2)  # (B, H, C W)
        return self.readout(self.recurrent(rows)[1][0])


class PatchReader(nn.Module):
    """Self-attention among the 4 × 4 patches of an image (Dosovitskiy et al. 2021), and the mean over the patches."""

    def __init__(self, event_shape: tuple[int, int, int], widths: Sequence[int], outputs: int):
        super().__init__()
        C, H, W = event_shape
        if H % PATCHES or W % PATCHES:
            raise ValueError(f"images are {H} × {W}; expected sides that divide by {PATCHES}, to be cut into patches")
        if len(set(widths)) != 1:
            raise ValueError(f"widths are {tuple(widths)}; expected one equal number for each block with attention")
        self.sides = (H // PATCHES, W // PATCHES)
        self.embed = nn.Linear(C * math.prod(self.sides), widths[0])
        self.position = nn.Parameter(0.02 * torch.randn(PATCHES**2, widths[0]))
        self.blocks = nn.ModuleList(AttentionBlock(width) for width in widths)
        self.norm, self.readout = nn.LayerNorm(widths[0]), nn.Linear(widths[0], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs)."""
        patches = F.unfold(x, self.sides, stride=self.sides).transpose(1, 2)  # (B, 16, C h w)
        h = self.embed(patches) + self.position  # (B, 16, width)
        for block in self.blocks:
            h = block(h)
        return self.readout(self.norm(h).mean(1))


class AttentionBlock(nn.Module):
    """x + attention(norm(x)), then x + network(norm(x)), each place looking at all others (Vaswani et al. 2017).

    The block of `models.sequence.transformer` is another function: it looks back only, with several heads and rotary positions.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.network = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        query, key, value = self.query_key_value(self.norm_attention(x)).chunk(3, -1)
        x = x + self.mix(F.scaled_dot_product_attention(query, key, value))
        return x + self.network(self.norm_network(x))


def _halving(features: int, widths: Sequence[int], activation: str) -> list[nn.Module]:
    """Convolutions, each of which halves height and width."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise([features, *widths]):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nonlinearity(activation)]
    return layers


def _for_convolutions(kind: str, hidden: Sequence[int], activation: str) -> None:
    if kind != "convolutional" and (hidden or activation != "relu"):
        raise ValueError(
            f"{kind!r} has hidden {tuple(hidden)} and activation {activation!r}; expected 'convolutional', or neither"
        )


def _image(event_shape: Sequence[int]) -> tuple[int, int, int]:
    if len(event_shape) != 3:
        raise ValueError(f"event_shape is {tuple(event_shape)}; expected an image (C, H, W), or the kind 'dense'")
    return tuple(event_shape)


def _halved(side: int, times: int) -> int:
    """The side after so many halvings."""
    if not times or side % 2**times:
        raise ValueError(f"{times} layers cannot halve a side of {side} so often; expected at least one, and {side} / 2^n whole")
    return side // 2**times
