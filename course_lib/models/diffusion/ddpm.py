"""DDPM as a ladder of latents: a hierarchical VAE whose encoder only adds noise and is never trained (Ho, Jain & Abbeel 2020)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.distributions import Gaussian
from course_lib.models.diffusion.flow_matching import StraightFlow
from course_lib.models.diffusion.paths import posterior
from course_lib.models.diffusion.samplers import velocity_at
from course_lib.models.inputs import check_count, check_list, check_number, check_some
from course_lib.models.protocols import LatentVariableModel
from course_lib.runtime import standard_normal


def geometric_times(rungs: int, first: float = 1e-3) -> list[float]:
    """So many times that end at 1, whose ratios t / (1 - t) grow by one factor from `first` to 1 / first."""
    ratios = [first ** (1 - 2 * k / max(rungs - 2, 1)) for k in range(check_count(rungs, "rungs") - 1)]
    return [ratio / (1 + ratio) for ratio in ratios] + [1.0]


class DDPM(LatentVariableModel):
    """p(x, z) with the latents z = (x_1, …, x_t1) from pure noise to nearly data; q(z | x) is the straight path itself.

    Each step p(x_s | x_t) is q(x_s | x_t, x) with the flow's estimate of the data in the place of x, and the posterior's variance
    (Ho et al. 2020, eq. 7, which their section 3.2 compares with another choice). The last, p(x | x_t1), has the standard
    deviation t1 / (1 - t1): that of x given x_t1 where p(x) is flat.

    Args:
        flow: a model of the straight path; only its velocity is used.
        times: t1 < … < 1, all above 0.
    """

    def __init__(self, *, flow: StraightFlow, times: Sequence[float]):
        super().__init__()
        self.times = [check_number(t, "times", above=0, most=1) for t in check_list(times, "times", "rising times")]
        if len(self.times) < 1 or self.times[-1] != 1 or any(t <= s for s, t in itertools.pairwise(self.times)):
            raise ValueError(f"times are {self.times}; expected rising numbers above 0, the last of them 1")
        self.flow, self.event_shape = flow, flow.event_shape

    def steps(self) -> list[tuple[float, float]]:
        """(t, s) of every step from latent to latent, from 1 down."""
        falling = self.times[::-1]
        return list(itertools.pairwise(falling))

    def estimate(self, x: Tensor, t: float) -> Tensor:
        """The flow's estimate of the data, (B, *event_shape), at points x at the time t."""
        return x - t * velocity_at(self.flow, x, t)

    def reverse(self, x: Tensor, t: float, s: float, data: Tensor) -> Gaussian:
        """q(x_s | x_t, data), for every value of points x (B, *event_shape); with the flow's estimate as data, p(x_s | x_t)."""
        of_x, of_data, variance = posterior(t, s)
        return Gaussian(of_x * x + of_data * data, x.new_tensor(math.log(variance) / 2))

    def last(self, x: Tensor) -> Gaussian:
        """p(data | x_t1) for every value, of points x (B, *event_shape) at the first time."""
        t = min(self.times[0], 1 - 1e-6)
        return Gaussian(self.estimate(x, self.times[0]), x.new_tensor(math.log(t / (1 - t))))

    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[tuple[Tensor, ...], Tensor]:
        """The latents from t = 1 down, each (B, *event_shape), drawn from q(z | x), and log q(z | x) in nats, (B,)."""
        x = self.check(x)
        top = standard_normal(x.shape, x, generator)  # at t = 1 nothing is left of x
        z, log_q = [top], _total(Gaussian(torch.zeros_like(x), x.new_zeros(())), top)
        for t, s in self.steps():
            q = self.reverse(z[-1], t, s, x)
            z.append(q.sample(generator=generator))
            log_q = log_q + _total(q, z[-1])
        return tuple(z), log_q

    def log_joint(self, x: Tensor, z: tuple[Tensor, ...]) -> Tensor:
        """log p(x, z) in nats, (B,), of examples and latents from t = 1 down, each (B, *event_shape)."""
        x = self.check(x)
        found = _total(Gaussian(torch.zeros_like(x), x.new_zeros(())), z[0])
        for (t, s), above, below in zip(self.steps(), z, z[1:], strict=False):
            found = found + _total(self.reverse(above, t, s, self.estimate(above, t)), below)
        return found + _total(self.last(z[-1]), x)

    @torch.no_grad()
    def parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """log p(x | x_t1), (B,), and the KL divergence of every step from 1 down, (T - 1, B), in nats, each from one draw of x_t.

        The KL of two Gaussians of one variance is closed (Ho et al. 2020, eq. 8), so only x_t is drawn, afresh for each step. The
        first minus the sum of the others has the mean of `elbo`.
        """
        x, rungs = self.check(x), []
        for t, s in self.steps():
            at = (1 - t) * x + t * standard_normal(x.shape, x, generator)
            _, of_data, variance = posterior(t, s)
            miss = (x - self.estimate(at, t)).flatten(1).square().sum(1)
            rungs.append(of_data**2 / (2 * variance) * miss)
        t = self.times[0]
        last = _total(self.last((1 - t) * x + t * standard_normal(x.shape, x, generator)), x)
        return last, torch.stack(rungs) if rungs else x.new_zeros(0, len(x))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Minus the mean of the ELBO in nats, ()."""
        return -self.elbo(check_some(self.check(x)), generator=generator).mean()

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples (n, *event_shape) in the flow's units: down the ladder from noise, as in Ho et al. 2020, algorithm 2."""
        x = self.flow.start(check_count(n), generator=generator)
        for t, s in self.steps():
            x = self.reverse(x, t, s, self.estimate(x, t)).sample(generator=generator)
        return self.last(x).sample(generator=generator)


def _total(found: Gaussian, x: Tensor) -> Tensor:
    """log p(x) in nats, (B,), the sum over the values of each example."""
    return found.log_prob(x).flatten(1).sum(1)
