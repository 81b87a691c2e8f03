"""Networks whose steepest slope is known: a certified bound of 1, and the bound of any chain of linear layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

ACTIVATIONS = ("sorted pairs", "relu")


class UnitNorm(nn.Module):
    """A parametrisation that divides a matrix (M, N) by its largest singular value, which is computed exactly.

    torch's `spectral_norm` estimates this value from below by power iteration (Miyato et al. 2018, section 2), so that the
    quotient may be somewhat above 1. Exact values need a decomposition of the matrix in each pass, so keep the layers small.
    """

    def forward(self, weight: Tensor) -> Tensor:
        return weight / torch.linalg.matrix_norm(weight, ord=2).clamp(min=1e-12)


class SortedPairs(nn.Module):
    """Sorts the features two by two, (B, F) -> (B, F) with F even: the smaller of each pair first (Anil et al. 2019, MaxMin).

    It changes the order of the features and never their size, so no gradient is lost on the way, unlike in a ReLU.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, 2)).sort(-1).values.flatten(-2)


class CertifiedCritic(nn.Module):
    """A dense network (B, inputs) -> (B,) with |f(x) - f(y)| <= |x - y| for all x and y, in exact arithmetic.

    Each layer's matrix has norm 1, and neither activation stretches a distance; a product of factors 1 is 1.

    Args:
        inputs: size of the input.
        hidden: units of each hidden layer, even numbers.
        activation: "sorted pairs" or "relu".
    """

    def __init__(self, *, inputs: int, hidden: Sequence[int] = (32, 32), activation: str = "sorted pairs"):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; expected one of {ACTIVATIONS}")
        if not hidden or any(units % 2 for units in hidden):
            raise ValueError(f"hidden is {list(hidden)}; expected even numbers, because the features are sorted in pairs")
        self.inputs, self.hidden, self.activation = inputs, list(hidden), activation
        layers: list[nn.Module] = []
        for size, units in itertools.pairwise([inputs, *hidden]):
            layers += [_bounded(size, units), SortedPairs() if activation == "sorted pairs" else nn.ReLU()]
        self.layers = nn.Sequential(*layers, _bounded(hidden[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B,)."""
        return self.layers(x).squeeze(-1)


def _bounded(inputs: int, outputs: int) -> nn.Linear:
    return parametrize.register_parametrization(nn.Linear(inputs, outputs), "weight", UnitNorm())


@torch.no_grad()
def lipschitz_bound(network: nn.Module) -> float:
    """A number that no slope of the network exceeds: the product of the largest singular values of its linear layers.

    It holds for linear layers one after another with activations between them whose slope is at most 1 (ReLU, tanh, sorted
    pairs), and in general it is not the steepest slope itself. Computed in double precision. ValueError where there is no
    linear layer.
    """
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Linear)]
    if not weights:
        raise ValueError(f"the {type(network).__name__} has no nn.Linear; expected a network of dense layers")
    return torch.stack([torch.linalg.matrix_norm(weight.double(), ord=2) for weight in weights]).prod().item()


def gradients_by_layer(network: nn.Sequential, x: Tensor) -> list[float]:
    """The mean length of the gradient of a critic's value with respect to the inputs x (B, D), then to each hidden layer.

    network: linear layers with activations between them, (B, D) -> (B, 1).
    """
    values = [x.detach().requires_grad_(True)]
    for layer in network:
        values.append(layer(values[-1]))
    hidden = [value for layer, value in zip(network, values[1:], strict=True) if not isinstance(layer, nn.Linear)]
    return [part.norm(dim=1).mean().item() for part in torch.autograd.grad(values[-1].sum(), [values[0], *hidden])]
