"""Gaussians on the line and over vectors, their mixtures, and their log-densities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn import functional as F

from course_lib.distributions.base import Distribution, UnivariateDistribution, check_sizes
from course_lib.distributions.discrete import Categorical
from course_lib.distributions.precision import full_precision
from course_lib.runtime import standard_normal, uniform

SMALLEST_LOG_SCALE = -30.0  # below it, a squared standardised distance overflows in float32: densities and gradients would be NaN
_NUMBERS = 2**17  # differences that are computed at a time: they stay in the cache


class Gaussian(UnivariateDistribution, td.Normal):
    """Independent Gaussians on the line, by `mean` and `log_scale`, the log of the standard deviation: both (*batch).

    `log_scale` below -30 counts as -30.
    """

    @full_precision
    def __init__(self, mean: Tensor, log_scale: Tensor):
        self.log_scale = log_scale.clamp(min=SMALLEST_LOG_SCALE)
        td.Normal.__init__(self, mean, self.log_scale.exp(), validate_args=False)

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch)."""
        return td.Normal.log_prob(self, value)

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 1) -> values (*batch), through the inverse CDF."""
        return self.loc + self.scale * standard_normal_from_noise(noise[..., 0])

    def arguments(self) -> dict[str, Tensor]:
        """`mean` and `log_scale`."""
        return {"mean": self.loc, "log_scale": self.log_scale}


class UnivariateGaussianMixture(UnivariateDistribution, td.MixtureSameFamily):
    """Mixtures of M Gaussians on the line: `logits`, `mean`, `log_scale`, each (*batch, M). `log_scale` is at least -30."""

    noise_size = 2

    @full_precision
    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor):
        weights = td.Categorical(logits=logits, validate_args=False)
        td.MixtureSameFamily.__init__(self, weights, Gaussian(mean, log_scale), validate_args=False)

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch)."""
        return td.MixtureSameFamily.log_prob(self, value)

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 2) -> values (*batch).

        The first number chooses the component, the second goes through its inverse CDF.
        """
        chosen = Categorical(self.mixture_distribution.logits).from_noise(noise[..., :1])[..., None]
        parts = self.component_distribution
        mean, scale = (t.expand(*chosen.shape[:-1], -1).gather(-1, chosen)[..., 0] for t in (parts.loc, parts.scale))
        return mean + scale * standard_normal_from_noise(noise[..., 1])

    def arguments(self) -> dict[str, Tensor]:
        """`logits`, `mean` and `log_scale`."""
        return {"logits": self.mixture_distribution.logits, **self.component_distribution.arguments()}


class DiagonalGaussian(Distribution):
    """Gaussians over vectors, independent in each of the L coordinates: `mean` and `log_scale`, (*batch, L), broadcast.

    `log_scale` below -30 counts as -30.
    """

    support = td.constraints.real_vector

    @full_precision
    def __init__(self, mean: Tensor, log_scale: Tensor):
        self.mean, self.log_scale = torch.broadcast_tensors(mean, log_scale.clamp(min=SMALLEST_LOG_SCALE))
        self.batch_shape, self.event_shape = self.mean.shape[:-1], self.mean.shape[-1:]

    @property
    def scale(self) -> Tensor:
        """The standard deviations, (*batch, L)."""
        return self.log_scale.exp()

    @full_precision
    def log_prob(self, z: Tensor) -> Tensor:
        """log N(z) in nats, summed over the coordinates: (*batch)."""
        return gaussian_log_prob(z, self.mean, self.log_scale).sum(-1)

    @full_precision
    def rsample(self, shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """mean + scale * noise, (*shape, *batch, L): differentiable in both (Kingma & Welling 2014, section 2.4)."""
        shape = check_sizes(shape, "shape")
        return self.mean + self.scale * standard_normal((*shape, *self.mean.shape), self.mean, generator)

    def sample(self, sample_shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """The same values as `rsample` gives, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape, generator=generator)

    @full_precision
    def kl_by_coordinate(self, other: DiagonalGaussian) -> Tensor:
        """KL(self || other) in nats for each coordinate, (*batch, L), in closed form (Kingma & Welling 2014, appendix B)."""
        difference = self.log_scale - other.log_scale
        distance = (self.mean - other.mean) * torch.exp(-other.log_scale)
        return 0.5 * (torch.exp(2 * difference) + distance**2 - 1) - difference

    def kl(self, other: DiagonalGaussian) -> Tensor:
        """KL(self || other) in nats, (*batch)."""
        return self.kl_by_coordinate(other).sum(-1)

    def arguments(self) -> dict[str, Tensor]:
        """`mean` and `log_scale`."""
        return {"mean": self.mean, "log_scale": self.log_scale}


class DiagonalGaussianMixture(Distribution):
    """A mixture of K diagonal Gaussians over vectors: `logits` (*batch, K), `mean` and `log_scale` (*batch, K, L).

    `log_scale` below -30 counts as -30. Without batch axes it is one mixture for all vectors.
    """

    support = td.constraints.real_vector

    @full_precision
    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor):
        self.logits, self.components = logits, DiagonalGaussian(mean, log_scale)
        if not isinstance(logits, Tensor) or not logits.ndim or logits.shape != self.components.mean.shape[:-1]:
            raise ValueError(
                f"logits are a {type(logits).__name__} of shape {tuple(logits.shape)}, mean and log_scale have shape "
                f"{tuple(self.components.mean.shape)}; expected (*batch, K) and (*batch, K, L)"
            )
        self.batch_shape, self.event_shape = logits.shape[:-1], self.components.event_shape

    @full_precision
    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (*batch), of vectors z (*batch, L).

        Differences come first and are squared then: |z|^2 - 2 z mean + |mean|^2 would cancel where components are narrow and far
        apart. Slices of the vectors keep the (…, K, L) array of differences small.
        """
        mean, log_scale = self.components.mean, self.components.log_scale
        K, L = mean.shape[-2:]
        inverse, volume = torch.exp(-log_scale), log_scale.sum(-1) + 0.5 * L * math.log(2 * math.pi)
        parts = [z] if self.batch_shape else z.reshape(-1, L).split(max(1, _NUMBERS // (K * L)))
        squared = [((rows[..., None, :] - mean) * inverse).square().sum(-1) for rows in parts]  # (…, K) each
        each = -0.5 * torch.cat(squared).reshape(*z.shape[:-1], K) if not self.batch_shape else -0.5 * squared[0]
        return torch.logsumexp(F.log_softmax(self.logits, -1) + each - volume, -1)

    def sample(self, sample_shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """(*sample_shape, *batch, L), without gradients: a component by its weight, then a point of its Gaussian."""
        self.check_parameters()
        mean, log_scale = self.components.mean.detach(), self.components.log_scale.detach()
        shape = (*check_sizes(sample_shape, "sample_shape"), *self.batch_shape)
        chosen = Categorical(self.logits.detach()).from_noise(uniform((*shape, 1), mean, generator))  # (*shape)
        index = chosen[..., None, None].expand(*shape, 1, mean.shape[-1])
        picked = [t.expand(*shape, *t.shape[-2:]).gather(-2, index)[..., 0, :] for t in (mean, log_scale)]  # (*shape, L)
        return DiagonalGaussian(*picked).sample(generator=generator)

    def arguments(self) -> dict[str, Tensor]:
        """`logits`, `mean` and `log_scale`."""
        return {"logits": self.logits, **self.components.arguments()}


@full_precision
def precision_weighted(first: DiagonalGaussian, second: DiagonalGaussian) -> DiagonalGaussian:
    """The renormalised product of two densities over vectors: precisions add, and weigh the means (Sønderby et al. 2016)."""
    log_precision = torch.logaddexp(-2 * first.log_scale, -2 * second.log_scale)
    share = torch.exp(-2 * first.log_scale - log_precision)  # of the first, in (0, 1)
    return DiagonalGaussian(share * first.mean + (1 - share) * second.mean, -0.5 * log_precision)


@full_precision
def standard_normal_from_noise(noise: Tensor) -> Tensor:
    """Standard normal values from uniform numbers in [0, 1), elementwise, through the inverse CDF."""
    eps = torch.finfo(noise.dtype).eps  # uniform numbers come in steps of eps / 2: a 0 stands for the middle of the first
    inside = noise.clamp(eps / 4, 1 - eps / 2)
    return torch.special.ndtri(inside)


@full_precision
def gaussian_log_prob(x: Tensor, mean: Tensor | float = 0.0, log_scale: Tensor | float = 0.0) -> Tensor:
    """log N(x; mean, exp(log_scale)^2), elementwise, in nats."""
    for name, value in (("mean", mean), ("log_scale", log_scale)):
        if not isinstance(value, Tensor):
            number = None if isinstance(value, (bool, str)) else float(value)
            if number is None or not math.isfinite(number):
                raise ValueError(f"{name} is {value!r}; expected a tensor or a finite number")
    log_scale = torch.as_tensor(log_scale, dtype=x.dtype, device=x.device)
    return -0.5 * ((x - mean) * torch.exp(-log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


@full_precision
def multivariate_gaussian_log_prob(x: Tensor, mean: Tensor, scale_tril: Tensor) -> Tensor:
    """log N(x_b; mean_k, L_k L_k^T) in nats, (B, K), of points x (B, D) under K Gaussians.

    mean (K, D); scale_tril (K, D, D): the Cholesky factors L, lower triangular, their diagonals not 0. With y = L^-1 (x - mean),
    log N = -(|y|^2 + D log 2 pi) / 2 - sum log |L_dd|. Computed in float64, for y is a difference of two matrix products
    that cancel where Gaussians are narrow and far apart; returned in the type of x.
    """
    K, D = mean.shape
    mean, scale_tril, points = mean.double(), scale_tril.double(), x.double()
    middle = mean.mean(0)  # distances from here, so that a common offset of the data cancels nothing
    whiten = torch.linalg.solve_triangular(scale_tril, torch.eye(D, dtype=mean.dtype, device=mean.device), upper=False)
    shift = (whiten @ (mean - middle)[..., None]).flatten()  # (K D)
    across = whiten.reshape(K * D, D).T  # (D, K D)
    slices = (points - middle).split(256)  # so many stay in the cache
    squared = [torch.addmm(-shift, rows, across).view(-1, K, D).square().sum(-1) for rows in slices]
    log_det = scale_tril.diagonal(dim1=1, dim2=2).abs().log().sum(-1)  # (K)
    return (-0.5 * (torch.cat(squared) + D * math.log(2 * math.pi)) - log_det).to(x.dtype)
