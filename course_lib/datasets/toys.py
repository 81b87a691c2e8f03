"""Point clouds in the plane: small enough to see, hard enough to teach. All tensors, all from a generator."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from course_lib import runtime


def ring(n: int, *, modes: int = 8, radius: float = 2.0, scale: float = 0.1, generator=None) -> Tensor:
    """n points around `modes` centres evenly spaced on a circle, (n, 2)."""
    angle = 2 * math.pi * torch.randint(modes, (n,), generator=generator) / modes
    centres = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return centres + scale * torch.randn(n, 2, generator=generator)


def grid(n: int, *, side: int = 5, spacing: float = 1.0, scale: float = 0.05, generator=None) -> Tensor:
    """n points around side x side centres on a square grid about the origin, (n, 2)."""
    cells = torch.randint(side, (n, 2), generator=generator)
    return spacing * (cells - (side - 1) / 2) + scale * torch.randn(n, 2, generator=generator)


def moons(n: int, *, scale: float = 0.1, generator=None) -> tuple[Tensor, Tensor]:
    """n points on two interleaved half circles, (n, 2), and which of the two each is on, (n)."""
    which = torch.randint(2, (n,), generator=generator)
    angle = math.pi * torch.rand(n, generator=generator)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    points = torch.where(which[:, None] == 0, upper, lower) - torch.tensor([0.5, 0.25])
    return points + scale * torch.randn(n, 2, generator=generator), which


def spiral(n: int, *, arms: int = 2, turns: float = 1.0, scale: float = 0.05, generator=None) -> tuple[Tensor, Tensor]:
    """n points on spiral arms of radius up to 2, (n, 2), and the arm of each, (n)."""
    arm = torch.randint(arms, (n,), generator=generator)
    along = torch.rand(n, generator=generator).sqrt()  # even along the arm, not crowded at its centre
    angle = 2 * math.pi * (turns * along + arm / arms)
    points = 2 * along[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return points + scale * torch.randn(n, 2, generator=generator), arm


def mixture(n: int, *, probs: Tensor, mean: Tensor, scale: Tensor, generator=None) -> tuple[Tensor, Tensor]:
    """n points of a mixture of K spherical Gaussians in D dimensions, (n, D), and the component of each, (n).

    probs (K), mean (K, D), scale (K) or (K, D).
    """
    if abs(float(probs.sum()) - 1) > 1e-5 or (probs < 0).any():
        raise ValueError(f"probs sum to {probs.sum():.4g}; expected K numbers of at least 0 that sum to 1: probs / probs.sum()")
    which = torch.multinomial(probs, n, replacement=True, generator=generator)
    spread = (scale if scale.ndim == 2 else scale[:, None])[which]
    return mean[which] + spread * torch.randn(n, mean.shape[1], generator=generator), which


def _split(maker, split: str) -> tuple[Tensor, Tensor | None]:
    """10,000 training points and 2,000 each to validate and test, always the same."""
    made = maker(10_000 if split == "train" else 2_000, generator=runtime.generator(("train", "validation", "test").index(split)))
    return made if isinstance(made, tuple) else (made, None)


SPLITS = {maker.__name__: partial(_split, maker) for maker in (ring, grid, moons, spiral)}
