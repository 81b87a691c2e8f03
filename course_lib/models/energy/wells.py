"""An energy in the plane with two valleys and a high pass between them: easy to draw, hard for a chain to cross."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_number
from course_lib.models.protocols import EnergyModel
from course_lib.runtime import standard_normal, uniform

REACH, POINTS = 2.5, 4_001  # of the grid over x on which integrals are computed


class TwoWells(EnergyModel):
    """E(x, y) = barrier (x^2 - 1)^2 + tilt x + stiffness (y - x^2 / 2)^2 / 2, in units of the temperature 1.

    The valleys lie near x = -1 and x = 1, and the pass near x = 0. Given x, y is Gaussian with the same width everywhere, so that
    every integral over both reduces to one over x, which a fine grid gives.

    Args:
        barrier: height of the pass. tilt: half the difference in height of the two valleys; the right one is the higher where
            it is above 0. stiffness: of the valleys across their length.
    """

    def __init__(self, *, barrier: float = 12.0, tilt: float = 0.5, stiffness: float = 20.0):
        super().__init__()
        self.event_shape = (2,)
        self.barrier = check_number(barrier, "barrier", above=0)
        self.tilt = check_number(tilt, "tilt")
        self.stiffness = check_number(stiffness, "stiffness", above=0)

    def _along(self, x: Tensor) -> Tensor:
        return self.barrier * (x.square() - 1).square() + self.tilt * x

    def energy(self, x: Tensor) -> Tensor:
        """E in nats, (B,), at points (B, 2)."""
        first, second = self.check(x).unbind(1)
        return self._along(first) + self.stiffness * (second - first.square() / 2).square() / 2

    def _density(self, temperature: float) -> tuple[Tensor, Tensor]:
        """A grid over the first coordinate, and the probability of each of its cells at this temperature."""
        temperature = check_number(temperature, "temperature", above=0)
        reach = REACH * max(1.0, temperature / 10) ** 0.5
        grid = torch.linspace(-reach, reach, POINTS, dtype=torch.double)
        return grid, torch.softmax(-self._along(grid) / temperature, 0)

    def right_share(self, temperature: float = 1.0) -> float:
        """The probability of x > 0 under exp(-E / temperature), by quadrature."""
        grid, p = self._density(temperature)
        return (p[grid > 0].sum() + p[grid == 0].sum() / 2).item()

    @torch.no_grad()
    def sample(self, n: int, *, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """n independent points (n, 2): x by its distribution function on the grid, then y given x."""
        grid, p = self._density(temperature)
        noise = uniform((check_count(n),), grid, generator).cpu()
        place = torch.searchsorted(p.cumsum(0), noise).clamp(max=POINTS - 1)
        x = grid[place] + (grid[1] - grid[0]) * (uniform((n,), grid, generator).cpu() - 0.5)
        y = x.square() / 2 + (temperature / self.stiffness) ** 0.5 * standard_normal((n,), x, generator)
        return torch.stack([x, y], 1).float()
