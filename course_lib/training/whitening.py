"""An FVSBN trained in whitened coordinates: uncorrelated inputs of variance 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive import FVSBN


class Whitened(nn.Module):
    """An FVSBN in other coordinates, to train in: inputs u = L^-1 (x - mean) that are uncorrelated and of variance 1.

    Neighbouring pixels are so alike that the valley of the loss is long and narrow; in u it is nearly round, and gradient
    descent needs a fifth of the passes (LeCun, Bottou, Orr & Müller 1998, section 4.3). L is the Cholesky factor of the
    pixels' covariance in their order, so u_j depends on the pixels up to j alone: the same weights are cut out as before,
    and the models that can be written are the same. What is kept is a running mean of the parameters, later steps counting more:
    it lies nearer to the floor of the valley than any single step (Shamir & Zhang 2013, section 4).

    Args:
        model: the FVSBN to train.
        grey: grey values (N, *event_shape) from which binary pixels are drawn.
        ridge: added to the variances, for pixels that are always blank.
        decay: of the weights on u; half of it times their squares is added to the loss, against overfitting.
    """

    def __init__(self, model: FVSBN, grey: Tensor, ridge: float = 0.1, decay: float = 2e-4):
        super().__init__()
        self.model, self.decay = model, decay
        flat = grey.flatten(1)[:, model.order]  # (N, D), in the order
        mean = flat.mean(0)
        covariance = (flat - mean).T @ (flat - mean) / len(flat)
        covariance += torch.diag((flat * (1 - flat)).mean(0) + ridge)  # the draw of black or white adds its own
        back = torch.tensor(model.order).argsort()
        eye = torch.eye(len(mean))
        inverse = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), eye, upper=False)
        self.register_buffer("mean", mean[back])
        self.register_buffer("inverse", inverse[back][:, back].contiguous())  # L^-1, (D, D), by the pixels' indices
        with torch.no_grad():
            model.b.copy_(torch.logit(self.mean.clamp(1e-4, 1 - 1e-4)))
        self.register_buffer("mean_W", model.W.detach().clone())
        self.register_buffer("mean_b", model.b.detach().clone())
        self.register_buffer("steps", torch.zeros(()))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood in nats, (), of the present parameters, and the decay; while training, one more step."""
        if self.training:
            self._remember()
        flat, weight = x.flatten(1), self.model.weight
        inputs = F.linear(flat - self.mean, self.inverse)  # (B, D): u
        logits = F.linear(inputs, weight, self.model.b)
        return -Bernoulli(logits).log_prob(flat).sum(1).mean() + self.decay / 2 * weight.square().sum()

    @torch.no_grad()
    def _remember(self) -> None:
        """Take the present parameters into the running mean: step t of T ends up with a share of about 5 t^4 / T^5."""
        self.steps += 1
        share = 5 / (self.steps + 4)
        self.mean_W.lerp_(self.model.W, share)
        self.mean_b.lerp_(self.model.b, share)

    @torch.no_grad()
    def plain(self) -> FVSBN:
        """The running mean as a model, back in the coordinates of the pixels."""
        weight = (self.mean_W * self.model.before) @ self.inverse
        self.model.b.copy_(self.mean_b - weight @ self.mean)
        self.model.W.copy_(weight * self.model.before)
        return self.model
