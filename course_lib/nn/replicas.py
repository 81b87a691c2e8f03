"""Several networks of the same sizes that are trained at once, each as if it were alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.nn.dense import nonlinearity


class PointNetworks(nn.Module):
    """`copies` independent dense networks of one form, in one batched matrix product per layer.

    Row i of a batch goes to network i mod copies, so that a batch holds an equal share for each network, and a cut through the
    batch at a multiple of `copies` keeps these shares. No network influences another one. A mean over the batch divides the
    gradient of each network by `copies`; Adam does not notice, because its steps do not depend on the scale of the gradient.

    Args:
        copies: how many networks.
        inputs, hidden, outputs, activation: of each, as in `PointNetwork`; outputs None gives one logit per example. Every
            network begins at the weights that torch gives a linear layer, drawn anew for each.
    """

    def __init__(
        self,
        *,
        copies: int,
        inputs: int,
        hidden: Sequence[int] = (128, 128, 128),
        outputs: int | None = None,
        activation: str = "relu",
    ):
        super().__init__()
        self.copies, self.inputs, self.hidden, self.outputs, self.activation = copies, inputs, list(hidden), outputs, activation
        sizes = [inputs, *hidden, 1 if outputs is None else outputs]
        layers = [[nn.Linear(*pair) for _ in range(copies)] for pair in itertools.pairwise(sizes)]
        self.weights = nn.ParameterList(torch.stack([one.weight.detach().T for one in layer]) for layer in layers)
        self.biases = nn.ParameterList(torch.stack([one.bias.detach()[None] for one in layer]) for layer in layers)
        self.between = nonlinearity(activation)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, outputs) or (B,). A batch that does not divide evenly is filled up with zeros inside."""
        rows = len(x)
        h = F.pad(x, (0, 0, 0, -rows % self.copies)).unflatten(0, (-1, self.copies)).transpose(0, 1)  # (copies, B', inputs)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            h = self.between(torch.baddbmm(bias, h, weight))
        y = torch.baddbmm(self.biases[-1], h, self.weights[-1]).transpose(0, 1).flatten(0, 1)[:rows]
        return y.squeeze(-1) if self.outputs is None else y
