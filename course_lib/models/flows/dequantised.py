"""Whole grey levels under a density of continuous pixels: the noise is a latent variable, and the likelihood has a bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.distributions.grey import GreyValues
from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_events,
    check_some,
    values_are_trusted,
)
from course_lib.models.protocols import FlowModel, LatentVariableModel

STEPS = 2**15  # places of the noise within a cell


class Dequantised(LatentVariableModel):
    """Images x of K grey levels, where a flow has a density p(y) of continuous pixels y in (0, 1).

    A grey level k stands for the cell [k / K, (k + 1) / K), so that P(x) is the mass that p gives to a box of K^-D. y is a latent
    variable: P(x | y) is 1 where y lies in the box of x and else 0, and q(y | x) is uniform in that box. The inherited `elbo` is
    then log p(y) - D log K, a lower bound on log P(x) in expectation, and `importance_bound` is tighter (Uria, Murray &
    Larochelle 2013; Theis, van den Oord & Bethge 2016, section 3.1).

    The noise takes the middles of 32,768 equal parts of a cell. With 256 levels they are exact float32 numbers, none at a border.

    Args:
        flow: a flow of continuous events in (0, 1). It becomes a part of this model.
        levels: K.
    """

    def __init__(self, *, flow: FlowModel, levels: int = 256):
        super().__init__()
        if not isinstance(flow, FlowModel):
            raise ValueError(f"flow is a {type(flow).__name__}; expected a FlowModel, such as RealNVP(…)")
        self.flow, self.levels = flow, check_count(levels, "levels")
        self.support, self.event_shape = GreyValues(self.levels), flow.event_shape
        self.log_cells = math.prod(self.event_shape) * math.log(self.levels)  # log of the number of boxes in (0, 1)^D

    def check(self, x: Tensor) -> Tensor:
        """x if it is grey levels k / (K - 1), (B, *event_shape); otherwise ValueError."""
        check_events(x, self.event_shape)
        if not values_are_trusted() and not self.support.check(x).all():
            low, high = x.min().item(), x.max().item()
            fix = "divide by 255" if high > 1 else f"round: (x * {self.levels - 1}).round() / {self.levels - 1}"
            raise ValueError(f"x has values in [{low:.4g}, {high:.4g}] beside {self.support!r}; {fix}")
        return as_parameters(x, self)

    def level(self, x: Tensor) -> Tensor:
        """The whole number 0 … K - 1 of each grey level k / (K - 1), as floats of the same shape."""
        return (x * (self.levels - 1)).round()

    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """y (B, *event_shape) drawn uniformly from the box of x, and log q(y | x) = D log K, (B,)."""
        x = self.check(x)
        noise = ((runtime.uniform(x.shape, x, generator) * STEPS).floor() + 0.5) / STEPS
        y = (self.level(x) + noise.to(x.dtype)) / self.levels
        return y, x.new_full((len(x),), self.log_cells, dtype=torch.promote_types(x.dtype, torch.float32))

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(z) + log P(x | z) in nats, (B,): minus infinity where z lies outside the box of x."""
        x = self.check(x)
        inside = ((z * self.levels).floor() == self.level(x)).flatten(1).all(1)
        return torch.where(inside, self.flow.log_prob(z), -math.inf)

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """A lower bound on log P(x) in nats, (B,), in expectation: log p(y) - D log K at one draw of the noise per image."""
        return super().elbo(self.check(x), generator=generator)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small: the mean of minus the bound, in nats per example, ()."""
        return -self.elbo(check_some(x), generator=generator).mean()

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n images of grey levels k / (K - 1), (n, *event_shape): y from the flow, then the level of its cell."""
        y = self.flow.sample(n, generator=generator)
        return (y * self.levels).floor().clamp(0, self.levels - 1) / (self.levels - 1)
