"""FVSBN: every variable a logistic regression on all those before it (Frey 1998; Gan et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli, logit_threshold
from course_lib.models.autoregressive.reordering import keep_order
from course_lib.models.inputs import as_parameters, check_binary, check_event_shape
from course_lib.models.protocols import AutoregressiveModel


class FVSBN(AutoregressiveModel):
    """The fully visible sigmoid belief network, or logistic autoregression (Frey 1998; Gan et al. 2015).

        p(x_d = 1 | those before) = sigmoid(b[d] + sum over j before d of W[d, j] x_j)

    The model has D (D - 1) / 2 weights, D biases and no hidden unit. -log p(x) is convex in them: training has one minimum.

    Args:
        event_shape: shape of one example, D values in all.
        order: the order of the D flat indices; None is raster order.

    Parameters: W (D, D), of which only W[d, j] with j before d in the order is used; b (D,). All start at 0, so that
    every variable is a fair coin; unused entries of W get no gradient and stay 0.
    """

    def __init__(self, *, event_shape: Sequence[int], order: Sequence[int] | None = None):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        keep_order(self, order)
        self.register_buffer("before", self.turns[None, :] < self.turns[:, None], persistent=False)  # (D, D): is j before d?
        self.W = nn.Parameter(torch.zeros(self.dimensions, self.dimensions))
        self.b = nn.Parameter(torch.zeros(self.dimensions))

    @property
    def weight(self) -> Tensor:
        """W, (D, D), with 0 in place of every weight on the variable itself or on a later one."""
        return self.W * self.before

    def used(self) -> dict[str, Tensor]:
        """Which entries of W are used, (D, D) booleans: a checkpoint keeps only these."""
        return {"W": self.before}

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return as_parameters(check_binary(x, self.event_shape), self)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        flat = self.check(x).flatten(1)  # (B, D)
        return Bernoulli(F.linear(flat, self.weight, self.b).reshape(x.shape))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling in O(D) operations per variable and example: each reads its row of W and the values so far.

        noise (n, D, 1) -> (n, D). Row b keeps its first kept[b] variables from x (n, D).
        """
        n, width = len(noise), self.dimensions
        W = self.weight[self.places][:, self.places]  # (D, D), in the order: below the diagonal
        threshold = (logit_threshold(noise[..., 0]) - self.b)[:, self.places].T.contiguous()  # (D, n)
        drawn = torch.zeros(width, n, dtype=W.dtype, device=noise.device)  # in the order
        for k in range(width):
            drawn[k] = W[k, :k] @ drawn[:k] > threshold[k]  # u < sigmoid(logit)
            if x is not None:
                drawn[k] = torch.where(k < kept, x[:, self.order[k]].to(drawn.dtype), drawn[k])
        return drawn[self.turns].T.contiguous()
