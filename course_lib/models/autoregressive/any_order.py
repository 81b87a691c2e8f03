"""What models of every order share: one network that predicts all variables from any part of them (Uria et al. 2014)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive.reordering import in_order, keep_order
from course_lib.models.inputs import as_parameters, check_binary, check_some
from course_lib.models.protocols import AutoregressiveModel
from course_lib.runtime import uniform


class AnyOrderModel(AutoregressiveModel):
    """A model of binary data that predicts every variable from any part of x, and which part that is.

    A subclass sets `event_shape` and `chunk` (how many conditionals of an example are worked on at a time), calls `set_order`,
    and defines `predict`. From that follow the loss, and `log_prob`, sampling and completion in any order.
    """

    chunk = 28

    @abstractmethod
    def predict(self, x: Tensor, seen: Tensor) -> Bernoulli:
        """p(x_d = 1 | the part of x where `seen` is true) for every d, seen ones too: batch shape (B, *event_shape).

        x: (B, *event_shape), checked by the caller; what is not seen may hold any finite number. seen: booleans, of that shape.
        """

    def set_order(self, order: Sequence[int] | Tensor | None) -> None:
        """Take the variables in this order from now on."""
        keep_order(self, order)

    def with_order(self, order: Sequence[int]) -> Self:
        """The same model in another order: a twin that shares these weights."""
        return in_order(self, order)

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return as_parameters(check_binary(x, self.event_shape), self)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """An unbiased estimate of the mean negative log-likelihood over all orders, in nats: the mean of `order_nats`."""
        return self.order_nats(x, generator=generator).mean()

    def order_nats(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """For each example, an estimate of its nats in a random order, (B,) (Uria et al. 2014, eq. 9).

        In each example d random variables are seen; the mean loss over the other D - d, times D, estimates the sum over all.
        The batch spreads its d evenly over 0 … D - 1, the first examples see the fewest, which keeps the mean steady. So the
        estimate is unbiased where the examples stand in a random order.
        """
        x = check_some(self.check(x))
        B, D = x.flatten(1).shape
        noise = uniform((B, D + 1), x, generator)
        count = ((torch.arange(B, device=x.device) + noise[:, D]) * (D / B)).long().clamp(max=D - 1)  # (B,): d
        order = noise[:, :D].argsort(1)  # (B, D): of each example, the first d of its order are seen
        seen = torch.zeros_like(order, dtype=torch.bool).scatter_(1, order, torch.arange(D, device=x.device) < count[:, None])
        cost = -self.predict(x, seen.reshape(x.shape)).log_prob(x).flatten(1)  # (B, D)
        return (cost * ~seen).sum(1) * D / (D - count)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        x = self.check(x)
        if not len(x):
            return Bernoulli(torch.zeros_like(x))
        before = self.turns[None, :] < self.turns[:, None]  # (D, D): is variable e seen when d is predicted?
        logits = []
        for places in torch.arange(self.dimensions, device=x.device).split(self.chunk):
            many = x.repeat_interleave(len(places), 0)  # (B K, *event_shape)
            seen = before[places].repeat(len(x), 1).reshape(many.shape)
            found = self.predict(many, seen).logits.reshape(len(x), len(places), self.dimensions)
            logits.append(found.gather(2, places.view(1, -1, 1).expand(len(x), -1, 1))[..., 0])
        return Bernoulli(torch.cat(logits, 1).reshape(x.shape))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """As in the base class, (n, D), by one prediction per variable for all examples at once."""
        n, D = noise.shape[:2]
        like = next(self.parameters())
        drawn = torch.zeros(n, D, dtype=like.dtype, device=noise.device) if x is None else x.to(like.dtype, copy=True)
        kept = torch.zeros(n, dtype=torch.long, device=noise.device) if kept is None else kept.to(noise.device)
        for k in range(int(kept.min()) if n else D, D):
            seen = (self.turns < k).expand(n, D).reshape(n, *self.event_shape)
            given = self.predict(drawn.reshape(seen.shape), seen).from_noise(noise.reshape(*seen.shape, 1))
            d = self.order[k]
            drawn[:, d] = torch.where(k >= kept, given.flatten(1)[:, d].to(like.dtype), drawn[:, d])
        return drawn
