"""Judging an image patch by patch: a discriminator with one logit for each overlapping part of the image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from course_lib.nn.adversarial import SLOPE


class PatchDiscriminator(nn.Module):
    """Images (B, C, H, W) in [0, 1] -> one logit per patch, (B, H/4, W/4), each of 18 x 18 pixels (Isola et al. 2017).

    Two convolutions of 4 x 4 with stride 2, then one of 3 x 3. Neighbouring patches overlap by 14 pixels, and a patch at the
    border sees grey outside the image. Grey levels from 0 to 1 become -1 to 1 first. With one channel in and the default sizes it
    has 33,953 parameters.

    Args:
        channels_in: C. A discriminator of pairs sees both images of a pair as one image with the channels of both.
        channels: of the first two convolutions.
        instance_norm: whether instance normalisation follows the second convolution (Zhu et al. 2017). Then every logit depends,
            beyond its own patch, on the mean and the spread of each map over the whole image.
    """

    def __init__(self, *, channels_in: int = 1, channels: Sequence[int] = (32, 64), instance_norm: bool = True):
        super().__init__()
        self.channels_in, self.channels, self.instance_norm = channels_in, list(channels), instance_norm
        first, second = channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, first, 4, stride=2, padding=1),  # (B, first, H/2, W/2)
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(first, second, 4, stride=2, padding=1),  # (B, second, H/4, W/4)
            *([nn.InstanceNorm2d(second)] if instance_norm else []),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(second, 1, 3, padding=1),  # (B, 1, H/4, W/4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, H/4, W/4)."""
        return self.layers(2 * x - 1).squeeze(1)
