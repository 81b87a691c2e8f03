"""Point clouds in the plane: small enough to see, hard enough to teach.

Each is drawn where its generator lives, and the points lie on that device; without a generator, on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets.data import PARTS, check_split


def _like(generator: torch.Generator | None) -> Tensor:
    """An empty tensor on the generator's device; the points that are drawn take its device and type."""
    return torch.empty(0, device=generator.device if generator is not None else "cpu")


def _integers(most: int, shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    return torch.randint(most, shape, generator=generator, device=_like(generator).device)


def ring(n: int, *, modes: int = 8, radius: float = 2.0, scale: float = 0.1, generator=None) -> Tensor:
    """n points around `modes` centres evenly spaced on a circle, (n, 2)."""
    n = runtime.check_index(n, least=1)
    angle = 2 * math.pi * _integers(runtime.check_index(modes, "modes", 1), (n,), generator) / modes
    centres = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return centres + scale * runtime.standard_normal((n, 2), centres, generator)


def grid(n: int, *, side: int = 5, spacing: float = 1.0, scale: float = 0.05, generator=None) -> Tensor:
    """n points around side x side centres on a square grid about the origin, (n, 2)."""
    n = runtime.check_index(n, least=1)
    cells = _integers(runtime.check_index(side, "side", 1), (n, 2), generator)
    return spacing * (cells - (side - 1) / 2) + scale * runtime.standard_normal((n, 2), _like(generator), generator)


def ring_centres(*, modes: int = 8, radius: float = 2.0) -> Tensor:
    """The centres (modes, 2) around which `ring` draws."""
    angle = 2 * math.pi * torch.arange(runtime.check_index(modes, "modes", 1)) / modes
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


def grid_centres(*, side: int = 5, spacing: float = 1.0) -> Tensor:
    """The centres (side², 2) around which `grid` draws."""
    line = torch.arange(runtime.check_index(side, "side", 1)) - (side - 1) / 2
    return spacing * torch.cartesian_prod(line, line)


@dataclass(frozen=True)
class Modes:
    """A mixture of equally probable round Gaussians whose centres are known, so that modes can be counted.

    draw: (n, generator=…) -> points (n, 2). centres: (K, 2). scale: the standard deviation around each centre.
    """

    draw: Callable[..., Tensor]
    centres: Tensor
    scale: float


# The ring and the grid of PacGAN (Lin et al. 2018, section 4.1), on which its table 1 counts modes. They are harder than the
# defaults above: between two neighbouring centres there are 77 and 40 standard deviations.
PACGAN_RING = Modes(partial(ring, radius=1.0, scale=0.01), ring_centres(radius=1.0), 0.01)
PACGAN_GRID = Modes(partial(grid, spacing=2.0, scale=0.05), grid_centres(spacing=2.0), 0.05)


def moons(n: int, *, scale: float = 0.1, generator=None) -> tuple[Tensor, Tensor]:
    """n points on two interleaved half circles, (n, 2), and the half circle of each, 0 or 1, (n)."""
    n = runtime.check_index(n, least=1)
    which = _integers(2, (n,), generator)
    angle = math.pi * runtime.uniform((n,), _like(generator), generator)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    points = torch.where(which[:, None] == 0, upper, lower) - upper.new_tensor([0.5, 0.25])
    return points + scale * runtime.standard_normal((n, 2), points, generator), which


def spiral(n: int, *, arms: int = 2, turns: float = 1.0, scale: float = 0.05, generator=None) -> tuple[Tensor, Tensor]:
    """n points on spiral arms of radius up to 2, (n, 2), and the arm of each, (n)."""
    n = runtime.check_index(n, least=1)
    arm = _integers(runtime.check_index(arms, "arms", 1), (n,), generator)
    along = runtime.uniform((n,), _like(generator), generator).sqrt()  # even along the arm, not crowded at its centre
    angle = 2 * math.pi * (turns * along + arm / arms)
    points = 2 * along[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return points + scale * runtime.standard_normal((n, 2), points, generator), arm


def mixture(n: int, *, probs: Tensor, mean: Tensor, scale: Tensor, generator=None) -> tuple[Tensor, Tensor]:
    """n points of a mixture of K spherical Gaussians in D dimensions, (n, D), and the component of each, (n).

    probs (K), mean (K, D), scale (K) or (K, D), on one device, where the points lie too.
    """
    if not abs(float(probs.sum()) - 1) <= 1e-5 or (probs < 0).any():
        raise ValueError(f"probs sum to {probs.sum():.4g}; expected K numbers of at least 0 that sum to 1: probs / probs.sum()")
    drawn_on = generator.device if generator is not None else mean.device
    which = torch.multinomial(probs.to(drawn_on), runtime.check_index(n, least=1), replacement=True, generator=generator)
    which = which.to(mean.device)
    scales = (scale if scale.ndim == 2 else scale[:, None])[which]
    return mean[which] + scales * runtime.standard_normal((len(which), mean.shape[1]), mean, generator), which


def _split(maker, split: str) -> tuple[Tensor, Tensor | None]:
    """10,000 points for training, or 2,000 for validation or test; always the same."""
    seed = PARTS.index(check_split(split, PARTS, maker.__name__))
    made = maker(10_000 if split == "train" else 2_000, generator=runtime.generator(seed))
    return made if isinstance(made, tuple) else (made, None)


SPLITS = {maker.__name__: partial(_split, maker) for maker in (ring, grid, moons, spiral)}
