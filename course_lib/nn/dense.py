"""Fully connected networks: tanh, ReLU, SiLU or gated hidden layers, then a linear one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS = {
    "tanh": (nn.Tanh, 1.0),
    "relu": (nn.ReLU, 2**0.5),
    "silu": (nn.SiLU, 1.7),
}  # each with the factor on the first weights that keeps the signal's scale


def nonlinearity(activation: str) -> nn.Module:
    """The layer called "tanh", "relu" or "silu"."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}; expected one of {tuple(ACTIVATIONS)} between convolutions")
    return ACTIVATIONS[activation][0]()


class GatedLinear(nn.Linear):
    """A(x) * sigmoid(B(x)), (…, in) -> (…, out): a linear layer and a gate for each unit (Dauphin et al. 2017, eq. 1)."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__(in_features, 2 * out_features)
        signal, gate = self.weight.data.chunk(2)
        nn.init.normal_(signal, std=2 * in_features**-0.5)  # the gates begin half open: twice the usual scale
        nn.init.normal_(gate, std=in_features**-0.5)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        return F.glu(super().forward(x), -1)


def dense(sizes: Sequence[int], activation: str = "silu") -> nn.Sequential:
    """A network from sizes[0] numbers to sizes[-1], (…, in) -> (…, out), with hidden layers of the sizes between.

    activation: "tanh", "relu", "silu" or "gated". The last layer is linear.
    """
    if activation not in (*ACTIVATIONS, "gated"):
        raise ValueError(f"activation is {activation!r}; expected one of {(*ACTIVATIONS, 'gated')}")
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes[:-1]):
        if activation == "gated":
            layers.append(GatedLinear(before, after))
        else:
            kind, gain = ACTIVATIONS[activation]
            layers += [nn.Linear(before, after), kind()]
            nn.init.normal_(layers[-2].weight, std=gain * before**-0.5)
            nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
