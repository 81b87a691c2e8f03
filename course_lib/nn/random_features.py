"""A network of one random hidden layer, whose output layer is fitted by least squares: it is trained in milliseconds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib.runtime import check_index, check_seed, generator

RIDGE = 1e-5  # share of the number of examples that is added to the diagonal of the normal equations


class RandomFeatures(nn.Module):
    """Vectors and times -> vectors of the same length; hidden units are relu(a · (x, t) + b) with a and b drawn once.

    Only the output layer learns (Rahimi & Recht 2009), so that the best one for given pairs is the solution of a linear system.
    It reads the hidden units, x and a constant.

    Args:
        size: length of a vector. units: in the hidden layer. seed: of a and b.
    """

    def __init__(self, *, size: int, units: int, seed: int = 0):
        super().__init__()
        self.size, self.units, self.seed = check_index(size, "size", 1), check_index(units, "units", 1), check_seed(seed)
        g = generator(self.seed)
        self.register_buffer("slopes", torch.randn(self.units, self.size + 1, generator=g, dtype=torch.float64))
        self.register_buffer("offsets", 2 * torch.randn(self.units, generator=g, dtype=torch.float64))
        self.register_buffer("output", torch.zeros(self.units + self.size + 1, self.size, dtype=torch.float64))

    def hidden(self, x: Tensor, t: Tensor) -> Tensor:
        """What the output layer reads, (B, units + size + 1), of x (B, size) at times t (B,)."""
        given = torch.cat([x, t[:, None]], 1)
        return torch.cat([torch.relu(given @ self.slopes.T + self.offsets), x, torch.ones_like(t)[:, None]], 1)

    def forward(self, x: Tensor, t: Tensor, condition: None = None) -> Tensor:
        """x (B, size), t (B,), both float64 -> (B, size)."""
        return self.hidden(x, t) @ self.output

    @torch.no_grad()
    def fit(self, x: Tensor, t: Tensor, target: Tensor) -> RandomFeatures:
        """Set the output layer to the least squares solution for targets (N, size) at x (N, size) and t (N,); returns itself."""
        read = self.hidden(x, t)
        products = read.T @ read
        products.diagonal().add_(RIDGE * len(x))
        self.output.copy_(torch.linalg.solve(products, read.T @ target))
        return self
