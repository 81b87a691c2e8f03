"""Score matching: three losses that have their least value at the score, though two of them never see it.

A score is a function that takes points (B, D) and returns vectors (B, D). Every loss is in the square of 1 / the unit of x.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.models.diffusion.density import jacobian_trace
from course_lib.runtime import standard_normal

Score = Callable[[Tensor], Tensor]


def explicit_loss(score: Score, truth: Score, x: Tensor) -> Tensor:
    """The mean over points x (B, D) of |s(x) - truth(x)|² / 2, (): for a density whose score is known."""
    return (score(x) - truth(x)).square().sum(1).mean() / 2


def implicit_loss(score: Score, x: Tensor) -> Tensor:
    """The mean over points x (B, D) of |s(x)|² / 2 + trace of ds/dx, () (Hyvärinen 2005, theorem 1).

    For draws of p it differs from the explicit loss by the mean of |score of p|² / 2, which no parameter changes.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        s = score(x)
        return (s.square().sum(1) / 2 + jacobian_trace(s, x, create_graph=True)).mean()


def denoising_loss(score: Score, x: Tensor, sigma: float | Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """The mean over x (B, …) of |s(x + sigma e) + e / sigma|² / 2 with standard normal noise e, () (Vincent 2011, eq. 11).

    Its least value is at the score of p smoothed by noise of this sigma. sigma: one number, or one per example, (B, 1, …).
    """
    noise = standard_normal(x.shape, x, generator)
    return (score(x + sigma * noise) + noise / sigma).square().flatten(1).sum(1).mean() / 2
