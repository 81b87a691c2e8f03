"""Models of the score at many levels of noise: x_t = x + sigma(t) e, from almost no noise to so much that all data look alike."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import gaussian_log_prob
from course_lib.models.diffusion.paths import check_times, per_example
from course_lib.models.energy.langevin import langevin_step
from course_lib.models.inputs import check_count, check_event_shape, check_list, check_number, check_some
from course_lib.models.protocols import DiffusionModel
from course_lib.models.rows import rows_of_numbers
from course_lib.runtime import standard_normal, uniform


class ScoreModel(DiffusionModel):
    """A model of the score of p smoothed by Gaussian noise, of standard deviation sigma(t) = lowest^(1 - t) · highest^t.

    A subclass sets `event_shape`, `lowest` and `highest`, and defines `score`. From it follow the estimate of the data (Tweedie),
    the loss, the velocity of the probability-flow equation (Song et al. 2021, eq. 13; here f = 0 and g² = d sigma² / dt),
    and annealed Langevin sampling.
    """

    lowest: float
    highest: float

    @abstractmethod
    def score(self, x: Tensor, t: Tensor) -> Tensor:
        """The gradient of log p(x_t), (B, *event_shape), at points x (B, *event_shape) and times t (B,) in [0, 1]."""

    def sigma(self, t: Tensor | float) -> Tensor | float:
        """The standard deviation of the noise at times t, in units of x."""
        return self.lowest * (self.highest / self.lowest) ** t

    def noise(self, x: Tensor, t: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_t = x + sigma(t) e, (B, *event_shape), of points x (B, *event_shape) at times t (B,)."""
        return x + per_example(self.sigma(check_times(t, x)), x) * standard_normal(x.shape, x, generator)

    def denoised(self, x: Tensor, t: Tensor) -> Tensor:
        """E[data | x_t] = x_t + sigma² · score, (B, *event_shape) (Robbins 1956; Tweedie's formula in Efron 2011)."""
        return x + per_example(self.sigma(t), x) ** 2 * self.score(x, t)

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """-sigma² log(highest / lowest) · score, (B, *event_shape): the flow that carries p(x_t) along."""
        return -(per_example(self.sigma(t), x) ** 2) * math.log(self.highest / self.lowest) * self.score(x, t)

    def start(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n points of the noise at t = 1, (n, *event_shape): normal, of standard deviation `highest`."""
        return self.highest * super().start(n, generator=generator)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Denoising score matching at random times, each level weighted by sigma² (Song & Ermon 2019, eq. 6), per value, ().

        |sigma · s(x + sigma e, t) + e|² / 2.
        """
        x = check_some(self.check(x))
        t = uniform((len(x),), x, generator).to(x)
        sigma, noise = per_example(self.sigma(t), x), standard_normal(x.shape, x, generator)
        return (sigma * self.score(x + sigma * noise, t) + noise).square().mean() / 2

    @torch.no_grad()
    def anneal(
        self, x: Tensor, *, levels: int = 20, steps: int = 20, step: float = 0.1, generator: torch.Generator | None = None
    ) -> Tensor:
        """x (B, *event_shape) after annealed Langevin dynamics (Song & Ermon 2019, algorithm 1): levels from t = 1 down to 0.

        On each level so many steps of eps = step · sigma².
        """
        for level in range(check_count(levels, "levels")):
            t = x.new_full((len(x),), 1 - level / max(levels - 1, 1))
            eps = step * float(self.sigma(1 - level / max(levels - 1, 1))) ** 2
            for _ in range(check_count(steps, "steps")):
                x = langevin_step(lambda at, t=t: self.score(at, t), x, eps, generator)
        return x


class SmoothedMixture(ScoreModel):
    """A mixture of K round Gaussians under noise: again a mixture, of variances scale² + sigma², so that all is in closed form.

    Args:
        probs: K numbers of sum 1. mean: K rows of D numbers. scale: K standard deviations.
        lowest, highest: sigma at t = 0 and at t = 1.
    """

    def __init__(
        self,
        *,
        probs: Sequence[float],
        mean: Sequence[Sequence[float]],
        scale: Sequence[float],
        lowest: float = 0.01,
        highest: float = 10.0,
    ):
        super().__init__()
        self.probs = [check_number(value, "one of probs", least=0) for value in check_list(probs, "probs", "numbers")]
        self.mean = rows_of_numbers(mean, "mean")
        self.scale = [check_number(value, "a scale", above=0) for value in check_list(scale, "scale", "numbers")]
        self.lowest = check_number(lowest, "lowest", above=0)
        self.highest = check_number(highest, "highest", above=self.lowest)
        if not len(self.probs) == len(self.mean) == len(self.scale) or abs(sum(self.probs) - 1) > 1e-6:
            raise ValueError(
                f"probs are {self.probs} for {len(self.mean)} means and {len(self.scale)} scales; "
                "expected one of each per component, and probs of sum 1"
            )
        self.register_buffer("log_probs", torch.tensor(self.probs).log())
        self.register_buffer("means", torch.tensor(self.mean))  # (K, D)
        self.register_buffer("variances", torch.tensor(self.scale).square())
        self.event_shape = (self.means.shape[1],)

    def log_joint(self, x: Tensor, t: Tensor) -> Tensor:
        """log p(x_t, component) in nats, (B, K), of points x (B, D) at times t (B,)."""
        log_scale = (self.variances + self.sigma(check_times(t, x))[:, None] ** 2).log() / 2  # (B, K)
        return gaussian_log_prob(x[:, None], self.means, log_scale[..., None]).sum(-1) + self.log_probs

    def log_density(self, x: Tensor, t: Tensor) -> Tensor:
        """log p(x_t) in nats, (B,)."""
        return self.log_joint(x, t).logsumexp(1)

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        """The mean over components, given x_t, of (mean - x) / (scale² + sigma²), (B, D)."""
        weight = self.log_joint(x, t).softmax(1) / (self.variances + self.sigma(t)[:, None] ** 2)  # (B, K)
        return weight @ self.means - weight.sum(1, keepdim=True) * x

    @torch.no_grad()
    def draw(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n independent points of the mixture without noise, (n, D)."""
        share = uniform((check_count(n),), self.means, generator)
        part = (share[:, None] > self.log_probs.exp().cumsum(0)[:-1]).sum(1)
        noise = standard_normal((n, self.means.shape[1]), self.means, generator)
        return self.means[part] + self.variances.sqrt()[part, None] * noise


class DenoisingScore(ScoreModel):
    """A network of the score: it is shown x_t / sqrt(sigma² + spread²) and t, and what it returns is divided by sigma.

    So the network learns minus the noise, a number of order 1 at every level (Song & Ermon 2020, technique 3).

    Args:
        network: (x (B, *event_shape), t (B,)) -> (B, *event_shape), such as nn/velocity.TimedDense.
        event_shape: of one example.
        lowest, highest: sigma at t = 0 and at t = 1. spread: standard deviation of the data.
    """

    def __init__(self, *, network: nn.Module, event_shape: Sequence[int], lowest: float, highest: float, spread: float = 1.0):
        super().__init__()
        self.network, self.event_shape = network, check_event_shape(event_shape)
        self.lowest = check_number(lowest, "lowest", above=0)
        self.highest, self.spread = check_number(highest, "highest", above=self.lowest), check_number(spread, "spread", above=0)

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        sigma = per_example(self.sigma(check_times(t, x)), x)
        return self.network(x / (sigma**2 + self.spread**2) ** 0.5, t) / sigma
