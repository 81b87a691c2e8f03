"""Models fitted to the samples of models before them, generation after generation (Shumailov et al. 2024)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_share, check_whole
from course_lib.runtime import generator as generator_of
from course_lib.runtime import standard_normal

Draw = Callable[[int], Tensor]


@dataclass(frozen=True)
class Plan:
    """What each generation learns from.

    n: new examples per generation. real: the share of them that is drawn from the real data. keep_all: each model is fitted to
    the examples of all generations so far, the first real ones among them, instead of the newest n alone.
    """

    n: int
    real: float = 0.0
    keep_all: bool = False

    def __post_init__(self):
        check_count(self.n, "n")
        check_share(self.real, "real")

    @property
    def kept(self) -> int:
        """How many of the n are real."""
        return round(self.real * self.n)


def generations(
    fit: Callable[[Tensor, Any], Any], real: Draw, plan: Plan, *, count: int, generator: torch.Generator | None = None
) -> list[Any]:
    """The models of generations 0 … count. The first is fitted to n real examples, each later one to samples of the one before.

    fit: (examples (N, …), the model before or None) -> a model with sample(n, generator=…). real: n -> n real examples (n, …).
    """
    pool = real(plan.n)
    models = [fit(pool, None)]
    for _ in range(check_whole(count, "count")):
        fresh = models[-1].sample(plan.n - plan.kept, generator=generator) if plan.kept < plan.n else pool[:0]
        new = torch.cat([real(plan.kept), fresh.to(pool)]) if plan.kept else fresh.to(pool)
        pool = torch.cat([pool, new]) if plan.keep_all else new
        models.append(fit(pool, models[-1]))
    return models


def expected_variances(plan: Plan, count: int) -> list[float]:
    """The expected fitted variance of generations 0 … count, where the real data have variance 1, exactly.

    It holds for every fit that reproduces the mean and the variance of its n examples, as the likelihood of a Gaussian, or of a
    mixture of them, asks for. With real = 0 it is (1 - 1/n)^(k + 1) in generation k; where all generations are kept, it is the
    product over j = 1 … k + 1 of 1 - 1 / (n j²), which stays above sin(π / √n) √n / π.
    """
    n, a = plan.n, plan.kept
    b, pool = n - a, n
    variance, off = 1 - 1 / n, 1 / n  # E of the fitted variance, and of the squared error of the fitted mean
    found = [variance]
    for _ in range(count):
        within = (a + b * variance) / n  # the mean variance of a draw, given the model
        if plan.keep_all:
            square = (pool * (variance + off) + a + b * (variance + off)) / (pool + n)
            off = ((pool + b) / (pool + n)) ** 2 * off + n * within / (pool + n) ** 2
            variance, pool = square - off, pool + n
        else:
            variance, off = within * (1 - 1 / n) + a * b / n**2 * off, (b / n) ** 2 * off + within / n
        found.append(variance)
    return found


@dataclass(frozen=True)
class Gaussians:
    """G independent Gaussians in d dimensions: mean (G, d), and factor (G, d, d) with factor factorᵀ = covariance."""

    mean: Tensor
    factor: Tensor

    @classmethod
    def fit(cls, x: Tensor, before: Gaussians | None = None) -> Gaussians:
        """The maximum of the likelihood on examples x (N, G, d): the sample's mean, and its covariance divided by N."""
        mean = x.mean(0)
        centred = x - mean
        if x.shape[2] == 1:
            return cls(mean, centred.square().mean(0).sqrt()[:, :, None])
        values, vectors = torch.linalg.eigh(torch.einsum("ngi,ngj->gij", centred, centred) / len(x))
        return cls(mean, vectors * values.clamp(min=0).sqrt()[:, None, :])

    @property
    def variance(self) -> Tensor:
        """The total variance of each, (G,): the trace of its covariance."""
        return self.factor.square().sum((1, 2))

    def of_noise(self, noise: Tensor) -> Tensor:
        """Examples (n, G, d) from standard normal noise (n, G, d)."""
        return self.mean + torch.einsum("gij,ngj->ngi", self.factor, noise)

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples (n, G, d)."""
        return self.of_noise(standard_normal((n, *self.mean.shape), self.mean, generator))


def group_runs(x: Tensor, plan: Plan, *, count: int, seeds: Sequence[int]) -> list[list[Gaussians]]:
    """The Gaussians of generations 0 … count for each seed, where real examples are drawn from x (N, G, d), with repetition."""
    found = []
    for seed in seeds:
        draw, groups = generator_of(seed), torch.arange(x.shape[1])

        def real(n: int, draw: torch.Generator = draw, groups: Tensor = groups) -> Tensor:
            return x[torch.randint(len(x), (n, len(groups)), generator=draw), groups]

        found.append(generations(Gaussians.fit, real, plan, count=count, generator=draw))
    return found


def floor_of_kept(n: int) -> float:
    """Where `expected_variances` ends when all generations are kept and none of the new examples is real (Euler's product)."""
    root = math.pi / math.sqrt(check_count(n, "n"))
    return math.sin(root) / root
