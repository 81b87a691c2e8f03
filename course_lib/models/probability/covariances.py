"""Covariance matrices of the components of a mixture: how the M-step computes them, and the lower bound on their width."""

from __future__ import annotations

import torch
from torch import Tensor

SLICE = 256  # examples at a time where (B, K, D) numbers are needed: they stay in a processor's cache
GPU_SLICE = 2**26  # numbers in such an array on a GPU, which wants few large calls: 512 MB


def slice_size(components: int, dimensions: int, device: torch.device) -> int:
    """How many examples at a time this kind of device works on best, where each needs (K, D) numbers."""
    return SLICE if device.type == "cpu" else max(SLICE, GPU_SLICE // (components * dimensions))


def second_moment(x: Tensor, share: Tensor, mean: Tensor, covariance: str) -> Tensor:
    """Weighted covariances of points x (B, D) about `mean` (K, D); share (B, K) has columns of sum 1.

    Full: matrices (K, D, D). Diagonal: variances (K, D). Spherical: their mean over the variables, (K, 1).
    """
    if covariance == "full":
        moment = _outer(x, share) - mean[:, :, None] * mean[:, None]
        return (moment + moment.mT) / 2
    moment = share.T @ x**2 - mean**2
    return moment if covariance == "diagonal" else moment.mean(1, keepdim=True)


def _outer(x: Tensor, share: Tensor) -> Tensor:
    """sum over b of share[b, k] x_b x_b^T, (K, D, D), a slice at a time: one matrix product for all components."""
    (_, D), K = x.shape, share.shape[1]
    size = slice_size(K, D, x.device)
    total = x.new_zeros(D, K * D)
    for rows, weight in zip(x.split(size), share.split(size), strict=True):
        total.addmm_(rows.T, (weight[:, :, None] * rows[:, None]).view(-1, K * D))
    return total.view(D, K, D).transpose(0, 1)


def cholesky_above(covariance: Tensor, floor: float) -> Tensor:
    """Cholesky factors (K, D, D) of covariance matrices (K, D, D), whose eigenvalues below `floor` are raised to it.

    That is the maximum-likelihood covariance among those of at least this variance in every direction.
    """
    above = covariance.clone()
    above.diagonal(dim1=1, dim2=2).sub_(floor)
    narrow = torch.linalg.cholesky_ex(above).info != 0
    factor = torch.linalg.cholesky_ex(covariance).L
    if narrow.any():
        values, vectors = torch.linalg.eigh(covariance[narrow])
        root = values.clamp(min=floor).sqrt()[:, :, None] * vectors.mT  # covariance = root^T root
        upper = torch.linalg.qr(root).R  # = R^T R, whatever the condition number
        factor[narrow] = (upper * upper.diagonal(dim1=1, dim2=2).sign()[:, :, None]).mT
    return factor
