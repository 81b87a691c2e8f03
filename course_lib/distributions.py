"""The only home of log-density, entropy and divergence formulas.

torch.distributions supplies the formulas it has; what it lacks is a way to sample from noise that was drawn before,
so that a cached sampler and a slow one give the same result from the same noise. Every distribution here has

    noise_size                 uniform numbers that one value needs
    from_noise(noise)          noise (*batch, noise_size) in [0, 1) -> values (*batch); deterministic

All logarithms are natural: units are nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn import functional as F

from course_lib.runtime import standard_normal


class Bernoulli(td.Bernoulli):
    """Independent coins, by their `logits` log(p / (1 - p)) or `probs`."""

    noise_size = 1

    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None):
        super().__init__(logits=logits, probs=probs, validate_args=False)
        self.by_probs = probs is not None

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch); value in {0, 1}. Stable for logits of any size; probabilities 0 and 1 are exact."""
        if self.by_probs:  # torch would move a probability of 0 to 1e-7 on its way through the logits
            return torch.special.xlogy(value, self.probs) + torch.special.xlog1py(1 - value, -self.probs)
        return -F.binary_cross_entropy_with_logits(self.logits, value, reduction="none")

    def from_noise(self, noise: Tensor) -> Tensor:
        """1 where the uniform number lies below p."""
        return (noise[..., 0] < self.probs).to(self.probs.dtype)


class Categorical(td.Categorical):
    """One of K states, by `logits` or `probs` of shape (*batch, K)."""

    noise_size = 1

    def __init__(self, logits: Tensor | None = None, *, probs: Tensor | None = None):
        super().__init__(logits=logits, probs=probs, validate_args=False)
        self.by_probs = probs is not None

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of states 0 … K - 1; minus infinity where `probs` were given as 0."""
        logits = self.probs.log() if self.by_probs else self.logits
        value, logits = torch.broadcast_tensors(value.long()[..., None], logits)  # (*batch, K)
        return logits.gather(-1, value[..., :1])[..., 0]

    def from_noise(self, noise: Tensor) -> Tensor:
        """The first state whose cumulative probability exceeds the uniform number: (*batch) integers."""
        steps = self.probs.cumsum(-1)
        steps = steps / steps[..., -1:]  # rounding may leave the sum a hair below 1, and a state of probability 0 above it
        return (noise[..., :1] >= steps).sum(-1).clamp(max=steps.shape[-1] - 1)


class GreyLevels(Categorical):
    """A colour in {0, 1 / (K - 1), …, 1} as one of K states, by `logits` (*batch, K) (van den Oord et al. 2016, section 2.2)."""

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of colours k / (K - 1)."""
        return super().log_prob((value * (self.logits.shape[-1] - 1)).round())

    def from_noise(self, noise: Tensor) -> Tensor:
        """As a Categorical, scaled to [0, 1]."""
        return super().from_noise(noise) / (self.logits.shape[-1] - 1)


class DiscretisedLogisticMixture:
    """Colours in {0, 1 / (K - 1), …, 1}: a mixture of M logistics, rounded to the nearest colour (Salimans et al. 2017, eq. 2).

    A colour gets the mass of its bin; the first and the last take the tails too. `logits`, `mean` and `log_scale` are
    (*batch, M); mean 0 is the middle colour 1/2, and mean and scale count in units of a quarter.
    """

    noise_size = 2

    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor, *, levels: int = 256):
        self.logits, self.mean, self.log_scale, self.levels = logits, mean, log_scale, levels
        self.batch_shape = logits.shape[:-1]

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of colours k / (K - 1)."""
        distance = (value[..., None] - 0.5) * 4 - self.mean  # (*batch, M)
        half = 2 / (self.levels - 1)  # half a bin, in quarters
        sharpness = (-self.log_scale).exp()
        above, below = sharpness * (distance + half), sharpness * (distance - half)  # the bin's ends, standardised
        # log of sigmoid(above) - sigmoid(below), whose smaller terms would cancel
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(-2 * half * sharpness))
        mass = torch.where(value[..., None] < 0.5 / self.levels, F.logsigmoid(above), inside)
        mass = torch.where(value[..., None] > 1 - 0.5 / self.levels, F.logsigmoid(-below), mass)
        return torch.logsumexp(F.log_softmax(self.logits, -1) + mass, -1)

    def from_noise(self, noise: Tensor) -> Tensor:
        """The first uniform number picks the component, the second goes through its inverse CDF; then to the nearest colour."""
        chosen = Categorical(self.logits).from_noise(noise[..., :1])[..., None]
        mean, log_scale = (t.gather(-1, chosen)[..., 0] for t in (self.mean, self.log_scale))
        eps = torch.finfo(noise.dtype).eps
        value = mean + log_scale.exp() * torch.logit(noise[..., 1].clamp(eps / 4, 1 - eps / 2))
        steps = self.levels - 1
        return ((value / 4 + 0.5) * steps).round().clamp(0, steps) / steps


class Gaussian(td.Normal):
    """Independent Gaussians on the line, by `mean` and `log_scale`, the log of the standard deviation."""

    noise_size = 1

    def __init__(self, mean: Tensor, log_scale: Tensor):
        super().__init__(mean, log_scale.exp(), validate_args=False)

    def from_noise(self, noise: Tensor) -> Tensor:
        """The uniform number goes through the inverse CDF."""
        return self.loc + self.scale * standard_normal_from_noise(noise[..., 0])


class GaussianMixture(td.MixtureSameFamily):
    """Mixtures of M Gaussians on the line: `logits`, `mean`, `log_scale`, each (*batch, M)."""

    noise_size = 2

    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor):
        components = td.Normal(mean, log_scale.exp(), validate_args=False)
        super().__init__(td.Categorical(logits=logits, validate_args=False), components, validate_args=False)

    def from_noise(self, noise: Tensor) -> Tensor:
        """The first uniform number picks the component, the second goes through its inverse CDF."""
        chosen = Categorical(self.mixture_distribution.logits).from_noise(noise[..., :1])[..., None]
        parts = self.component_distribution
        mean, scale = (t.expand(*chosen.shape[:-1], -1).gather(-1, chosen)[..., 0] for t in (parts.loc, parts.scale))
        return mean + scale * standard_normal_from_noise(noise[..., 1])


class DiagonalGaussian:
    """Gaussians over vectors, independent in each of the L coordinates: `mean` and `log_scale`, (*batch, L), broadcast."""

    def __init__(self, mean: Tensor, log_scale: Tensor):
        self.mean, self.log_scale = torch.broadcast_tensors(mean, log_scale)
        self.batch_shape, self.event_shape = self.mean.shape[:-1], self.mean.shape[-1:]

    @property
    def scale(self) -> Tensor:
        """The standard deviations, (*batch, L)."""
        return self.log_scale.exp()

    def log_prob(self, z: Tensor) -> Tensor:
        """log N(z) in nats, summed over the coordinates: (*batch)."""
        return gaussian_log_prob(z, self.mean, self.log_scale).sum(-1)

    def rsample(self, shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """mean + scale * noise, (*shape, *batch, L): differentiable in both (Kingma & Welling 2014, section 2.4)."""
        return self.mean + self.scale * standard_normal((*shape, *self.mean.shape), self.mean, generator)

    def sample(self, shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """The same numbers without gradients."""
        with torch.no_grad():
            return self.rsample(shape, generator=generator)

    def kl_by_coordinate(self, other: DiagonalGaussian) -> Tensor:
        """KL(self || other) in nats, (*batch, L), closed form, a coordinate at a time (Kingma & Welling 2014, appendix B)."""
        difference = self.log_scale - other.log_scale
        distance = (self.mean - other.mean) * torch.exp(-other.log_scale)
        return 0.5 * (torch.exp(2 * difference) + distance**2 - 1) - difference

    def kl(self, other: DiagonalGaussian) -> Tensor:
        """KL(self || other) in nats, (*batch)."""
        return self.kl_by_coordinate(other).sum(-1)


class DiagonalGaussianMixture:
    """A mixture of K diagonal Gaussians over vectors: `logits` (K), `mean` and `log_scale` (K, L)."""

    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor):
        self.logits, self.components = logits, DiagonalGaussian(mean, log_scale)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) in nats, (*batch), of vectors z (*batch, L).

        The squared distances come as matrix products: no (*batch, K, L) array is made.
        """
        mean, log_scale = self.components.mean, self.components.log_scale
        middle = mean.mean(0)  # distances from here, so that a common offset costs no digits
        precision, away, z = torch.exp(-2 * log_scale), mean - middle, z - middle
        squared = z**2 @ precision.T - 2 * z @ (away * precision).T + (away**2 * precision).sum(-1)  # (*batch, K)
        each = -0.5 * squared - log_scale.sum(-1) - 0.5 * mean.shape[-1] * math.log(2 * math.pi)
        return torch.logsumexp(F.log_softmax(self.logits, -1) + each, -1)

    def sample(self, shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """(*shape, L), without gradients: a component by its weight, then a point of it."""
        mean = self.components.mean
        device = generator.device if generator is not None else mean.device
        noise = torch.rand(*shape, 1, generator=generator, device=device).to(mean.device)
        chosen = Categorical(self.logits.detach()).from_noise(noise)  # (*shape)
        return DiagonalGaussian(mean[chosen], self.components.log_scale[chosen]).sample(generator=generator)


def standard_normal_from_noise(noise: Tensor) -> Tensor:
    """Standard normal values from uniform numbers in [0, 1), through the inverse CDF."""
    eps = torch.finfo(noise.dtype).eps  # uniform numbers come in steps of eps / 2: a 0 stands for the middle of the first
    inside = noise.clamp(eps / 4, 1 - eps / 2)
    return torch.special.ndtri(inside)


def entropy(probs: Tensor) -> Tensor:
    """H(p) = -sum p log p in nats over the last axis; 0 log 0 = 0 (Shannon 1948)."""
    return torch.special.entr(probs).sum(-1)


def cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    """-sum p log q in nats over the last axis: the code length paid for p with a code made for q."""
    return -torch.special.xlogy(p, q).sum(-1)


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) in nats over the last axis, not symmetric; infinite where q = 0 < p (Kullback & Leibler 1951)."""
    return cross_entropy(p, q) - entropy(p)


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """JS(p, q) in nats over the last axis: symmetric, at most log 2 (Lin 1991)."""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def gaussian_log_prob(x: Tensor, mean: Tensor | float = 0.0, log_scale: Tensor | float = 0.0) -> Tensor:
    """log N(x; mean, exp(log_scale)^2), elementwise, in nats."""
    log_scale = torch.as_tensor(log_scale, dtype=x.dtype, device=x.device)
    return -0.5 * ((x - mean) * torch.exp(-log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


def multivariate_gaussian_log_prob(x: Tensor, mean: Tensor, scale_tril: Tensor) -> Tensor:
    """log N(x_b; mean_k, L_k L_k^T) in nats, (B, K), of points x (B, D) under K Gaussians.

    mean (K, D); scale_tril (K, D, D): the Cholesky factors L, lower triangular, their diagonals not 0. With y = L^-1 (x - mean),
    log N = -(|y|^2 + D log 2 pi) / 2 - sum log |L_dd|.
    """
    K, D = mean.shape
    middle = mean.mean(0)  # distances from here, so that a common offset of the data costs no digits
    whiten = torch.linalg.solve_triangular(scale_tril, torch.eye(D, dtype=mean.dtype, device=mean.device), upper=False)
    shift = (whiten @ (mean - middle)[..., None]).flatten()  # (K D)
    across = whiten.reshape(K * D, D).T  # (D, K D)
    squared = [torch.addmm(-shift, rows, across).view(-1, K, D).square().sum(-1) for rows in (x - middle).split(256)]  # in cache
    log_det = scale_tril.diagonal(dim1=1, dim2=2).abs().log().sum(-1)  # (K)
    return -0.5 * (torch.cat(squared) + D * math.log(2 * math.pi)) - log_det
