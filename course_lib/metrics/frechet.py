"""The Fréchet distance of two sets of examples, by Gaussians fitted to their features: FID when the features are Inception's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.metrics.features import check_two_sets
from course_lib.metrics.inputs import as_floats, check_finite, check_tensor
from course_lib.models.inputs import check_counts
from course_lib.runtime import generator as seeded

PARTS = (1, 2, 3, 4, 5)  # the usual counts at which a distance is measured: all examples, half of them, a third …


def gaussian_frechet(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> float:
    """The squared Fréchet (2-Wasserstein) distance of two Gaussians in F dimensions (Dowson & Landau 1982, eq. 4).

    |mean_a - mean_b|² + tr(A + B - 2 (A B)^½), where the trace of the root is the sum of the roots of the eigenvalues of
    A^½ B A^½, a symmetric matrix. Means are (F,), covariances A and B (F, F), also singular ones; computed in float64.
    """
    given = {"mean_a": mean_a, "mean_b": mean_b, "covariance_a": covariance_a, "covariance_b": covariance_b}
    mean_a, mean_b, a, b = (check_finite(as_floats(check_tensor(t, name)), name).double() for name, t in given.items())
    if mean_a.ndim != 1 or mean_a.shape != mean_b.shape or not a.shape == b.shape == 2 * mean_a.shape:
        raise ValueError(
            f"the means have shapes {tuple(mean_a.shape)} and {tuple(mean_b.shape)}, the covariances {tuple(a.shape)} and "
            f"{tuple(b.shape)}; expected (F,) twice and (F, F) twice"
        )
    values, vectors = torch.linalg.eigh(a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    squared = (mean_a - mean_b).square().sum() + a.trace() + b.trace() - 2 * overlap
    return max(squared.item(), 0.0)


def frechet_distance(features_a: Tensor, features_b: Tensor) -> float:
    """The squared Fréchet distance of Gaussians fitted to two sets of features (N, F) and (M, F) (Heusel et al. 2017, eq. 6).

    With few examples it is too large: the fitted covariances differ by chance. So compare only distances at equal N and M, and
    name the network whose features they are. Raises ValueError when a set has fewer than two examples.
    """
    moments = [
        (features.double().mean(0), torch.atleast_2d(torch.cov(features.double().T)))
        for features in check_two_sets(features_a, features_b)
    ]
    return gaussian_frechet(*moments[0], *moments[1])


@dataclass(frozen=True)
class AtInfinity:
    """A straight line through distances at several counts: distance ≈ limit + slope / n, by least squares.

    Attributes:
        counts: n, examples of each set.
        distances: the mean Fréchet distance at each count.
        limit: what is left at n = ∞; noise may take it below 0.
        slope: what small counts add: slope / n.
    """

    counts: tuple[int, ...]
    distances: tuple[float, ...]
    limit: float
    slope: float


def frechet_at_infinity(
    features_a: Tensor, features_b: Tensor, *, counts: Sequence[int] | None = None, generator: torch.Generator | None = None
) -> AtInfinity:
    """The Fréchet distance of two sets of features (N, F) and (M, F) without the part that small counts add.

    That part falls as 1/n (Chong & Forsyth 2020, section 3), so a straight line through the distances at several counts n leads
    to the value at n = ∞. Here both sets are put into a random order and cut into as many disjoint blocks of n examples as the
    smaller one holds, and the distances of the pairs of blocks are averaged. Chong & Forsyth shrink the generated set alone, so
    that what the size of the real set adds stays in their limit.

    Args:
        counts: at least two different numbers of examples, each at least two and at most the size of the smaller set. Usually
            that size divided by 1, 2, 3, 4 and 5. Counts below about four times F add terms in 1/n², which bend the line.
        generator: draws the order of the examples; without one, the order of seed 0.
    """
    features_a, features_b = check_two_sets(features_a, features_b)
    least = min(len(features_a), len(features_b))
    counts = [least // part for part in PARTS] if counts is None else check_counts(counts, "counts")
    if len(set(counts)) < 2 or min(counts) < 2 or max(counts) > least:
        raise ValueError(f"counts are {list(counts)} for {least} examples; expected at least two different ones in 2 … {least}")
    generator = seeded(0) if generator is None else generator
    orders = [torch.randperm(len(x), generator=generator, device=generator.device) for x in (features_a, features_b)]
    a, b = features_a[orders[0].to(features_a.device)], features_b[orders[1].to(features_b.device)]
    means = []
    for n in counts:
        pairs = list(zip(a.split(n), b.split(n), strict=False))[: least // n]
        means.append(sum(frechet_distance(*pair) for pair in pairs) / len(pairs))
    design = torch.stack([torch.ones(len(counts), dtype=torch.double), 1 / torch.tensor(counts, dtype=torch.double)], 1)
    limit, slope = torch.linalg.lstsq(design, torch.tensor(means, dtype=torch.double)[:, None]).solution[:, 0].tolist()
    return AtInfinity(tuple(counts), tuple(means), limit, slope)
