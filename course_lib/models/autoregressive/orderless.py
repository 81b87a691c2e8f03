"""Orderless NADE: one network for the conditionals of every order (Uria, Murray & Larochelle 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, logit_threshold
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.inputs import check_count, check_counts, check_event_shape

AHEAD = 16  # variables guessed at a time in sampling: a higher number wastes more guesses, a lower one needs more forward passes


class OrderlessNADE(AnyOrderModel):
    """A network that sees any part of x, and which part it sees, and predicts the rest (Uria et al. 2014, section 3).

    Trained on random parts it serves every order: `with_order` gives the model in the order that is wanted. Both `log_prob` and
    sampling need one forward pass per variable; the first layer, a sum over the variables seen, is updated, not computed anew.

    Args:
        event_shape: shape of one example, D values in all.
        hidden: units of each hidden layer.
        order: the order of the D flat indices; None is raster order.
        chunk: how many conditionals of a large batch are worked on at a time; changes memory and speed, never the result.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        hidden: Sequence[int] = (500, 500),
        order: Sequence[int] | None = None,
        chunk: int = 28,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = tuple(check_counts(hidden, "hidden"))
        if not self.hidden:
            raise ValueError("hidden is empty; expected the width of at least one hidden layer, such as (500,)")
        self.chunk = check_count(chunk, "chunk")
        self.set_order(order)
        self.first = nn.Linear(2 * self.dimensions, self.hidden[0])  # on x where seen, and on what is seen
        self.middle = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(self.hidden))
        self.readout = nn.Linear(self.hidden[-1], self.dimensions)

    def _features(self, activation: Tensor) -> Tensor:
        """The last hidden layer (…, H) from the first layer's activations (…, H)."""
        h = torch.relu(activation)
        for layer in self.middle:
            h = torch.relu(layer(h))
        return h

    def _steps(self, ordered: Tensor, places: Tensor) -> Tensor:
        """What seeing the variables at `places` (K,) adds to the first layer, (B, K, H), from their values (B, K)."""
        value, seen = self.first.weight[:, places].T, self.first.weight[:, places + self.dimensions].T  # (K, H)
        return ordered[..., None] * value + seen

    def predict(self, x: Tensor, seen: Tensor) -> Bernoulli:
        flat, mask = x.flatten(1), seen.flatten(1).to(x.dtype)
        logits = self.readout(self._features(self.first(torch.cat([flat * mask, mask], 1))))
        return Bernoulli(logits.reshape(x.shape))

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.places]  # (B, D)
        activation = self.first.bias.expand(len(x), 1, self.hidden[0])  # (B, 1, H)
        chunk = self.chunk * max(1, 32 // max(1, len(x)))  # few examples leave room for longer chunks
        logits = []
        for values, places in zip(ordered.split(chunk, 1), self.places.split(chunk), strict=True):
            steps = self._steps(values, places)
            running = torch.cat([activation, activation + steps.cumsum(1)], 1)  # (B, K + 1, H)
            features = self._features(running[:, :-1])  # (B, K, H)
            logits.append(torch.einsum("bkh,kh->bk", features, self.readout.weight[places]) + self.readout.bias[places])
            activation = running[:, -1:]
        return Bernoulli(torch.cat(logits, 1)[:, self.turns].reshape(x.shape))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling of several variables per forward pass: the result is the same as one by one, from the same noise.

        The noise decides each draw, so a guess of the next AHEAD values can be checked in one pass. The draws are right up to
        and including the first that differs from its guess; the draws after that one are the next guess.

        noise (n, D, 1) -> (n, D). Row b keeps its first kept[b] variables from x (n, D).
        """
        n, D, weight = len(noise), self.dimensions, self.first.weight
        x = torch.zeros(n, D, dtype=weight.dtype, device=noise.device) if x is None else x.to(weight.dtype)
        shared = 0 if kept is None else min(kept.tolist(), default=D)  # every row keeps so many
        early = self.places[:shared]
        late = torch.cat([self.places[shared:], self.places[-1:].expand(AHEAD)])  # the last guess may reach beyond the end
        base = self.first.bias + weight.index_select(1, early + D).sum(1)
        activation = torch.addmm(base, x[:, early], weight.index_select(1, early).T)  # (n, H)
        threshold = (logit_threshold(noise[..., 0]) - self.readout.bias)[:, late]
        if kept is not None:  # a known value is drawn by a threshold that no logit, or every logit, exceeds
            known = torch.arange(shared, D + AHEAD, device=noise.device) < kept.to(noise.device)[:, None]
            threshold = torch.where(known, torch.where(x[:, late] > 0, -torch.inf, torch.inf), threshold)
        drawn = x.clone()
        drawn[:, self.places[shared:]] = self._draw_ahead(activation, late, threshold)[:, : D - shared]
        return drawn

    def _draw_ahead(self, activation: Tensor, late: Tensor, threshold: Tensor) -> Tensor:
        """Values (n, K + AHEAD) of the variables `late`, each 1 where its logit exceeds its threshold (n, K + AHEAD)."""
        value, seen = self.first.weight.T[late], self.first.weight.T[late + self.dimensions]  # (K + AHEAD, H)
        readout = self.readout.weight[late]
        guess = (self._features(activation) @ readout.T > threshold).to(activation.dtype)  # from what is known now
        span = torch.arange(AHEAD, device=late.device)
        before = torch.ones(AHEAD, AHEAD, dtype=activation.dtype, device=late.device).tril(-1)
        at = torch.zeros(len(threshold), dtype=torch.long, device=late.device)  # (n,): how far each row has come
        live = (at < len(late) - AHEAD).nonzero()[:, 0]  # (m,): rows that are not done
        while len(live):
            places, rows = at[live, None] + span, torch.arange(len(live), device=late.device)  # (m, AHEAD)
            guessed = guess[live[:, None], places]
            steps = value[places].mul_(guessed[..., None]).add_(seen[places])  # (m, AHEAD, H)
            running = activation[live, None] + before @ steps
            logits = torch.linalg.vecdot(self._features(running), readout[places])  # (m, AHEAD)
            draws = (logits > threshold[live[:, None], places]).to(guess.dtype)
            differs = (draws != guessed).index_fill(1, span[-1:], True)
            last = differs.to(torch.uint8).argmax(1)  # (m,): the last that is right
            done = places[rows, last]
            activation[live] = running[rows, last] + draws[rows, last, None] * value[done] + seen[done]
            guess[live[:, None], places] = draws
            at[live] = done + 1
            live = live[at[live] < len(late) - AHEAD]
        return guess
