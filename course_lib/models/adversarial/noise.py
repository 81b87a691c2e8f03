"""Noise from which a generator makes its examples: drawn within limits, and mixed between several vectors."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def truncated(z: Tensor, limit: float) -> Tensor:
    """Standard normal noise z (…) turned into standard normal noise that lies within -limit … limit, of the same shape.

    Each number keeps its rank: the share u of all draws below it becomes the share u of all draws within the limits. So the
    result has exactly the distribution of noise whose numbers outside the limits are drawn again (the truncation trick of
    Brock et al. 2019, section 3.1), and it changes smoothly with the limit. ValueError for a negative limit.
    """
    if not limit >= 0:
        raise ValueError(f"limit is {limit!r}; expected a number of at least 0: noise lies within -limit … limit")
    if limit == 0 or math.isinf(limit):
        return torch.zeros_like(z) if limit == 0 else z
    inside = math.erf(limit / math.sqrt(2))
    below = torch.special.ndtr(-z.double().abs()) * inside + (1 - inside) / 2  # the smaller tail, so that no digit is lost
    return (torch.special.ndtri(below).neg() * z.double().sign()).to(z.dtype)


def mixed(corners: Tensor, weights: Tensor, *, shell: bool = False) -> Tensor:
    """The weighted mean (L,) of noise vectors (K, L) with weights (K,) that sum to 1.

    shell: the mean is stretched to the weighted mean of the corners' norms, since long vectors of noise nearly all have the
    same norm, and a plain mean is shorter than all of them. A mean of 0 stays 0.
    """
    mean = weights @ corners
    if not shell:
        return mean
    return mean * (weights @ corners.norm(dim=1)) / mean.norm().clamp(min=torch.finfo(mean.dtype).tiny)
