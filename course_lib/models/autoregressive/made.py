"""MADE: an autoencoder masked until it is autoregressive (Germain, Gregor, Murray & Larochelle 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive.base import AutoregressiveModel, check_order
from course_lib.models.protocols import check_binary, check_count, configuration
from course_lib.nn.masked import MaskedLinear, degree_masks


class MADE(AutoregressiveModel):
    """The masked autoencoder for distribution estimation, for binary data (Germain et al. 2015, section 4).

    Every hidden unit has a degree m: it may see the first m variables of the order. All D conditionals come out of one
    pass, O(D H + H^2).

    Args:
        event_shape: shape of one example, D values in all.
        hidden: units of each hidden layer, for instance (500, 500).
        order: the order of the D flat indices; None is raster order.
        any_order: train for every order at once (section 4.2). Each loss then draws one order; the first layer also
            sees which variables are visible to it, so that a 0 is not mistaken for "not yet known" (section 4.3).
            `with_order` gives the model for the order one wants.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        hidden: Sequence[int] = (500, 500),
        order: Sequence[int] | None = None,
        any_order: bool = False,
    ):
        super().__init__()
        self.event_shape = tuple(event_shape)
        self.hidden = tuple(check_count(width, "a hidden layer's width") for width in hidden)
        if not self.hidden:
            raise ValueError("hidden is empty; expected the width of at least one hidden layer, such as (500,)")
        self.any_order = any_order
        self.order = check_order(order, self.dimensions)
        inputs = self.dimensions * (2 if any_order else 1)
        widths = [inputs, *self.hidden, self.dimensions]
        masks = self._masks(self.order)
        self.layers = nn.ModuleList(MaskedLinear(i, o, m) for i, o, m in zip(widths[:-1], widths[1:], masks, strict=True))

    def _degrees(self, width: int) -> Tensor:
        """Degrees 1 … D - 1 spread evenly over a hidden layer, rising: (width)."""
        most = max(self.dimensions - 1, 1)
        return 1 + torch.arange(width) * most // width

    def _masks(self, order: list[int], device: torch.device | None = None) -> list[Tensor]:
        """The masks of all layers for this order, each (out, in)."""
        position = torch.empty(self.dimensions, dtype=torch.long)
        position[order] = torch.arange(self.dimensions)
        seen = position + 1
        first = torch.cat([seen, seen]) if self.any_order else seen
        degrees = [first, *(self._degrees(width) for width in self.hidden), position]
        return degree_masks([degree.to(device) for degree in degrees])

    def _logits(self, x: Tensor, masks: list[Tensor] | list[None]) -> Tensor:
        """(B, D) data -> (B, D) logits."""
        h = torch.cat([x, torch.ones_like(x)], 1) if self.any_order else x
        for layer, mask in zip(self.layers[:-1], masks[:-1], strict=True):
            h = torch.relu(layer(h, mask))  # (B, H)
        return self.layers[-1](h, masks[-1])

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        flat = check_binary(x, self.event_shape).flatten(1)
        return Bernoulli(self._logits(flat, [None] * len(self.layers)).reshape(x.shape))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood in nats; with any_order, under one order drawn for this batch."""
        if not self.any_order:
            return super().loss(x, generator=generator)
        flat = check_binary(x, self.event_shape).flatten(1)
        drawn_on = generator.device if generator is not None else "cpu"
        order = torch.randperm(self.dimensions, generator=generator, device=drawn_on).tolist()
        logits = self._logits(flat, self._masks(order, x.device))
        return -Bernoulli(logits).log_prob(flat).sum(1).mean()

    def with_order(self, order: Sequence[int]) -> MADE:
        """The model for another order, sharing these weights. Only a model trained with any_order is good at it."""
        if not self.any_order:
            raise ValueError("this MADE learned one order only; build and train it with any_order=True to change orders")
        other = MADE(**{**configuration(self), "order": check_order(order, self.dimensions)}).to(self.layers[0].weight)
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            theirs.weight, theirs.bias = mine.weight, mine.bias
        return other.train(self.training)

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Ancestral sampling at the cost of about one pass in all.

        A unit of degree m is settled once m variables are known, so each step computes only the units that its new
        variable settles. noise (n, D, 1) -> (n, D). Row b keeps its first start[b] variables from x (n, D).
        """
        n, width = len(noise), self.dimensions
        weights = [layer.weight * layer.mask for layer in self.layers]  # (out, in)
        first = weights[0][:, self.order]
        if self.any_order:
            told = weights[0][:, [width + d for d in self.order]]
        bar = (torch.logit(noise[..., 0].double()).to(noise.dtype) - self.layers[-1].bias)[:, self.order]  # (n, D)
        ends = [torch.searchsorted(self._degrees(w), torch.arange(width), right=True).tolist() for w in self.hidden]
        drawn = torch.zeros(n, width, device=noise.device)  # in the order
        units = [torch.zeros(n, w, device=noise.device) for w in self.hidden]
        for k in range(width):
            for number, (layer, settled) in enumerate(zip(self.layers[:-1], ends, strict=True)):
                new = slice(settled[k - 1] if k else 0, settled[k])  # units of degree k
                if new.start == new.stop:
                    continue
                if number == 0:
                    value = drawn[:, :k] @ first[new, :k].T + layer.bias[new]
                    value = value + told[new, :k].sum(1) if self.any_order else value
                else:
                    value = units[number - 1] @ weights[number][new].T + layer.bias[new]
                units[number][:, new] = torch.relu(value)
            drawn[:, k] = (torch.mv(units[-1], weights[-1][self.order[k]]) > bar[:, k]).to(drawn.dtype)
            if x is not None:
                drawn[:, k] = torch.where(k < start, x[:, self.order[k]], drawn[:, k])
        result = torch.empty_like(drawn)
        result[:, self.order] = drawn
        return result
