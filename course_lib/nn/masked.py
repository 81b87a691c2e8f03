"""Layers with masked weights, so that a network keeps to an order (Germain et al. 2015; van den Oord et al. 2016)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.runtime import check_index


class MaskedLinear(nn.Linear):
    """A linear layer whose weight (out, in) is multiplied by a mask of the same shape: 0 cuts a connection."""

    def __init__(self, in_features: int, out_features: int, mask: Tensor, bias: bool = True):
        super().__init__(in_features, out_features, bias=bias)
        self.register_buffer("mask", mask.to(self.weight.dtype), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(…, in) -> (…, out). mask (out, in): used instead of the layer's own, if given."""
        return F.linear(x, self.weight * (self.mask if mask is None else mask), self.bias)


def degree_masks(degrees: list[Tensor]) -> list[Tensor]:
    """Masks (out, in) between layers whose units have these degrees, first the inputs', last the outputs'.

    A unit of degree m may depend on the first m variables of the order (Germain et al. 2015, eqs. 12-13): a hidden
    unit looks at units of degree <= its own. Input number k (from 1) has degree k. Outputs carry degree k - 1, so the
    same rule `incoming <= own` makes output k depend on the variables before it alone.
    """
    pairs = itertools.pairwise(degrees)
    return [incoming[None, :] <= own[:, None] for incoming, own in pairs]


def channel_groups(width: int, channels: int, repeat: int = 1) -> Tensor:
    """The channel to which each of `width` features belongs, (repeat * width,): equal shares in the channels' order, repeated."""
    return (torch.arange(width) * channels // width).repeat(repeat)


def channel_mask(incoming: Tensor, own: Tensor, kind: str) -> Tensor:
    """What a pixel's features may take from the same pixel, (out, in) booleans (van den Oord et al. 2016, section 3.4).

    incoming, own: the channel of each feature, as `channel_groups` gives it. Mask "A" lets channels before the own one
    through, "B" also the own one. With one channel, "A" cuts the pixel itself out, and "B" lets all of it through.
    """
    if kind not in ("A", "B"):
        raise ValueError(f"kind is {kind!r}; expected 'A' (first layer) or 'B' (all later ones)")
    return incoming[None, :] < own[:, None] if kind == "A" else incoming[None, :] <= own[:, None]


def check_kernel(kernel: int) -> int:
    """The width of a kernel with a middle: an odd number of at least 1, or ValueError."""
    try:
        width = check_index(kernel, "kernel", 1)
    except ValueError:
        width = 0
    if width % 2 == 0:
        raise ValueError(f"kernel is {kernel!r}; expected an odd number of at least 1: its middle is the pixel itself")
    return width


class MaskedConv2d(nn.Module):
    """A convolution that sees only what comes before in raster order (van den Oord et al. 2016, section 3.4).

    Rows below the pixel can have no weight, so the kernels are kept without them, each as a row: (out, in rows k).

    Args:
        in_groups, out_groups: the channel of each incoming and outgoing feature, (in,) and (out,).
        kernel: k, odd: how many columns, and k // 2 rows above the pixel's own.
        kind: what the pixel may see of its own row: "A", the pixels to its left and its own earlier channels; "B", its own
            channel as well; None, all of the row (for a stack whose result is moved down a row).
        rows: rows of the kernel, the pixel's own included; None is k // 2 + 1.
    """

    def __init__(
        self, in_groups: Tensor, out_groups: Tensor, *, kernel: int = 1, kind: str | None = "B", rows: int | None = None
    ):
        super().__init__()
        self.kernel, self.reach = kernel, check_kernel(kernel) // 2
        self.above = self.reach if rows is None else rows - 1
        mask = torch.ones(len(out_groups), len(in_groups), self.above + 1, kernel)
        if kind is not None:
            mask[:, :, -1, self.reach + 1 :] = 0  # to the right of the pixel
            mask[:, :, -1, self.reach] = channel_mask(in_groups, out_groups, kind).float()
        self.register_buffer("mask", mask, persistent=False)
        self.weight = nn.Parameter(torch.randn_like(mask).flatten(1) / mask.flatten(1).sum(1).mean().clamp(min=1).sqrt())
        self.bias = nn.Parameter(torch.zeros(len(out_groups)))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in, H, W) -> (B, out, H, W)."""
        y = F.conv2d(x, self.kernels(), self.bias, padding=(self.above, self.reach))  # (B, out, H + above, W)
        return y[:, :, : x.shape[2]]

    def kernels(self) -> Tensor:
        """(out, in, rows, k), masked."""
        return self.weight.view(self.mask.shape) * self.mask

    def as_matrix(self) -> Tensor:
        """The kernel as (rows * k * in, out), for windows laid out (row, column, feature)."""
        return self.kernels().permute(2, 3, 1, 0).flatten(0, 2)
