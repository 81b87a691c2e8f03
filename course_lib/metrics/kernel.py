"""The squared kernel distance of two sets of examples (maximum mean discrepancy): KID when the features are Inception's."""

from __future__ import annotations

from torch import Tensor

from course_lib.metrics.features import check_two_sets
from course_lib.metrics.inputs import check_rows

CHUNK = 1_000  # rows that are compared at once
DEGREE = 3  # of the polynomial


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x·y / F + 1)³ for all pairs of x (N, F) and y (M, F): (N, M), in float64 (Bińkowski et al. 2018, section 4).

    The feature space of this kernel holds all products of up to three features, so that the distance compares all moments up to
    the third.
    """
    x = check_rows(x, "x")
    return _kernel(x, check_rows(y, "y", columns=x.shape[1]))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x.double() @ y.double().T / x.shape[1] + 1) ** DEGREE


def kernel_distance(features_a: Tensor, features_b: Tensor) -> float:
    """The unbiased estimate of the squared kernel distance of features (N, F) and (M, F) (Gretton et al. 2012, eq. 3).

    It is the mean kernel of two different examples of a, plus that of two different examples of b, minus twice the mean kernel of
    one example of each. At equal distributions its expectation is 0 at every N and M, so that it may be below 0.
    Raises ValueError when a set has fewer than two examples.
    """
    a, b = (features.detach().cpu() for features in check_two_sets(features_a, features_b))
    return _within(a) + _within(b) - 2 * _sum(a, b) / (len(a) * len(b))


def _sum(a: Tensor, b: Tensor) -> float:
    return sum(_kernel(some, b).sum().item() for some in a.split(CHUNK))


def _within(x: Tensor) -> float:
    """The mean kernel over the pairs of two different examples: the pairs of an example with itself are left out."""
    itself = ((x.double().square().sum(1) / x.shape[1] + 1) ** DEGREE).sum().item()
    return (_sum(x, x) - itself) / (len(x) * (len(x) - 1))
