"""Masked diffusion: pixels are hidden one by one until none is seen, and a network predicts those hidden from those seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.inputs import check_count, check_counts, check_event_shape, check_known, check_some
from course_lib.nn.velocity import TimedUNet
from course_lib.runtime import uniform


class MaskedDiffusion(AnyOrderModel):
    """A convolutional model of binary images in every order (Hoogeboom et al. 2022; Sahoo et al. 2024; Shi et al. 2024).

    At time t each pixel is hidden with probability t, independently. The bound on log p(x) of the masked diffusion is the mean
    over all orders of the exact log-likelihoods of an any-order model, so that both are the same model.

    Args:
        event_shape: (C, H, W), height and width multiples of 4.
        widths, told: of the U-Net, see nn.velocity.TimedUNet. Its time is the share of pixels that are hidden.
        order: of the D flat indices, for log_prob, sampling and completion; None is raster order.
        chunk: how many conditionals of an example are worked on at a time; changes memory and speed, never the result.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        widths: Sequence[int] = (48, 96),
        told: int = 128,
        order: Sequence[int] | None = None,
        chunk: int = 28,
    ):
        super().__init__()
        self.event_shape, self.widths = check_event_shape(event_shape), check_counts(widths, "widths")
        self.told, self.chunk = check_count(told, "told"), check_count(chunk, "chunk")
        if len(self.event_shape) != 3:
            raise ValueError(f"event_shape is {self.event_shape}; expected an image (C, H, W)")
        C, *sides = self.event_shape
        self.network = TimedUNet(inputs=2 * C, outputs=C, sides=sides, widths=self.widths, told=self.told, positions=True)
        self.set_order(order)

    def predict(self, x: Tensor, seen: Tensor) -> Bernoulli:
        mask = seen.to(x.dtype)
        hidden = 1 - mask.flatten(1).mean(1)  # (B,)
        return Bernoulli(self.network(torch.cat([(2 * x - 1) * mask, mask], 1), hidden))

    @torch.no_grad()
    def fill(self, x: Tensor, known: Tensor, *, steps: int, generator: torch.Generator | None = None) -> Tensor:
        """Keep x where `known`; draw the rest in `steps` rounds, several pixels of one round independently: (B, *event_shape).

        known: booleans (*event_shape) or (B, *event_shape). Every round reveals an equal number of the hidden pixels, in an order
        drawn at random for each example. With one pixel per round it is exact ancestral sampling in that order; with more it is
        an approximation, for the pixels of a round do not see each other.
        """
        known = check_known(known, check_some(x))
        x = self.check(torch.where(known, x, torch.zeros_like(x)))
        noise = uniform((len(x), 2, self.dimensions), x, generator)
        rank = (noise[:, 0] + 2 * ~known.flatten(1)).argsort(1).argsort(1).reshape(x.shape)  # known pixels come first
        kept = known.flatten(1).sum(1).view(-1, 1, 1, 1)
        value = noise[:, 1].reshape(*x.shape, 1)
        for step in range(check_count(steps, "steps")):
            begin = kept + (self.dimensions - kept) * step // steps
            end = kept + (self.dimensions - kept) * (step + 1) // steps
            drawn = self.predict(x, rank < begin).from_noise(value).to(x.dtype)
            x = torch.where((rank >= begin) & (rank < end), drawn, x)
        return x


def masked_bound(model: AnyOrderModel, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """One unbiased estimate for each example of the bound of masked diffusion on log p(x), in nats, (B,).

    t uniform in (0, 1], each variable hidden with probability t; the log-probabilities of the hidden ones, weighted by 1 / t
    (Sahoo et al. 2024, eq. 10, with the linear schedule). The estimate has a large variance, since few are hidden where 1 / t
    is large; `order_nats` estimates the same mean with less.
    """
    x = model.check(x)
    noise = uniform((len(x), 1 + model.dimensions), x, generator)
    t = 1 - noise[:, 0]  # (B,), in (0, 1]
    hidden = noise[:, 1:] < t[:, None]
    found = model.predict(x, ~hidden.reshape(x.shape)).log_prob(x).flatten(1)
    return (found * hidden).sum(1) / t


def weight_of_mask(hidden: int, dimensions: int) -> float:
    """How much one mask with so many hidden of D variables counts in the bound: the integral of t^(h - 1) (1 - t)^(D - h) over t.

    It is 1 / (h · C(D, h)), h at least 1: as in a random order, where every number of hidden ones occurs once.
    """
    return 1 / (hidden * math.comb(dimensions, hidden))
