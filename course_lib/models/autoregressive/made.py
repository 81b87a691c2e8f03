"""MADE: an autoencoder masked until it is autoregressive (Germain, Gregor, Murray & Larochelle 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, logit_threshold
from course_lib.models.autoregressive.reordering import keep_order
from course_lib.models.inputs import as_parameters, check_binary, check_counts, check_event_shape
from course_lib.models.protocols import AutoregressiveModel
from course_lib.nn.masked import MaskedLinear, degree_masks

INK = 0.13  # the share of 1s among the pixels of binarised MNIST: sets the scale of the first layer's weights


class MADE(AutoregressiveModel):
    """The masked autoencoder for distribution estimation, for binary data (Germain et al. 2015, section 4).

    Every hidden unit has a degree m: it may see the first m variables of the order. All D conditionals come out of one
    forward pass, O(D H + H^2).

    Args:
        event_shape: shape of one example, D values in all.
        hidden: units of each hidden layer, for instance (500, 500).
        order: the order of the D flat indices; None is raster order.
        direct: also connect the inputs straight to the outputs, by masked weights too (section 4.1).
        residual: add each hidden layer to the one before it, where the widths agree (Durkan & Nash 2019, section 3.3).
    """

    inputs_per_variable = 1

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        hidden: Sequence[int] = (500, 500),
        order: Sequence[int] | None = None,
        direct: bool = False,
        residual: bool = False,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = tuple(check_counts(hidden, "hidden"))
        if not self.hidden:
            raise ValueError("hidden is empty; expected the width of at least one hidden layer, such as (500,)")
        if residual and len(set(self.hidden)) > 1:
            raise ValueError(f"hidden is {self.hidden}; a residual MADE adds layers up, so expected equal widths")
        self.direct, self.residual = direct, residual
        keep_order(self, order)
        inputs = self.inputs_per_variable * self.dimensions
        widths = [inputs, *self.hidden, self.dimensions]
        *masks, straight = self._masks(self.turns)
        self.layers = nn.ModuleList(MaskedLinear(i, o, m) for (i, o), m in zip(pairwise(widths), masks, strict=True))
        self.shortcut = MaskedLinear(inputs, self.dimensions, straight, bias=False) if direct else None
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """Initial weights that keep the scale of each unit, although its masks leave it few inputs and most of these are 0."""
        for number, layer in enumerate(self.layers):
            sources = layer.mask.sum(1, keepdim=True).clamp(min=50)  # (out, 1)
            scale = torch.sqrt(2 / (sources * INK if number == 0 else sources))
            layer.weight.copy_(scale * torch.randn(layer.weight.shape))
            layer.bias.zero_()
        self.layers[-1].weight.mul_(0.2)  # start out near fair coins
        if self.shortcut is not None:
            self.shortcut.weight.zero_()

    def used(self) -> dict[str, Tensor]:
        """Parameter name -> booleans (out, in): which weights the masks let through. A checkpoint keeps only these."""
        layers = {f"layers.{number}.weight": layer for number, layer in enumerate(self.layers)}
        layers["shortcut.weight"] = self.shortcut
        return {name: layer.mask.bool() for name, layer in layers.items() if layer is not None}

    def _degrees(self, width: int, device: torch.device | None = None) -> Tensor:
        """Degrees 1 … D - 1 spread evenly over a hidden layer, rising: (width,)."""
        most = max(self.dimensions - 1, 1)
        return 1 + torch.arange(width, device=device) * most // width

    def _masks(self, turns: Tensor) -> list[Tensor]:
        """The masks of all layers, and last the one from inputs to outputs; each (out, in).

        turns (D,): when each variable comes in the order.
        """
        first = (turns + 1).repeat(self.inputs_per_variable)
        hidden = [self._degrees(width, turns.device) for width in self.hidden]
        return degree_masks([first, *hidden, turns]) + degree_masks([first, turns])

    def _inputs(self, flat: Tensor) -> Tensor:
        """What the network reads, (B, inputs), of data (B, D)."""
        return flat

    def _logits(self, flat: Tensor, masks: list[Tensor] | list[None]) -> Tensor:
        """(B, D) data -> (B, D) logits. masks: one per layer, used instead of the layers' own."""
        h = inputs = self._inputs(flat)
        for number, layer in enumerate(self.layers[:-1]):
            new = torch.relu(layer(h, masks[number]))  # (B, H)
            h = h + new if self.residual and number else new
        logits = self.layers[-1](h, masks[-2])
        return logits if self.shortcut is None else logits + self.shortcut(inputs, masks[-1])

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return as_parameters(check_binary(x, self.event_shape), self)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | those before d in the order), for every d: Bernoulli of batch shape (B, *event_shape)."""
        flat = self.check(x).flatten(1)
        return Bernoulli(self._logits(flat, [None] * (len(self.layers) + 1)).reshape(x.shape))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling that takes about as many operations as one forward pass.

        A unit of degree m is settled once m variables are known, so each step computes only the units that its new
        variable settles. noise (n, D, 1) -> (n, D). Row b keeps its first kept[b] variables from x (n, D).
        """
        n, width = len(noise), self.dimensions
        columns = torch.cat(
            [self.places + width * copy for copy in range(self.inputs_per_variable)]
        )  # of the inputs, in the order
        weights = [layer.weight * layer.mask for layer in self.layers]  # (out, in)
        first, last = weights[0][:, columns], weights[-1][self.places]
        straight = (self.shortcut.weight * self.shortcut.mask)[self.places][:, columns] if self.direct else None
        threshold = (logit_threshold(noise[..., 0]) - self.layers[-1].bias)[:, self.places]  # (n, D)
        ends = [torch.searchsorted(self._degrees(w), torch.arange(width), right=True).tolist() for w in self.hidden]
        drawn = torch.zeros(n, width, dtype=first.dtype, device=noise.device)  # in the order
        units = [drawn.new_zeros(n, w) for w in self.hidden]
        for k in range(width):
            for number, (layer, settled) in enumerate(zip(self.layers[:-1], ends, strict=True)):
                new = slice(settled[k - 1] if k else 0, settled[k])  # units of degree k
                if new.start == new.stop:
                    continue
                value = self._seen(drawn, first[new], k) if number == 0 else units[number - 1] @ weights[number][new].T
                value = torch.relu(value + layer.bias[new])
                units[number][:, new] = value + units[number - 1][:, new] if self.residual and number else value
            logits = torch.mv(units[-1], last[k])
            if straight is not None:
                logits = logits + self._seen(drawn, straight[k : k + 1], k)[:, 0]
            drawn[:, k] = (logits > threshold[:, k]).to(drawn.dtype)  # u < sigmoid(logit)
            if x is not None:
                drawn[:, k] = torch.where(k < kept, x[:, self.order[k]].to(drawn.dtype), drawn[:, k])
        return drawn[:, self.turns]

    def _seen(self, drawn: Tensor, weight: Tensor, k: int) -> Tensor:
        """What the first k variables add to the units with these weights (U, inputs), whose columns are in the order: (n, U)."""
        return drawn[:, :k] @ weight[:, :k].T
