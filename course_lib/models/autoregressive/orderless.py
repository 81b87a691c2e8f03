"""Orderless NADE: one network for the conditionals of every order (Uria, Murray & Larochelle 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive.base import AutoregressiveModel, check_order, in_order
from course_lib.models.protocols import check_binary, check_count


class OrderlessNADE(AutoregressiveModel):
    """A network that sees any part of x, and which part it sees, and predicts the rest (Uria et al. 2014, section 3).

    Trained on random parts it serves every order: `with_order` gives the model for the one that is wanted. The price is
    one pass a variable for `log_prob` as well as for sampling; the first layer, a sum over what is seen, is carried on.

    Args:
        event_shape: shape of one example, D values in all.
        hidden: units of each hidden layer.
        order: the order of the D flat indices; None is raster order.
        chunk: how many conditionals are worked on at a time; changes memory and speed, never the result.
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
        B, D = check_binary(x, self.event_shape).flatten(1).shape
        drawn_on = generator.device if generator is not None else x.device
        noise = torch.rand(B, D + 1, generator=generator, device=drawn_on).to(x.device)
        count = ((torch.arange(B, device=x.device) + noise[:, D]) * (D / B)).long().clamp(max=D - 1)  # (B,): d
        rank = noise[:, :D].argsort(1).argsort(1)  # (B, D)
        seen = rank < count[:, None]
        cost = -self.given(x, seen.reshape(x.shape)).log_prob(x).flatten(1)  # (B, D)
        return ((cost * ~seen).sum(1) * D / (D - count)).mean()

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        ordered = check_binary(x, self.event_shape).flatten(1)[:, self.order]  # (B, D)
        activation = self.first.bias.expand(len(x), 1, self.hidden[0])  # (B, 1, H)
        logits = []
        for start in range(0, self.dimensions, self.chunk):
            places = self.order[start : start + self.chunk]
            steps = self._steps(ordered[:, start : start + self.chunk], places)
            running = torch.cat([activation, activation + steps.cumsum(1)], 1)  # (B, K + 1, H)
            features = self._features(running[:, :-1])  # (B, K, H)
            logits.append(torch.einsum("bkh,kh->bk", features, self.readout.weight[places]) + self.readout.bias[places])
            activation = running[:, -1:]
        back = torch.tensor(self.order).argsort().to(x.device)
        return Bernoulli(torch.cat(logits, 1)[:, back].reshape(x.shape))

    def with_order(self, order: Sequence[int]) -> OrderlessNADE:
        """The model for another order, sharing these weights."""
        return in_order(self, order)

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Ancestral sampling, one pass a variable but for the first layer, which is carried on.

        noise (n, D, 1) -> (n, D). Row b keeps its first start[b] variables from x (n, D).
        """
        n, kept = len(noise), 0
        drawn = torch.zeros(n, self.dimensions, dtype=self.readout.weight.dtype, device=noise.device)
        activation = self.first.bias.repeat(n, 1)  # (n, H)
        if x is not None:
            kept = int(start.min())
            places = self.order[:kept]
            drawn[:, places] = x[:, places]
            columns = places + [self.dimensions + d for d in places]
            shown = torch.cat([x[:, places], torch.ones_like(x[:, places])], 1)
            activation = activation + shown @ self.first.weight[:, columns].T
        bar = torch.logit(noise[..., 0].double()).to(noise.dtype) - self.readout.bias  # (n, D)
        for d, k in zip(self.order[kept:], range(kept, self.dimensions), strict=True):
            value = (torch.mv(self._features(activation), self.readout.weight[d]) > bar[:, d]).to(drawn.dtype)
            drawn[:, d] = value if x is None else torch.where(k < start, x[:, d], value)
            activation = activation + self._steps(drawn[:, d, None], [d])[:, 0]
        return drawn
