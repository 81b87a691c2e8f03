"""Models that turn noise into data little by little."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from course_lib.models.inputs import check_count
from course_lib.models.protocols.base import GenerativeModel
from course_lib.runtime import device_of, standard_normal


class DiffusionModel(GenerativeModel):
    """A model of a path from data at time t = 0 to noise at t = 1; sampling follows the path back.

    A subclass sets `event_shape` and defines `noise`, `velocity` and `loss`. It inherits `sample`, which follows the velocity
    from t = 1 back to t = 0, and `start`; it may override both. A model of the score has the velocity of the
    probability-flow equation, f(t) x - g(t)^2 score(x, t) / 2 (Song et al. 2021, eq. 13).
    """

    @abstractmethod
    def noise(self, x: Tensor, t: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_t (B, *event_shape), drawn from q(x_t | x), of examples x (B, *event_shape) at times t (B,) in [0, 1]."""

    @abstractmethod
    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """dx/dt (B, *event_shape) of points x (B, *event_shape) at times t (B,): the direction of the flow of p(x_t)."""

    @abstractmethod
    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, (), a mean over the examples x (B, *event_shape) at random times."""

    def start(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n points of the noise at t = 1, (n, *event_shape): standard normal."""
        like = next(self.parameters(), torch.zeros((), device=device_of(self)))
        return standard_normal((n, *self.event_shape), like, generator)

    @torch.no_grad()
    def sample(self, n: int, *, steps: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), without gradients: from `start` back to t = 0 in equal steps of Heun's method.

        steps: at least 1. Each evaluates the velocity twice; the last, once, for a velocity may have no value at t = 0.
        """
        n, steps = check_count(n), check_count(steps, "steps")
        x, step = self.start(n, generator=generator), 1 / steps
        for k in range(steps, 0, -1):
            now, then = x.new_full((n,), k * step), x.new_full((n,), (k - 1) * step)
            here = self.velocity(x, now)
            there = self.velocity(x - step * here, then) if k > 1 else here
            x = x - step / 2 * (here + there)
        return x
