"""The only home of log-density, entropy and divergence formulas. All logarithms are natural: units are nats.

Precision, for every class and function here: float64 stays float64, half precision and integers become float32, and autocast is
off inside (`precision.full_precision`). The classes share the interface of `base.Distribution`.

NaN in a parameter or a value of a density stays NaN in the result: it never becomes a number. To look for it costs time, and on
a GPU makes the host wait; `check` looks, and so do `sample`, probabilities, entropies and divergences on the CPU.
"""

from course_lib.distributions.base import Distribution
from course_lib.distributions.discrete import Bernoulli, Categorical, logit_threshold
from course_lib.distributions.divergences import cross_entropy, entropy, jensen_shannon, kl
from course_lib.distributions.gaussian import (
    DiagonalGaussian,
    DiagonalGaussianMixture,
    Gaussian,
    UnivariateGaussianMixture,
    gaussian_log_prob,
    multivariate_gaussian_log_prob,
    precision_weighted,
    standard_normal_from_noise,
)
from course_lib.distributions.grey import DiscretisedLogisticMixture, GreyLevels

__all__ = [
    "Bernoulli", "Categorical", "DiagonalGaussian", "DiagonalGaussianMixture", "DiscretisedLogisticMixture", "Distribution",
    "Gaussian", "GreyLevels", "UnivariateGaussianMixture", "cross_entropy", "entropy", "gaussian_log_prob", "jensen_shannon",
    "kl", "logit_threshold", "multivariate_gaussian_log_prob", "precision_weighted", "standard_normal_from_noise",
]  # fmt: skip
