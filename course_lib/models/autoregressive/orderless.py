"""Orderless NADE: one network for the conditionals of every order (Uria, Murray & Larochelle 2014)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli
from course_lib.models.inputs import check_binary, check_count, check_order
from course_lib.models.protocols import AutoregressiveModel

AHEAD = 16  # variables guessed at a time in sampling: more waste work behind a wrong guess, fewer need more passes


class OrderlessNADE(AutoregressiveModel):
    """A network that sees any part of x, and which part it sees, and predicts the rest (Uria et al. 2014, section 3).

    Trained on random parts it serves every order: `with_order` gives the model for the one that is wanted. The price is
    one pass a variable for `log_prob` as well as for sampling; the first layer, a sum over what is seen, is carried on.

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
        self.event_shape = tuple(event_shape)
        self.hidden = tuple(check_count(width, "a hidden layer's width") for width in hidden)
        if not self.hidden:
            raise ValueError("hidden is empty; expected the width of at least one hidden layer, such as (500,)")
        self.chunk = check_count(chunk, "chunk")
        self.order = check_order(order, self.dimensions)
        self.first = nn.Linear(2 * self.dimensions, self.hidden[0])  # on x where seen, and on what is seen
        self.middle = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(self.hidden))
        self.readout = nn.Linear(self.hidden[-1], self.dimensions)

    def _features(self, activation: Tensor) -> Tensor:
        """The last hidden layer (…, H) from the first layer's activations (…, H)."""
        h = torch.relu(activation)
        for layer in self.middle:
            h = torch.relu(layer(h))
        return h

    def _steps(self, ordered: Tensor, places: list[int]) -> Tensor:
        """What seeing each of these variables adds to the first layer, (B, K, H), from their values (B, K)."""
        value, seen = self.first.weight[:, places].T, self.first.weight[:, [self.dimensions + d for d in places]].T  # (K, H)
        return ordered[..., None] * value + seen

    def given(self, x: Tensor, seen: Tensor) -> Bernoulli:
        """p(x_d = 1 | the part of x where `seen` is true) of every d, seen ones too: batch shape (B, *event_shape).

        seen: booleans (B, *event_shape).
        """
        flat, mask = x.flatten(1), seen.flatten(1).to(x.dtype)
        logits = self.readout(self._features(self.first(torch.cat([flat * mask, mask], 1))))
        return Bernoulli(logits.reshape(x.shape))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """An unbiased estimate of the mean negative log-likelihood over all orders, in nats (Uria et al. 2014, eq. 9).

        Each example shows d variables chosen at random, and the mean cost of the D - d hidden ones stands for all.
        The batch spreads its d evenly over 0 … D - 1, which keeps the estimate steady.
        """
        B, D = self.check(x).flatten(1).shape
        drawn_on = generator.device if generator is not None else x.device
        noise = torch.rand(B, D + 1, generator=generator, device=drawn_on).to(x.device)
        count = ((torch.arange(B, device=x.device) + noise[:, D]) * (D / B)).long().clamp(max=D - 1)  # (B,): d
        rank = noise[:, :D].argsort(1).argsort(1)  # (B, D)
        seen = rank < count[:, None]
        cost = -self.given(x, seen.reshape(x.shape)).log_prob(x).flatten(1)  # (B, D)
        return ((cost * ~seen).sum(1) * D / (D - count)).mean()

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return check_binary(x, self.event_shape)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.order]  # (B, D)
        activation = self.first.bias.expand(len(x), 1, self.hidden[0])  # (B, 1, H)
        chunk = self.chunk * max(1, 32 // max(1, len(x)))  # few examples leave room for longer chunks
        logits = []
        for start in range(0, self.dimensions, chunk):
            places = self.order[start : start + chunk]
            steps = self._steps(ordered[:, start : start + chunk], places)
            running = torch.cat([activation, activation + steps.cumsum(1)], 1)  # (B, K + 1, H)
            features = self._features(running[:, :-1])  # (B, K, H)
            logits.append(torch.einsum("bkh,kh->bk", features, self.readout.weight[places]) + self.readout.bias[places])
            activation = running[:, -1:]
        back = torch.tensor(self.order).argsort().to(x.device)
        return Bernoulli(torch.cat(logits, 1)[:, back].reshape(x.shape))

    def with_order(self, order: Sequence[int]) -> OrderlessNADE:
        """The model for another order, sharing these weights."""
        twin = copy.copy(self)  # nothing but the order depends on it
        twin.order = check_order(order, self.dimensions)
        return twin

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Ancestral sampling, a stretch of variables a pass: what one at a time gives, from the same noise.

        The noise decides each draw, so a guess of the next values can be checked for a whole stretch at once: up to
        and with the first that differs, the draws are right, and they are the next guess for what follows.

        noise (n, D, 1) -> (n, D). Row b keeps its first start[b] variables from x (n, D).
        """
        n, D, weight = len(noise), self.dimensions, self.first.weight
        x = torch.zeros(n, D, dtype=weight.dtype, device=noise.device) if x is None else x.to(weight.dtype)
        kept = 0 if start is None else min(start.tolist(), default=D)
        order = torch.tensor(self.order, device=noise.device)
        early, late = order[:kept], torch.cat([order[kept:], order[-1:].expand(AHEAD)])  # a stretch may reach over the end
        base = self.first.bias + weight.index_select(1, early + D).sum(1)
        activation = torch.addmm(base, x[:, early], weight.index_select(1, early).T)  # (n, H)
        bar = (torch.logit(noise[..., 0].double()).to(noise.dtype) - self.readout.bias)[:, late]
        if start is not None:  # a bar that the known value decides
            known = torch.arange(kept, D + AHEAD, device=noise.device) < start.to(noise.device)[:, None]
            bar = torch.where(known, torch.where(x[:, late] > 0, -torch.inf, torch.inf), bar)
        drawn = x.clone()
        drawn[:, order[kept:]] = self._draw_ahead(activation, late, bar)[:, : D - kept]
        return drawn

    def _draw_ahead(self, activation: Tensor, late: Tensor, bar: Tensor) -> Tensor:
        """Values (n, K + AHEAD) of the variables `late`, each 1 where its logit exceeds its bar (n, K + AHEAD)."""
        value, seen = self.first.weight.T[late], self.first.weight.T[late + self.dimensions]  # (K + AHEAD, H)
        readout = self.readout.weight[late]
        guess = (self._features(activation) @ readout.T > bar).to(activation.dtype)  # as if all stood alone
        span = torch.arange(AHEAD, device=bar.device)
        before = torch.ones(AHEAD, AHEAD, dtype=activation.dtype, device=bar.device).tril(-1)
        at = torch.zeros(len(bar), dtype=torch.long, device=bar.device)  # (n,): how far each row has come
        live = (at < len(late) - AHEAD).nonzero()[:, 0]  # (m,): rows that are not done
        while len(live):
            places, rows = at[live, None] + span, torch.arange(len(live), device=bar.device)  # (m, AHEAD)
            guessed = guess[live[:, None], places]
            steps = value[places].mul_(guessed[..., None]).add_(seen[places])  # (m, AHEAD, H)
            running = activation[live, None] + before @ steps
            draws = (torch.linalg.vecdot(self._features(running), readout[places]) > bar[live[:, None], places]).to(guess.dtype)
            differs = (draws != guessed).index_fill(1, span[-1:], True)
            last = differs.to(torch.uint8).argmax(1)  # (m,): the last that is right
            done = places[rows, last]
            activation[live] = running[rows, last] + draws[rows, last, None] * value[done] + seen[done]
            guess[live[:, None], places] = draws
            at[live] = done + 1
            live = live[at[live] < len(late) - AHEAD]
        return guess
