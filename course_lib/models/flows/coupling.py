"""A flow of vectors by affine coupling layers (Dinh, Sohl-Dickstein & Bengio 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.models.flows.arguments import check_vector
from course_lib.models.flows.base import LayeredFlow
from course_lib.models.inputs import check_count, check_counts
from course_lib.nn.coupling import ChannelCoupling, coupling_network
from course_lib.nn.invertible import Chain, ChannelAffine, Invertible, Logit


class CouplingFlow(LayeredFlow):
    """RealNVP for vectors: couplings that keep the even coordinates and the odd ones in turn, then one affine layer.

    Args:
        event_shape: (D,), D at least 2.
        layers: how many couplings.
        hidden: units of the hidden layers of each coupling's network.
        unit: True for data in (0, 1): a logit layer comes first.
    """

    def __init__(self, *, event_shape: Sequence[int], layers: int = 8, hidden: Sequence[int] = (64, 64), unit: bool = False):
        super().__init__()
        self.event_shape, self.layers = check_vector(event_shape, 2), check_count(layers, "layers")
        self.hidden, self.unit = check_counts(hidden, "hidden"), bool(unit)
        (D,) = self.event_shape
        chain: list[Invertible] = [Logit(0.0)] if self.unit else []
        for layer in range(self.layers):
            kept = list(range(layer % 2, D, 2))
            network = coupling_network(len(kept), self.hidden, 2 * (D - len(kept)))
            chain.append(ChannelCoupling(network, channels=D, kept=kept))
        self.chain = Chain([*chain, ChannelAffine(D)])
