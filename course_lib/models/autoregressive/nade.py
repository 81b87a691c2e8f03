"""NADE: one hidden layer whose weights are shared by all the conditionals (Larochelle & Murray 2011)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli
from course_lib.models.inputs import check_binary, check_count, check_event_shape, check_order
from course_lib.models.protocols import AutoregressiveModel


class NADE(AutoregressiveModel):
    """The neural autoregressive distribution estimator for binary data (Larochelle & Murray 2011, eqs. 3-5).

        h_k = sigmoid(c + sum over j < k of W[j] x_j)            the j and k count in the order
        p(x_k = 1 | x_<k) = sigmoid(b[k] + V[k] . h_k)

    The column sum is shared from one k to the next, so all D conditionals cost O(D H) rather than O(D^2 H).

    Args:
        event_shape: shape of one example, D values in all.
        hidden: H, the number of hidden units.
        order: the order of the D flat indices; None is raster order.
        chunk: how many variables are worked on at a time; changes the speed, never the result.

    Parameters: W (D, H), V (D, H), b (D,), c (H,); rows stand in the order of the variables' indices.
    """

    def __init__(self, *, event_shape: Sequence[int], hidden: int = 500, order: Sequence[int] | None = None, chunk: int = 28):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = check_count(hidden, "hidden")
        self.chunk = check_count(chunk, "chunk")
        self.order = check_order(order, self.dimensions)
        scale = self.dimensions**-0.5
        self.W = nn.Parameter(scale * torch.randn(self.dimensions, hidden))
        self.V = nn.Parameter(hidden**-0.5 * torch.randn(self.dimensions, hidden))
        self.b = nn.Parameter(torch.zeros(self.dimensions))
        self.c = nn.Parameter(torch.zeros(hidden))

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return check_binary(x, self.event_shape)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.order]  # (B, D)
        activation = self.c.expand(len(x), self.hidden)  # (B, H): c + the W of what has gone by
        logits = []
        for start in range(0, self.dimensions, self.chunk):
            places = self.order[start : start + self.chunk]
            weights = self.W[places]  # (K, H)
            seen = ordered[:, start : start + self.chunk]  # (B, K)
            logits.append(self._chunk_logits(seen, activation, weights, self.V[places]))
            activation = torch.addmm(activation, seen, weights)
        back = torch.tensor(self.order).argsort()
        all_logits = torch.cat(logits, 1)[:, back.to(x.device)] + self.b  # (B, D)
        return Bernoulli(all_logits.reshape(x.shape))

    @staticmethod
    def _chunk_logits(seen: Tensor, activation: Tensor, weights: Tensor, readout: Tensor) -> Tensor:
        """Logits (B, K) of K variables in a row, without b.

        The hidden layer changes only after a variable that is 1. Digits are mostly 0, so an image has about one
        distinct hidden state for every 7 pixels: only those S states are computed, as two matrix products.
        """
        count, width = seen.shape
        changed = torch.ones_like(seen, dtype=torch.bool)  # (B, K): does a new state begin here?
        changed[:, 1:] = seen[:, :-1] > 0
        example, place = changed.nonzero(as_tuple=True)  # (S,), (S,)
        before = torch.arange(width, device=seen.device) < place[:, None]  # (S, K)
        prefix = seen[example] * before  # (S, K): what state s has seen of this chunk
        states = torch.sigmoid(torch.addmm(activation.index_select(0, example), prefix, weights))  # (S, H)
        every = states @ readout.T  # (S, K): each state meets every variable, of which it serves a run
        state_of = changed.flatten().cumsum(0).sub_(1).view(count, width)
        wanted = state_of * width + torch.arange(width, device=seen.device)  # (B, K)
        return every.view(-1).index_select(0, wanted.view(-1)).view(count, width)

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Ancestral sampling in O(D H) an example: the hidden state is carried on, and redone where a pixel is 1.

        noise (n, D, 1) -> (n, D). The first start[b] variables of row b in the order are kept from x (n, D).
        """
        n, order = len(noise), self.order
        bar = (torch.logit(noise[..., 0].double()).to(noise.dtype) - self.b)[:, order].T.contiguous()  # (D, n)
        if x is not None:  # a bar that the known value decides
            kept = torch.arange(self.dimensions, device=noise.device)[:, None] < start  # (D, n)
            value = x[:, order].T
            bar = torch.where(kept, torch.where(value > 0, -torch.inf, torch.inf), bar)
        weights, readout = self.W[order], self.V[order]  # (D, H)
        activation = self.c.repeat(n, 1)  # (n, H)
        states = torch.sigmoid(activation)
        drawn = torch.zeros(self.dimensions, n, dtype=states.dtype, device=noise.device)
        for k in range(self.dimensions):
            ones = torch.mv(states, readout[k]) > bar[k]  # u < sigmoid(logit)
            drawn[k] = ones
            on = ones.nonzero()[:, 0]
            if len(on):
                moved = activation.index_select(0, on).add_(weights[k])
                activation.index_copy_(0, on, moved)
                states.index_copy_(0, on, moved.sigmoid_())
        result = torch.empty_like(drawn.T)
        result[:, order] = drawn.T
        return result
