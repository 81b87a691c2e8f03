"""NADE: one hidden layer whose weights are shared by all the conditionals (Larochelle & Murray 2011)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, logit_threshold
from course_lib.models.autoregressive.reordering import keep_order
from course_lib.models.inputs import as_parameters, check_binary, check_count, check_event_shape
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
        keep_order(self, order)
        scale = self.dimensions**-0.5
        self.W = nn.Parameter(scale * torch.randn(self.dimensions, hidden))
        self.V = nn.Parameter(hidden**-0.5 * torch.randn(self.dimensions, hidden))
        self.b = nn.Parameter(torch.zeros(self.dimensions))
        self.c = nn.Parameter(torch.zeros(hidden))

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return as_parameters(check_binary(x, self.event_shape), self)

    def log_prob_in_a_loop(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (B,), of x (B, *event_shape): one variable after the other, as the paper writes it.

        `log_prob` gives the same numbers several times faster (Larochelle & Murray 2011, algorithm 1).
        """
        flat = self.check(x).flatten(1)  # (B, D)
        activation, total = self.c.expand(len(x), self.hidden), 0.0
        for d in self.order:
            logit = self.b[d] + torch.sigmoid(activation) @ self.V[d]  # (B,)
            total = total + Bernoulli(logit).log_prob(flat[:, d])
            activation = activation + flat[:, d, None] * self.W[d]
        return total

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.places]  # (B, D)
        chunk_logits = _by_distinct_states if x.device.type == "cpu" else _by_all_states
        activation = self.c.expand(len(x), self.hidden)  # (B, H): c + the rows of W of the variables so far
        logits = []
        for seen, places in zip(ordered.split(self.chunk, 1), self.places.split(self.chunk), strict=True):  # (B, K), (K,)
            weights = self.W[places]  # (K, H)
            logits.append(chunk_logits(seen, activation, weights, self.V[places]))
            activation = torch.addmm(activation, seen, weights)
        all_logits = torch.cat(logits, 1)[:, self.turns] + self.b  # (B, D)
        return Bernoulli(all_logits.reshape(x.shape))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling in O(D H) operations per example: the hidden state is carried on, and changes where a pixel is 1.

        noise (n, D, 1) -> (n, D). The first kept[b] variables of row b in the order are those of x (n, D).
        """
        n = len(noise)
        threshold = (logit_threshold(noise[..., 0]) - self.b)[:, self.places].T.contiguous()  # (D, n)
        if x is not None:  # a known value is drawn by a threshold that no logit, or every logit, exceeds
            known = torch.arange(self.dimensions, device=noise.device)[:, None] < kept  # (D, n)
            threshold = torch.where(known, torch.where(x[:, self.places].T > 0, -torch.inf, torch.inf), threshold)
        weights, readout = self.W[self.places], self.V[self.places]  # (D, H)
        add = _add_where if noise.device.type == "cpu" else _add_everywhere
        activation = self.c.repeat(n, 1)  # (n, H)
        states = torch.sigmoid(activation)
        drawn = torch.zeros(self.dimensions, n, dtype=states.dtype, device=noise.device)
        for k in range(self.dimensions):
            ones = torch.mv(states, readout[k]) > threshold[k]  # u < sigmoid(logit)
            drawn[k] = ones
            add(ones, weights[k], activation, states)
        return drawn[self.turns].T.contiguous()


def _by_distinct_states(seen: Tensor, activation: Tensor, weights: Tensor, readout: Tensor) -> Tensor:
    """Logits (B, K), without b, of K variables in a row.

    seen: their values, (B, K). activation: of the hidden layer, before its sigmoid, at the first of these variables, (B, H).
    weights, readout: the rows of W and of V that belong to the variables, (K, H) each.

    The hidden state changes only after a variable that is 1. Digits are mostly 0, so an image has about one distinct state for
    every 7 pixels. Only those S distinct states are computed; each then serves all variables up to the next change.
    """
    count, width = seen.shape
    changed = torch.ones_like(seen, dtype=torch.bool)  # (B, K): does a new state begin here?
    changed[:, 1:] = seen[:, :-1] > 0
    example, place = changed.nonzero(as_tuple=True)  # (S,), (S,)
    before = torch.arange(width, device=seen.device) < place[:, None]  # (S, K)
    prefix = seen[example] * before  # (S, K): the values before state s in this chunk
    states = torch.sigmoid(torch.addmm(activation.index_select(0, example), prefix, weights))  # (S, H)
    every = states @ readout.T  # (S, K): the logit of every variable in every state
    state_of = changed.flatten().cumsum(0).sub_(1).view(count, width)  # (B, K): the state in which each variable is read
    wanted = state_of * width + torch.arange(width, device=seen.device)
    return every.view(-1).index_select(0, wanted.view(-1)).view(count, width)


def _by_all_states(seen: Tensor, activation: Tensor, weights: Tensor, readout: Tensor) -> Tensor:
    """The same logits as `_by_distinct_states` from all B K states: on a GPU, counting distinct ones makes the host wait."""
    steps = seen[:, :-1, None] * weights[:-1]  # (B, K - 1, H)
    states = torch.sigmoid(torch.cat([activation[:, None], steps], 1).cumsum(1))  # (B, K, H): each before its own step
    return torch.einsum("bkh,kh->bk", states, readout)


def _add_where(ones: Tensor, weight: Tensor, activation: Tensor, states: Tensor) -> None:
    """Where `ones` (n,) is true, add weight (H,) to the activations (n, H) and compute the states (n, H) anew."""
    on = ones.nonzero()[:, 0]
    if len(on):
        moved = activation.index_select(0, on).add_(weight)
        activation.index_copy_(0, on, moved)
        states.index_copy_(0, on, moved.sigmoid_())


def _add_everywhere(ones: Tensor, weight: Tensor, activation: Tensor, states: Tensor) -> None:
    """The same result as `_add_where`, from all rows: on a GPU, searching for the rows that change would make the host wait."""
    activation.addcmul_(ones[:, None].to(weight.dtype), weight)
    states.copy_(activation.sigmoid())
