"""The Fréchet distance of two sets of examples, by Gaussians fitted to their features: FID when the features are Inception's."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_frechet(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> float:
    """The squared Fréchet (2-Wasserstein) distance of two Gaussians in F dimensions (Dowson & Landau 1982, eq. 4).

    |mean_a - mean_b|² + tr(A + B - 2 (A B)^½), where the trace of the root is the sum of the roots of the eigenvalues of
    A^½ B A^½, a symmetric matrix. Means are (F,), covariances A and B (F, F), also singular ones; computed in float64.
    """
    mean_a, mean_b = mean_a.double(), mean_b.double()
    a, b = covariance_a.double(), covariance_b.double()
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
    for features in (features_a, features_b):
        if features.ndim != 2 or len(features) < 2 or features.shape[1] != features_a.shape[1]:
            raise ValueError(
                f"features have shapes {tuple(features_a.shape)} and {tuple(features_b.shape)}; expected (N, F) and (M, F) with "
                "at least two examples each: features(judge, x) makes them"
            )
    moments = [
        (features.double().mean(0), torch.atleast_2d(torch.cov(features.double().T))) for features in (features_a, features_b)
    ]
    return gaussian_frechet(*moments[0], *moments[1])
