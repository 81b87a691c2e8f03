"""PixelRNN: LSTMs that run over an image, down its rows or along its diagonals (van den Oord et al. 2016)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.models.autoregressive.pixels import PixelModel, conv_taps, read_by
from course_lib.nn.image_lstm import DiagonalLayer, RowLayer
from course_lib.nn.masked import MaskedLinear, channel_mask


class ResidualLSTM(nn.Module):
    """maps + up(lstm(maps)): the LSTM has half as many features as the stream (van den Oord et al. 2016, figure 5)."""

    def __init__(self, lstm: nn.Module, hidden: Tensor, stream: Tensor):
        super().__init__()
        self.lstm, self.up = lstm, MaskedLinear(len(hidden), len(stream), channel_mask(hidden, stream, "B"))

    def forward(self, maps: Tensor) -> Tensor:
        """(H, W, B, F) -> (H, W, B, F)."""
        return maps + self.up(self.lstm(maps))


class PixelRNN(PixelModel):
    """What Row LSTM and Diagonal BiLSTM share: residual blocks around LSTM layers. Arguments: see PixelModel."""

    def _block(self, hidden: Tensor, stream: Tensor) -> nn.Module:
        return ResidualLSTM(self._lstm(stream, hidden), hidden, stream)

    def _all_parameters(self, maps: Tensor, x: Tensor) -> Tensor:
        maps = maps.permute(2, 3, 0, 1).contiguous()  # (H, W, B, F)
        for block in self.blocks:
            maps = block(maps)
        return self._readout(maps).permute(2, 0, 1, 3)  # (B, H, W, C P)

    def _stepper(self, n: int, drawn: Tensor) -> Callable[[Tensor, int, int], Tensor]:
        steppers = [block.lstm.stepper(n, self.event_shape[2]) for block in self.blocks]
        matrices = [(block.up.weight * block.up.mask).T for block in self.blocks]

        def step(maps: Tensor, i: int, j: int) -> Tensor:
            for block, lstm, matrix in zip(self.blocks, steppers, matrices, strict=True):
                maps = maps + torch.addmm(block.up.bias, lstm(maps, i, j), matrix)
            return maps

        return step

    def _field(self, field: Tensor, blocks: nn.ModuleList) -> Tensor:
        for _ in blocks:
            field = self._reach(field)
        return read_by(field, conv_taps(self.first))

    @abstractmethod
    def _lstm(self, stream: Tensor, hidden: Tensor) -> nn.Module:
        """One LSTM layer, given the channel of each incoming feature (F,) and of each of its units (F / 2,)."""

    @abstractmethod
    def _reach(self, field: Tensor) -> Tensor:
        """The pixels that one LSTM layer reads to make those of `field`."""


class RowLSTM(PixelRNN):
    """The Row LSTM: sees a triangle above each pixel, not all that came before (section 3.1). Arguments: see PixelModel."""

    def _lstm(self, stream: Tensor, hidden: Tensor) -> RowLayer:
        return RowLayer(stream, hidden, self.kernel)

    def _reach(self, field: Tensor) -> Tensor:
        reach = self.kernel // 2
        triangle = [(-up, side) for up in range(len(field)) for side in range(-reach * up, reach * up + 1)]
        return read_by(read_by(field, triangle), [(0, -1), (0, 0)])


class DiagonalBiLSTM(PixelRNN):
    """The Diagonal BiLSTM: sees what came before each pixel on all sides (section 3.2). Arguments: see PixelModel.

    One pixel is missing: the last pixel of the row above. The features of that row know the pixels to their left, but not
    their own (mask A), and no feature lies to the right of the last pixel. Only the first convolution can see it, from a
    distance of at most three columns.
    """

    def _lstm(self, stream: Tensor, hidden: Tensor) -> DiagonalLayer:
        if self.kernel != 3:
            raise ValueError(f"kernel is {self.kernel}; a Diagonal BiLSTM has none to choose: leave it out")
        return DiagonalLayer(stream, hidden)

    def _reach(self, field: Tensor) -> Tensor:
        H, W = field.shape
        ahead = read_by(field, [(-up, -left) for up in range(H) for left in range(W)])
        return ahead | read_by(field, [(-up, right) for up in range(1, H) for right in range(W)])
