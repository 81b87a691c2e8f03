"""Ways from noise back to data along a velocity: Euler, Heun, DDIM and DDPM's ancestral sampling.

A sampler is called with a model (or anything with `velocity(x, t)`), points x (B, …), the times to visit, which fall from the
first to the last, and a torch.Generator; it returns the points at the last time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from course_lib.models.diffusion.paths import data_of, noise_of, posterior
from course_lib.models.inputs import check_number
from course_lib.runtime import standard_normal


class Sampler(Protocol):
    """See the head of this file; `step` is one move, from time t to an earlier time s."""

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor: ...

    def __call__(self, model, x: Tensor, times: Sequence[float], generator: torch.Generator | None = None) -> Tensor: ...


def equal_times(steps: int, start: float = 1.0) -> list[float]:
    """start, …, 0: the times of so many steps of equal length."""
    return [start * (1 - k / steps) for k in range(steps)] + [0.0]


class Moves:
    """One move after another. A subclass defines `step`."""

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        """Points (B, …) at time s of points x (B, …) at time t > s."""
        raise NotImplementedError

    def __call__(self, model, x: Tensor, times: Sequence[float], generator: torch.Generator | None = None) -> Tensor:
        for t, s in itertools.pairwise(times):
            x = self.step(model, x, t, s, generator)
        return x


def velocity_at(model, x: Tensor, t: float) -> Tensor:
    """The velocity (B, …) at points x (B, …), all at the same time t."""
    return model.velocity(x, x.new_full((len(x),), t))


@dataclass(frozen=True)
class Euler(Moves):
    """x + (s - t) v(x, t): a straight line at the velocity of its beginning."""

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        return x + (s - t) * velocity_at(model, x, t)


@dataclass(frozen=True)
class Heun(Moves):
    """Euler's step, then again at the mean of both ends' velocities; a step to 0 stays Euler's (Karras et al. 2022, alg. 1)."""

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        here = velocity_at(model, x, t)
        there = velocity_at(model, x + (s - t) * here, s) if s > 0 else here
        return x + (s - t) / 2 * (here + there)


@dataclass(frozen=True)
class DDIM(Moves):
    """Estimate data and noise, then put them together anew at time s, a part of the noise fresh (Song et al. 2021, eq. 12).

    eta: 0 has no fresh noise, and on the straight path it is Euler's method; 1 has the variance of DDPM's posterior.
    """

    eta: float = 0.0

    def __post_init__(self):
        check_number(self.eta, "eta", "a share of fresh noise", least=0, most=1)

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        v, now = velocity_at(model, x, t), x.new_full((len(x),), t)
        fresh = self.eta**2 * posterior(t, s)[2]
        x = (1 - s) * data_of(x, v, now) + max(s**2 - fresh, 0.0) ** 0.5 * noise_of(x, v, now)
        return x + fresh**0.5 * standard_normal(x.shape, x, generator) if fresh else x


EULER, HEUN, ANCESTRAL = Euler(), Heun(), DDIM(eta=1.0)
