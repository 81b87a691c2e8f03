"""Two layers of Gaussianisation: each axis through the distribution function of its own data, and a rotation between."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.nn.histogram import standard_normal_cdf
from course_lib.nn.invertible import Invertible
from course_lib.nn.roots import increasing_root

FARTHEST = 38.0  # no standard normal z beyond it has a tail that float64 can hold


class AxisGaussian(Invertible):
    """z_d = quantile of the standard Gaussian at F_d(x_d): each axis by itself becomes Gaussian (Chen & Gopinath 2001).

    F_d is a mixture of M narrow Gaussians around quantiles of the data of axis d, with one broad Gaussian of weight 1 / (M + 1)
    that holds the tails. `fit` computes it from data; nothing is learned by gradients. Computed in float64.
    """

    def __init__(self, dimensions: int, kernels: int = 60):
        super().__init__()
        self.dimensions, self.kernels = dimensions, kernels
        self.register_buffer("mean", torch.zeros(dimensions, kernels + 1))
        self.register_buffer("scale", torch.ones(dimensions, kernels + 1))

    @torch.no_grad()
    def fit(self, x: Tensor, width: float = 0.15) -> None:
        """Take the distribution functions from data x (N, D). width: of the narrow Gaussians, in standard deviations of x_d."""
        at = (torch.arange(self.kernels, device=x.device, dtype=x.dtype) + 0.5) / self.kernels
        spread = x.std(0)
        self.mean.copy_(torch.cat([x.quantile(at, 0), x.mean(0)[None]]).T)
        self.scale.copy_(torch.cat([(width * spread).expand(self.kernels, -1), 1.5 * spread[None]]).T)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_slope = self._gaussian(x.double())
        return z.to(x.dtype), log_slope.sum(1).to(x.dtype)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        target, mean, scale = z.double(), self.mean.double(), self.scale.double()
        reach = FARTHEST * scale.amax(1)
        low, high = ((mean.amin(1) - reach).expand_as(target), (mean.amax(1) + reach).expand_as(target))

        def function(x: Tensor) -> tuple[Tensor, Tensor]:
            value, log_slope = self._gaussian(x)
            return value, log_slope.exp()

        x = increasing_root(function, target, low, high)
        return x.to(z.dtype), -self._gaussian(x)[1].sum(1).to(z.dtype)

    def _gaussian(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log dz/dx, (B, D) each, in float64."""
        place = (x[..., None] - self.mean.double()) / self.scale.double()  # (B, D, M + 1)
        below, above = (standard_normal_cdf(side * place).mean(-1) for side in (1, -1))
        z = torch.where(below < 0.5, torch.special.ndtri(below), -torch.special.ndtri(above))  # the smaller tail is exact
        log_density = torch.logsumexp(-0.5 * place.square() - self.scale.double().log(), -1) - math.log(self.kernels + 1)
        return z, log_density + 0.5 * z.square()  # both densities have the same factor 1 / sqrt(2 pi)


class Rotation(Invertible):
    """z = R x with R orthogonal: volumes do not change."""

    def __init__(self, dimensions: int):
        super().__init__()
        self.register_buffer("matrix", torch.eye(dimensions))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self.matrix.T.to(x.dtype), x.new_zeros(len(x))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return torch.linalg.solve(self.matrix.to(z.dtype), z.mT).mT, z.new_zeros(len(z))
