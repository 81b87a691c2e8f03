"""A MADE that is trained for every order at once (Germain, Gregor, Murray & Larochelle 2015, sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive.made import MADE
from course_lib.models.autoregressive.reordering import in_order, keep_order
from course_lib.models.inputs import check_some


class AnyOrderMADE(MADE):
    """The masked autoencoder for every order. Each training step draws an order and masks the same weights for it.

    The first layer also sees which variables it is allowed to see, so that a 0 is not mistaken for "not yet known". `with_order`
    gives the model in the order that is wanted. Arguments: see MADE.
    """

    inputs_per_variable = 2  # its value, and a constant 1: the mask hides both until the variable is known

    def used(self) -> dict[str, Tensor]:
        """Nothing is left out: each order has masks of its own, which together let every weight through."""
        return {}

    def _inputs(self, flat: Tensor) -> Tensor:
        return torch.cat([flat, torch.ones_like(flat)], 1)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood in nats, (), in one order drawn at random for this batch (B, *event_shape)."""
        flat = check_some(self.check(x)).flatten(1)
        drawn_on = generator.device if generator is not None else "cpu"
        order = torch.randperm(self.dimensions, generator=generator, device=drawn_on).to(x.device)
        logits = self._logits(flat, self._masks(order.argsort()))
        return -Bernoulli(logits).log_prob(flat).sum(1).mean()

    def set_order(self, order: Sequence[int] | Tensor | None) -> None:
        """Take the variables in this order from now on."""
        keep_order(self, order)
        *masks, straight = self._masks(self.turns)
        for layer, mask in zip(self.layers, masks, strict=True):
            layer.mask = mask.to(layer.mask)
        if self.shortcut is not None:
            self.shortcut.mask = straight.to(self.shortcut.mask)

    def with_order(self, order: Sequence[int] | Tensor) -> AnyOrderMADE:
        """The same model in another order: a twin that shares these weights."""
        return in_order(self, order)

    def _seen(self, drawn: Tensor, weight: Tensor, k: int) -> Tensor:
        return super()._seen(drawn, weight, k) + weight[:, self.dimensions : self.dimensions + k].sum(1)
