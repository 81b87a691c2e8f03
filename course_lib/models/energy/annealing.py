"""Annealed importance sampling of log Z, and its reverse, from a machine of independent pixels to an RBM.

At beta in [0, 1] the machine between has the unnormalised probability

    f_beta(x) = exp(x ((1 - beta) base + beta b)) times the product over j of 1 + exp(beta (x W + c)_j),

so that beta = 0 has independent pixels, whose Z is known, and beta = 1 is the RBM (Salakhutdinov & Murray 2008, eq. 15 to 17).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.models.energy.rbm import RBM
from course_lib.models.inputs import check_count
from course_lib.runtime import uniform


def ladder(steps: int) -> Tensor:
    """The values of beta from 0 to 1, (steps + 1,) float64: half of the steps lie above 0.9, where the machine changes fastest.

    One step alone goes from 0 to 1.
    """
    low = check_count(steps, "steps") // 2
    return torch.cat(
        [0.9 * torch.arange(low).double() / max(low, 1), torch.linspace(0.9 if low else 0.0, 1.0, steps - low + 1).double()]
    )


@torch.no_grad()
def forward_log_weights(model: RBM, betas: Tensor, chains: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Annealed importance sampling (Neal 2001): estimates of log Z, one per chain, (chains,) float64.

    Each chain begins with independent pixels, beta = 0. It goes up the ladder: its weight is multiplied by f at the next beta
    over f at the present one, then one Gibbs step follows at the next beta. The mean of the exponentials of what is returned is
    Z in expectation; the log of that mean is therefore too low on average (Jensen's inequality).

    betas: (K + 1,), rising from 0 to 1.
    """
    between = _Between(model, betas)
    x = model.noise(chains, generator=generator).flatten(1)
    logits, total = between.logits(x), x.new_zeros(len(x), dtype=torch.float64)
    for low, high in between.pairs():
        total += between.log_ratio(x, logits, low, high)
        if high < 1:  # the last example is not needed
            x = between.move(logits, high, generator)
            logits = between.logits(x)
    return total + between.log_z_of_base()


@torch.no_grad()
def reverse_log_probs(model: RBM, x: Tensor, betas: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """The reverse (RAISE; Burda, Grosse & Salakhutdinov 2015): an estimate of log p(x) for each example, (B,) float64.

    A chain begins at each example, beta = 1, and goes down the ladder to beta = 0. The exponential of what is returned has the
    expectation q(x), the probability that annealing upwards ends at x; so its logarithm is too low on average for log q(x),
    and q approaches p as the ladder becomes longer. log p(x) + F(x) with the sign changed is an estimate of log Z from above.

    x: examples (B, *event_shape). betas: (K + 1,), rising from 0 to 1.
    """
    between = _Between(model, betas)
    x = model.check(x).flatten(1)
    logits = between.logits(x)
    found = -model._free_energy(x).double() - between.log_z_of_base()
    for low, high in reversed(list(between.pairs())):
        x = between.move(logits, high, generator)
        logits = between.logits(x)
        found -= between.log_ratio(x, logits, low, high)
    return found


class _Between:
    """The machines between independent pixels and an RBM."""

    def __init__(self, model: RBM, betas: Tensor):
        if betas.ndim != 1 or len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or (betas.diff() <= 0).any():
            raise ValueError(f"betas are {betas!r:.80}; expected (K + 1,) numbers that rise from 0 to 1: ladder(1_000)")
        self.model, self.betas = model, betas.tolist()

    def pairs(self) -> Iterator[tuple[float, float]]:
        """Neighbouring betas, from 0 upwards."""
        return zip(self.betas, self.betas[1:], strict=False)

    def logits(self, x: Tensor) -> Tensor:
        """x W + c, (B, H)."""
        return torch.addmm(self.model.c, x, self.model.W)

    def log_z_of_base(self) -> float:
        """log Z at beta = 0: H hidden units with log odds 0, and independent pixels."""
        return self.model.hidden * math.log(2) + F.softplus(self.model.base.double()).sum().item()

    def log_ratio(self, x: Tensor, logits: Tensor, low: float, high: float) -> Tensor:
        """log f at `high` minus log f at `low`, (B,) float64. The differences are small: they are taken before the sums."""
        hidden = F.softplus(high * logits) - F.softplus(low * logits)
        return ((high - low) * (x @ (self.model.b - self.model.base)) + hidden.sum(1)).double()

    def move(self, logits: Tensor, beta: float, generator: torch.Generator | None) -> Tensor:
        """One Gibbs step, which keeps f_beta: hidden units from their logits (B, H), then pixels (B, V)."""
        h = (uniform(logits.shape, logits, generator) < torch.sigmoid(beta * logits)).to(logits.dtype)
        bias = (1 - beta) * self.model.base + beta * self.model.b
        visible = torch.addmm(bias, h, self.model.W.T, alpha=beta)
        return (uniform(visible.shape, visible, generator) < torch.sigmoid(visible)).to(visible.dtype)
