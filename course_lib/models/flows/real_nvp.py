"""RealNVP: a flow of images by couplings on two scales (Dinh, Sohl-Dickstein & Bengio 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from course_lib.models.flows.base import LayeredFlow
from course_lib.models.inputs import (
    as_parameters,
    check_counts,
    check_event_shape,
    check_events,
    check_list,
    check_whole,
    values_are_trusted,
)
from course_lib.nn.coupling import ChannelCoupling, CheckerboardCoupling, CouplingConvolutions
from course_lib.nn.histogram import HistogramGaussian
from course_lib.nn.invertible import Chain, ChannelAffine, Inverse, Invertible, Logit, OnChannels, Squeeze

ALPHA = 1e-6  # of the logit layer


def _whole(counts: Sequence[int] | None, name: str) -> list[int] | None:
    """counts as Python ints of at least 0, or None; ValueError otherwise."""
    if counts is None:
        return None
    return [check_whole(count, f"one of {name}") for count in check_list(counts, name, "whole numbers, one per level or pixel")]


class RealNVP(LayeredFlow):
    """A flow of images whose pixels are continuous, in (0, 1); whole grey levels come to it through `Dequantised`.

    First a layer that treats every pixel alike: by the histogram of all grey levels where `counts` are given, otherwise a logit.
    Then couplings on checkerboards at the full size; squeeze to 4 C channels and couplings between channels; half of the channels
    are finished; squeeze again to 8 C channels, and couplings between these. One scale and shift per channel follows each
    coupling. The latents have the images' shape and places (B, C, H, W).

    Args:
        event_shape: (C, H, W), H and W divisible by 4.
        counts: how often each grey level occurs in the training images; None takes the logit.
        black, images: None, or in how many of so many training images each pixel is black; each pixel then has a histogram of
            its own (nn/histogram.py).
        widths: channels of the convolutions in each coupling's network, on the three stages.
        couplings: how many of them on each stage.
        positions: whether the networks know their place: a learned number per channel and place joins the first convolution.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int] = (1, 28, 28),
        counts: Sequence[int] | None = None,
        black: Sequence[int] | None = None,
        images: int = 0,
        widths: Sequence[int] = (16, 48, 96),
        couplings: Sequence[int] = (2, 4, 8),
        positions: bool = True,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.widths, self.couplings = check_counts(widths, "widths"), check_counts(couplings, "couplings")
        self.positions = bool(positions)
        if len(self.event_shape) != 3 or self.event_shape[1] % 4 or self.event_shape[2] % 4:
            raise ValueError(f"event_shape is {self.event_shape}; expected images (C, H, W) whose sides divide by 4: pad them")
        if not len(self.widths) == len(self.couplings) == 3:
            raise ValueError(
                f"widths are {self.widths} and couplings {self.couplings}; expected three numbers each, one per stage"
            )
        self.counts, self.black, self.images = _whole(counts, "counts"), _whole(black, "black"), check_whole(images, "images")
        first = Logit(ALPHA) if self.counts is None else HistogramGaussian(self.counts, self.black, self.images)
        C = self.event_shape[0]
        fine = Chain([Squeeze(), *self._stage(2, 8 * C), Inverse(Squeeze())])
        middle = [Squeeze(), *self._stage(1, 4 * C), OnChannels(fine, 2 * C), Inverse(Squeeze())]
        self.chain = Chain([first, *self._stage(0, C), *middle])

    def _stage(self, stage: int, channels: int) -> list[Invertible]:
        """The couplings of one stage, each with its affine layer."""
        sides = tuple(side // 2**stage for side in self.event_shape[1:])
        layers: list[Invertible] = []
        for place in range(self.couplings[stage]):
            if stage == 0:
                network = CouplingConvolutions(channels, self.widths[0], 2 * channels, sides if self.positions else None)
                layers.append(CheckerboardCoupling(network, parity=place % 2))
            else:
                bits = 1 + place // 2 % (channels - 1)  # another half of the channels is kept each time
                kept = [c for c in range(channels) if (c & bits).bit_count() % 2 == place % 2]
                changed = channels - len(kept)
                network = CouplingConvolutions(len(kept), self.widths[stage], 2 * changed, sides if self.positions else None)
                layers.append(ChannelCoupling(network, channels=channels, kept=kept))
            layers.append(ChannelAffine(channels))
        return layers

    def check(self, x: Tensor) -> Tensor:
        """x if it is images (B, C, H, W) with all values inside (0, 1); otherwise ValueError."""
        check_events(x, self.event_shape)
        if not values_are_trusted() and not ((x > 0) & (x < 1)).all():
            low, high = x.min().item(), x.max().item()
            fix = "divide by 255" if high > 1 else "add noise to whole grey levels first: Dequantised(flow=…).infer(x)"
            raise ValueError(f"x has values in [{low:.4g}, {high:.4g}]; expected continuous values inside (0, 1); {fix}")
        return as_parameters(x, self)
