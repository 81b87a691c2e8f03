"""PixelCNN: masked convolutions, all pixels at once in training (van den Oord, Kalchbrenner & Kavukcuoglu 2016)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.autoregressive.pixels import Conv, ConvCache, PixelModel, conv_taps, read_by, whole
from course_lib.nn.masked import MaskedConv2d


class ResidualConv(nn.Module):
    """maps + 1 x 1 (k x k (1 x 1 (maps))), with mask B and relu before each (van den Oord et al. 2016, figure 5: k = 3)."""

    def __init__(self, hidden: Tensor, stream: Tensor, kernel: int = 3):
        super().__init__()
        self.down = MaskedConv2d(stream, hidden)
        self.middle = MaskedConv2d(hidden, hidden, kernel=kernel)
        self.up = MaskedConv2d(hidden, stream)

    def forward(self, maps: Tensor, conv: Conv = whole) -> Tensor:
        """(B, F, H, W) -> (B, F, H, W). conv: how each convolution is done; at one pixel, all shapes are (B, F)."""
        inner = conv(self.down, torch.relu(maps))
        inner = conv(self.middle, torch.relu(inner))
        return maps + conv(self.up, torch.relu(inner))


class PixelCNN(PixelModel):
    """The PixelCNN of van den Oord et al. (2016), section 3.5: fast to train, and blind to a part of what came before.

    Arguments: see PixelModel. For each row upwards, the kernels of its blocks reach at most kernel // 2 columns to the right.
    So each pixel never sees a wedge above it on the right, however many layers there are: the blind spot (van den Oord et al.
    2016b, figure 1, with a kernel of 3).
    """

    def _block(self, hidden: Tensor, stream: Tensor) -> nn.Module:
        return ResidualConv(hidden, stream, self.kernel)

    def _all_parameters(self, maps: Tensor, x: Tensor) -> Tensor:
        for block in self.blocks:
            maps = block(maps)
        return self._readout(maps.permute(0, 2, 3, 1))  # (B, H, W, C P)

    def _stepper(self, n: int, drawn: Tensor) -> Callable[[Tensor, int, int], Tensor]:
        caches = {
            conv: ConvCache(conv, n, *self.event_shape[1:]) for conv in self.blocks.modules() if isinstance(conv, MaskedConv2d)
        }

        def step(maps: Tensor, i: int, j: int) -> Tensor:
            for block in self.blocks:
                maps = block(maps, lambda layer, value: caches[layer](value, i, j))
            return maps

        return step

    def _field(self, field: Tensor, blocks: nn.ModuleList) -> Tensor:
        for block in blocks:
            field = read_by(field, conv_taps(block.middle))
        return read_by(field, conv_taps(self.first))


class GatedBlock(nn.Module):
    """One layer of the gated PixelCNN (van den Oord et al. 2016b, figure 2).

    The vertical stack looks both ways along its rows. The horizontal stack sees its own row, to the left of the pixel; the maps
    of the vertical stack, moved down by one row, tell it what lies above. Both stacks pass through tanh(a) * sigmoid(b); the
    horizontal one is residual.
    """

    def __init__(self, stream: Tensor, kernel: int = 3):
        super().__init__()
        twice = stream.repeat(2)
        self.vertical = MaskedConv2d(stream, twice, kernel=kernel, kind=None)
        self.link = MaskedConv2d(twice, twice, kind=None)
        self.across = MaskedConv2d(stream, twice, kernel=kernel, rows=1)
        self.mix = MaskedConv2d(stream, stream)

    @staticmethod
    def gate(both: Tensor) -> Tensor:
        """tanh(a) * sigmoid(b) of both halves: (B, 2 F, …) -> (B, F, …)."""
        a, b = both.chunk(2, 1)
        return torch.tanh(a) * torch.sigmoid(b)

    def horizontal(self, maps: Tensor, above: Tensor, conv: Conv = whole) -> Tensor:
        """Maps (B, F, …), and the link's maps moved down by a row, (B, 2 F, …) -> (B, F, …). conv: how a convolution is done."""
        return maps + conv(self.mix, self.gate(conv(self.across, maps) + above))


class GatedPixelCNN(PixelModel):
    """The gated PixelCNN of van den Oord et al. (2016b): two stacks of convolutions, and no blind spot.

    Arguments: see PixelModel. Rows above come from the vertical stack, whose kernels look both ways.
    """

    def _first(self, channels: Tensor, stream: Tensor) -> MaskedConv2d:
        self.top = MaskedConv2d(channels, stream, kernel=7, kind=None)  # where the vertical stack begins
        return MaskedConv2d(channels, stream, kernel=7, kind="A", rows=1)

    def _block(self, hidden: Tensor, stream: Tensor) -> nn.Module:
        return GatedBlock(stream, self.kernel)

    def _all_parameters(self, maps: Tensor, x: Tensor) -> Tensor:
        up = self._first_maps(self.top, x)
        for block in self.blocks:
            both = block.vertical(up)  # (B, 2 F, H, W): pre-activations of tanh and of the gate
            above = F.pad(block.link(both)[:, :, :-1], (0, 0, 1, 0))
            maps, up = block.horizontal(maps, above), block.gate(both)
        return self._readout(maps.permute(0, 2, 3, 1))  # (B, H, W, C P)

    def _stepper(self, n: int, drawn: Tensor) -> Callable[[Tensor, int, int], Tensor]:
        stack = VerticalStack(self, n)
        caches = {
            layer: ConvCache(layer, n, *self.event_shape[1:]) for block in self.blocks for layer in (block.across, block.mix)
        }

        def step(maps: Tensor, i: int, j: int) -> Tensor:
            if i != stack.row:
                stack.advance(i, self._standard(drawn[:, :, i - 1]))
            for block, above in zip(self.blocks, stack.above, strict=True):
                maps = block.horizontal(maps, above[:, :, j], lambda layer, value: caches[layer](value, i, j))
            return maps

        return step

    def _field(self, field: Tensor, blocks: nn.ModuleList) -> Tensor:
        up = torch.zeros_like(field)  # pixels of the vertical stack's maps that are read
        for block in reversed(blocks):
            up = read_by(up | read_by(field, [(-1, 0)]), conv_taps(block.vertical))
            field = read_by(field, conv_taps(block.across))
        return read_by(field, conv_taps(self.first)) | read_by(up, conv_taps(self.top))


class VerticalStack:
    """The vertical stack of a GatedPixelCNN for n images, one row after the other. It never reads the row that is being drawn."""

    def __init__(self, model: GatedPixelCNN, n: int):
        self.model, self.row = model, 0
        layers, width = [model.top, *(block.vertical for block in model.blocks)], model.event_shape[2]
        self.rows = {layer: layer.weight.new_zeros(n, layer.mask.shape[1], layer.above + 1, width) for layer in layers}
        self.above = [layer.weight.new_zeros(n, len(layer.weight), width) for layer in layers[1:]]  # (n, 2 F, W) each

    def _conv(self, layer: MaskedConv2d, row: Tensor) -> Tensor:
        """A new row (n, in, W) below those that went before -> the layer's row (n, out, W)."""
        self.rows[layer] = torch.cat([self.rows[layer][:, :, 1:], row[:, :, None]], 2)
        return F.conv2d(self.rows[layer], layer.kernels(), layer.bias, padding=(0, layer.reach))[:, :, 0]

    def advance(self, i: int, drawn: Tensor) -> None:
        """Go to row i, given the standardised images' row i - 1, (n, C, W)."""
        self.row = i
        up = self.model.placed(self._conv(self.model.top, drawn), i - 1)
        for number, block in enumerate(self.model.blocks):
            both = self._conv(block.vertical, up)
            self.above[number] = block.link(both[:, :, None])[:, :, 0]
            up = block.gate(both)
