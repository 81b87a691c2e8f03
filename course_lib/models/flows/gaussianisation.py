"""Iterative Gaussianisation: a flow that is computed, not trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.models.flows.arguments import check_vector
from course_lib.models.flows.base import LayeredFlow
from course_lib.models.inputs import check_count, check_number, values_are_trusted
from course_lib.nn.axes import AxisGaussian, Rotation
from course_lib.nn.invertible import Chain

FARTHEST = 36.0  # scales from the data; the mass beyond 38 is below all numbers of float64


class GaussianisationFlow(LayeredFlow):
    """Each axis made Gaussian by itself, a rotation, each axis again, … (Chen & Gopinath 2001; Laparra et al. 2011).

    `fit` computes all layers from data, one after another, without a gradient. Before `fit`, it is a fixed smooth map.

    Args:
        event_shape: (D,).
        layers: how many times each axis is made Gaussian.
        kernels: narrow Gaussians in the distribution function of one axis.
        width: their standard deviation, in standard deviations of the axis.
    """

    def __init__(self, *, event_shape: Sequence[int], layers: int = 8, kernels: int = 60, width: float = 0.15):
        super().__init__()
        self.event_shape, self.layers = check_vector(event_shape), check_count(layers, "layers")
        self.kernels, self.width = check_count(kernels, "kernels"), check_number(width, "width", "a width", above=0)
        (D,) = self.event_shape
        pairs = ([AxisGaussian(D, self.kernels), Rotation(D)] for _ in range(self.layers))
        self.chain = Chain(layer for pair in pairs for layer in pair)

    @torch.no_grad()
    def fit(self, x: Tensor, *, generator: torch.Generator | None = None) -> GaussianisationFlow:
        """The flow itself, its layers computed from data x (N, D), one after another.

        The generator draws the rotations, except in 2 dimensions, where they turn by multiples of the golden angle.
        """
        x = super().check(x)
        for place, layer in enumerate(self.chain.layers):
            if isinstance(layer, AxisGaussian):
                layer.fit(x, self.width)
            else:
                layer.matrix.copy_(_rotation(x, place, generator))
            x = layer(x)[0]
        return self

    def check(self, x: Tensor) -> Tensor:
        """x if it is vectors (B, D) near enough to the data of `fit` that float64 holds their tails; otherwise ValueError."""
        x, first = super().check(x), self.chain.layers[0]
        far = (x - first.mean[:, -1]).abs() / first.scale[:, -1]  # in units of the broad Gaussian, which holds the tails
        if not values_are_trusted() and (far > FARTHEST).any():
            raise ValueError(
                f"x lies {far.max():.4g} scales from the data that the flow was fitted to; expected at most {FARTHEST:g}: "
                "call fit(x), or look for outliers"
            )
        return x


def _rotation(x: Tensor, place: int, generator: torch.Generator | None) -> Tensor:
    """A rotation (D, D): in the plane by 45 degrees and multiples of the golden angle, elsewhere drawn at random."""
    D = x.shape[1]
    if D != 2:
        return torch.linalg.qr(runtime.standard_normal((D, D), x, generator))[0]
    angle = torch.tensor(math.pi / 4 + place * math.pi * (3 - math.sqrt(5)) / 2)
    return torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])]).to(x)
