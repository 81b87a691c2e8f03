"""A network from image to image of the same size, the middle of which adds small changes: the generator of a CycleGAN."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + two convolutions of 3 x 3, each with instance normalisation, and ReLU between them (He et al. 2016)."""

    def __init__(self, channels: int):
        super().__init__()
        self.change = nn.Sequential(*_normalised(channels, channels), nn.ReLU(), *_normalised(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W), in and out."""
        return x + self.change(x)


class ResidualTranslator(nn.Module):
    """Images (B, channels_in, H, W) in [0, 1] -> images (B, channels_out, H, W) in [0, 1] (Zhu et al. 2017, section 4).

    One convolution, one of stride 2, residual blocks at half the sides, a sub-pixel convolution back to the full size, and a last
    convolution. Instance normalisation follows every convolution but the last. It takes from each map of each image its own mean
    and spread, so that a network cannot read the mean level of a map, however large it is.

    Args:
        channels_in, channels_out: of the images.
        channels: at the full size, and at half the sides.
        blocks: the number of residual blocks.
    """

    def __init__(self, *, channels_in: int = 1, channels_out: int = 1, channels: tuple[int, int] = (16, 32), blocks: int = 3):
        super().__init__()
        self.channels_in, self.channels_out = channels_in, channels_out
        self.channels, self.blocks = list(channels), blocks
        wide, deep = channels
        self.layers = nn.Sequential(
            *_normalised(channels_in, wide, kernel=5),
            nn.ReLU(),
            *_normalised(wide, deep, stride=2),  # (B, deep, H/2, W/2)
            nn.ReLU(),
            *(ResidualBlock(deep) for _ in range(blocks)),
            nn.Conv2d(deep, 4 * wide // 2, 3, padding=1),
            nn.PixelShuffle(2),  # (B, wide / 2, H, W)
            nn.InstanceNorm2d(wide // 2),
            nn.ReLU(),
            nn.Conv2d(wide // 2, channels_out, 5, padding=2),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W)."""
        return self.layers(2 * x - 1)


def _normalised(channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size, or divides it by the stride, and instance normalisation of what it makes."""
    return [nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2), nn.InstanceNorm2d(channels_out)]
