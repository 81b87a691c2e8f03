"""Linear layers with connections cut out, so that a network keeps to an order (Germain et al. 2015)."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F


class MaskedLinear(nn.Linear):
    """A linear layer whose weight (out, in) is multiplied by a mask of the same shape: 0 cuts a connection."""

    def __init__(self, in_features: int, out_features: int, mask: Tensor, bias: bool = True):
        super().__init__(in_features, out_features, bias=bias)
        self.register_buffer("mask", mask.to(self.weight.dtype), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(…, in) -> (…, out). Another mask may stand in for the layer's own."""
        return F.linear(x, self.weight * (self.mask if mask is None else mask), self.bias)


def degree_masks(degrees: list[Tensor]) -> list[Tensor]:
    """Masks (out, in) between layers whose units have these degrees, first the inputs', last the outputs'.

    A unit of degree m may depend on the first m variables of the order (Germain et al. 2015, eqs. 12-13): a hidden
    unit looks at units of degree <= its own. Input number k (from 1) has degree k. Outputs carry degree k - 1, so the
    same rule `incoming <= own` makes output k depend on the variables before it alone.
    """
    pairs = itertools.pairwise(degrees)
    return [incoming[None, :] <= own[:, None] for incoming, own in pairs]
