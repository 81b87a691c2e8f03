"""The exact velocity of a finite set of points, and of equal Gaussians around them: flow matching without any network."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.models.diffusion import paths
from course_lib.models.diffusion.flow_matching import StraightFlow
from course_lib.models.inputs import check_count, check_some, check_weight
from course_lib.runtime import standard_normal


class PointSetFlow(StraightFlow):
    """Data that are N points x_i, each with probability 1/N, or Gaussians of one scale around them: all in closed form.

    Given its point x_i, x_t is Gaussian with mean (1 - t) x_i and variance t² + ((1 - t) scale)². The velocity is the mean of
    the N conditional velocities, weighted by the probability of each x_i given x_t, a softmax (Bertrand et al. 2025, eq. 4). With
    scale 0 it is sum_i w_i (x - x_i) / t, which has no value at t = 0.

    Args:
        points: (N, *event_shape), floats.
        scale: standard deviation of the Gaussian around each point; 0 is the points alone.
    """

    def __init__(self, *, points: Tensor, scale: float = 0.0):
        super().__init__()
        if not isinstance(points, Tensor) or points.ndim < 2 or not points.is_floating_point() or not points.isfinite().all():
            raise ValueError(f"points are {points!r}; expected a finite float tensor (N, *event_shape)")
        self.event_shape, self.scale = tuple(check_some(points).shape[1:]), check_weight(scale, "scale")
        self.register_buffer("points", points)

    def variance(self, t: Tensor) -> Tensor:
        """The variance of x_t given its point, (B,), at times t (B,)."""
        return t**2 + ((1 - t) * self.scale) ** 2

    def log_weights(self, x: Tensor, t: Tensor) -> Tensor:
        """log p(x_i | x_t) of every point, (B, N), of points x (B, *event_shape) at times t (B,)."""
        return self._squares(x, t).log_softmax(1)

    def _squares(self, x: Tensor, t: Tensor) -> Tensor:
        """Minus half the squared distance to every (1 - t) x_i over the variance, (B, N); t or the scale above 0."""
        variance = self.variance(t)
        if not (variance > 0).all():
            raise ValueError("t is 0 and the scale is 0: the points have no density; expected times above 0")
        apart = x.flatten(1)[:, None] - (1 - t)[:, None, None] * self.points.flatten(1)  # (B, N, D)
        return -apart.square().sum(2) / (2 * variance[:, None])

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        t = paths.check_times(t, x)
        mean = (self.log_weights(x, t).exp() @ self.points.flatten(1)).reshape(x.shape)  # of the points, given x_t
        growth = (t - (1 - t) * self.scale**2) / self.variance(t)  # half the derivative of log variance
        return paths.per_example(growth, x) * (x - paths.per_example(1 - t, x) * mean) - mean

    def log_density(self, x: Tensor, t: Tensor) -> Tensor:
        """log p(x_t) in nats, (B,), of points x at times t (B,): that of a mixture of N Gaussians."""
        normaliser = math.prod(self.event_shape) / 2 * torch.log(2 * math.pi * self.variance(t))
        return self._squares(x, paths.check_times(t, x)).logsumexp(1) - math.log(len(self.points)) - normaliser

    def draw(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples of the data themselves, (n, *event_shape): points drawn at random, plus noise of the scale."""
        device = self.points.device if generator is None else generator.device
        chosen = torch.randint(len(self.points), (check_count(n),), generator=generator, device=device).to(self.points.device)
        return self.points[chosen] + self.scale * standard_normal((n, *self.event_shape), self.points, generator)
