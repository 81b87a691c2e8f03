"""A good call of every distribution, divergence and density of course_lib.distributions, by name and what is asked."""

import torch
from calls import call

from course_lib import distributions as ds
from course_lib import runtime

A, B = torch.tensor([[1.0, -1.0, 0.0], [0.0, 2.0, -2.0]]), torch.tensor([[0.0, 0.5, -1.0], [1.0, 0.0, -0.5]])
P, Q = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]), torch.tensor([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]])
BITS, CATEGORIES, GREY = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]), torch.tensor([0, 2]), torch.tensor([0.5, 1.0])
NOISE, REALS = torch.tensor([[0.5], [0.25]]), torch.tensor([0.5, -1.0])
LOWER = torch.tensor([[[1.0, 0.0], [0.5, 2.0]]])


def density(kind, *, value, stays=(), **given):
    """The log-density of a value under a distribution of these parameters."""

    def log_prob(value, **parameters):
        return kind(**parameters).log_prob(value)

    return call(log_prob, value=value, stays=(*given, *stays), **given)


def draws(kind, shape, **given):
    """Samples, whose seed is always the same."""

    def sample(size, generator, **parameters):
        return kind(**parameters).sample((size, *shape), generator=runtime.generator(0) if generator == "seeded" else generator)

    return call(sample, size=2, generator="seeded", exact=False, stays=tuple(given), **given)


CALLS = {
    "Bernoulli density": density(ds.Bernoulli, logits=A, value=BITS, stays=("value",)),
    "Bernoulli by probs": density(ds.Bernoulli, probs=P, value=BITS, stays=("value",)),
    "Bernoulli draws": draws(ds.Bernoulli, (), logits=A),
    "Categorical density": density(ds.Categorical, logits=A, value=CATEGORIES),
    "Categorical by probs": density(ds.Categorical, probs=Q, value=CATEGORIES),
    "Categorical draws": draws(ds.Categorical, (), logits=A),
    "GreyLevels density": density(ds.GreyLevels, logits=A, value=GREY),
    "GreyLevels draws": draws(ds.GreyLevels, (3,), logits=A),
    "DiscretisedLogisticMixture density": density(
        ds.DiscretisedLogisticMixture, logits=A, mean=B, log_scale=A - 2, levels=3, value=GREY
    ),
    "DiscretisedLogisticMixture draws": draws(ds.DiscretisedLogisticMixture, (), logits=A, mean=B, log_scale=A - 2, levels=3),
    "Gaussian density": density(ds.Gaussian, mean=A, log_scale=B, value=BITS, stays=("value",)),
    "Gaussian draws": draws(ds.Gaussian, (), mean=A, log_scale=B),
    "UnivariateGaussianMixture density": density(
        ds.UnivariateGaussianMixture, logits=A, mean=B, log_scale=A - 2, value=REALS, stays=("value",)
    ),
    "UnivariateGaussianMixture draws": draws(ds.UnivariateGaussianMixture, (), logits=A, mean=B, log_scale=A - 2),
    "DiagonalGaussian density": density(ds.DiagonalGaussian, mean=A, log_scale=B, value=BITS, stays=("value",)),
    "DiagonalGaussian draws": draws(ds.DiagonalGaussian, (), mean=A, log_scale=B),
    "DiagonalGaussian kl": call(
        lambda mean, log_scale, other: ds.DiagonalGaussian(mean, log_scale).kl(other),
        mean=A,
        log_scale=B,
        other=ds.DiagonalGaussian(B, A),
        stays=("mean", "log_scale"),
    ),
    "DiagonalGaussianMixture density": density(
        ds.DiagonalGaussianMixture,
        logits=A[0],
        mean=torch.stack([REALS, REALS + 1, REALS - 2]),
        log_scale=torch.zeros(3, 2),
        value=torch.stack([REALS, 2 * REALS]),
        stays=("value",),
    ),
    "DiagonalGaussianMixture draws": draws(
        ds.DiagonalGaussianMixture, (), logits=A[0], mean=torch.stack([REALS, REALS + 1, REALS - 2]), log_scale=torch.zeros(3, 2)
    ),
    "precision_weighted": call(
        lambda mean, log_scale: ds.precision_weighted(ds.DiagonalGaussian(mean, log_scale), ds.DiagonalGaussian(B, A)).mean,
        mean=A,
        log_scale=B,
        stays=("mean", "log_scale"),
    ),
    "entropy": call(ds.entropy, probs=P),
    "cross_entropy": call(ds.cross_entropy, p=P, q=Q),
    "kl": call(ds.kl, p=P, q=Q),
    "jensen_shannon": call(ds.jensen_shannon, p=P, q=Q),
    "gaussian_log_prob": call(ds.gaussian_log_prob, x=BITS, mean=0.5, log_scale=0.25, stays=("x",)),
    "gaussian_log_prob by tensors": call(ds.gaussian_log_prob, x=BITS, mean=A, log_scale=B, stays=("x", "mean", "log_scale")),
    "multivariate_gaussian_log_prob": call(
        ds.multivariate_gaussian_log_prob, x=P[:, :2], mean=Q[:1, :2], scale_tril=LOWER, stays=("x", "mean", "scale_tril")
    ),
    "standard_normal_from_noise": call(ds.standard_normal_from_noise, noise=NOISE, stays=("noise",)),
    "logit_threshold": call(ds.logit_threshold, noise=NOISE, stays=("noise",)),
}
