"""An FVSBN trained in whitened coordinates: uncorrelated inputs of variance 1."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive import FVSBN


class Whitened(nn.Module):
    """An FVSBN in other coordinates, used in training only: inputs u = L^-1 (x - mean), uncorrelated and of variance 1.

    Neighbouring pixels are so alike that the valley of the loss is long and narrow; in u it is nearly round, and gradient
    descent needs a fifth of the epochs (LeCun, Bottou, Orr & Müller 1998, section 4.3). L is the Cholesky factor of the
    pixels' covariance in their order, so u_j depends on the pixels up to j alone: the same weights are masked as before,
    and the models that can be written are the same. Train it with averaging=PolynomialAverage(): a running mean of the
    parameters lies nearer to the floor of the valley than any single step's (Shamir & Zhang 2013, section 4).

    Args:
        model: the FVSBN to train.
        grey: grey values (N, *event_shape) in [0, 1] from which binary pixels are drawn.
        ridge: added to the variances, for pixels that are always blank.
        decay: of the weights on u; the loss gets decay / 2 times the sum of their squares, against overfitting.
    """

    def __init__(self, model: FVSBN, grey: Tensor, ridge: float = 0.1, decay: float = 2e-4):
        super().__init__()
        self.model, self.decay = model, decay
        flat = grey.flatten(1)[:, model.order]  # (N, D), in the order
        mean = flat.mean(0)
        covariance = (flat - mean).T @ (flat - mean) / len(flat)
        covariance += torch.diag((flat * (1 - flat)).mean(0) + ridge)  # drawing the pixels adds variance
        back = torch.tensor(model.order).argsort()
        eye = torch.eye(len(mean))
        inverse = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), eye, upper=False)
        self.register_buffer("mean", mean[back])
        self.register_buffer("inverse", inverse[back][:, back].contiguous())  # L^-1, (D, D), by the pixels' indices
        with torch.no_grad():
            model.b.copy_(torch.logit(self.mean.clamp(1e-4, 1 - 1e-4)))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood of binary x (B, *event_shape) in nats, and the decay: ()."""
        flat, weight = x.flatten(1), self.model.weight
        inputs = F.linear(flat - self.mean, self.inverse)  # (B, D): u
        logits = F.linear(inputs, weight, self.model.b)
        return -Bernoulli(logits).log_prob(flat).sum(1).mean() + self.decay / 2 * weight.square().sum()

    @torch.no_grad()
    def plain(self) -> FVSBN:
        """The same model as an FVSBN of its own, in the coordinates of the pixels."""
        plain = copy.deepcopy(self.model)
        weight = self.model.weight @ self.inverse
        plain.b.copy_(self.model.b - weight @ self.mean)
        plain.W.copy_(weight * self.model.before)
        return plain
