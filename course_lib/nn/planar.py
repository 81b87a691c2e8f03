"""The planar layer: the plane is stretched along one direction, as a function of the place along another."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.nn.invertible import Invertible
from course_lib.nn.roots import increasing_root


class Planar(Invertible):
    """z = x + u tanh(w·x + b), with the rank-one determinant 1 + w·u tanh'(w·x + b) (Rezende & Mohamed 2015, eq. 10 to 12).

    It can be undone if and only if w·u >= -1. The layer has free numbers v and uses u = v + (m(w·v) - w·v) w / |w|², where
    m(a) = log(1 + exp(a)) - 1, so that w·u = m(w·v) > -1 (their appendix A.1). The inverse has no formula: along w, it is the
    root of an increasing function, found by bisection.
    """

    def __init__(self, dimensions: int):
        super().__init__()
        self.w = nn.Parameter(torch.randn(dimensions))
        self.v, self.b = nn.Parameter(0.1 * torch.randn(dimensions)), nn.Parameter(torch.randn(()))

    def direction(self) -> Tensor:
        """u (D), with w·u > -1."""
        product = self.w @ self.v
        return self.v + (F.softplus(product) - 1 - product) * self.w / self.w.square().sum()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u, bend = self.direction(), torch.tanh(x @ self.w + self.b)  # (B,)
        return x + bend[:, None] * u, torch.log1p((self.w @ u) * (1 - bend.square()))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        u, target = self.direction(), z @ self.w
        pull = self.w @ u

        def moved(along: Tensor) -> tuple[Tensor, Tensor]:
            bend = torch.tanh(along + self.b)
            return along + pull * bend, 1 + pull * (1 - bend.square())

        bend = torch.tanh(increasing_root(moved, target, target - pull.abs(), target + pull.abs()) + self.b)
        return z - bend[:, None] * u, -torch.log1p(pull * (1 - bend.square()))
