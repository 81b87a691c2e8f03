"""The planar flow (Rezende & Mohamed 2015)."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.models.flows.arguments import check_vector
from course_lib.models.flows.base import LayeredFlow
from course_lib.models.inputs import check_count
from course_lib.nn.invertible import Chain
from course_lib.nn.planar import Planar


class PlanarFlow(LayeredFlow):
    """A chain of planar layers from the data to a standard Gaussian (Rezende & Mohamed 2015, section 4.1).

    Their flow runs from the noise to a posterior that is only sampled. This one is fitted to data by their density, so the
    formula runs from the data to the noise, and sampling needs the layers' numerical inverse.

    Args:
        event_shape: (D,).
        layers: how many planar layers.
    """

    def __init__(self, *, event_shape: Sequence[int], layers: int = 16):
        super().__init__()
        self.event_shape, self.layers = check_vector(event_shape), check_count(layers, "layers")
        self.chain = Chain(Planar(*self.event_shape) for _ in range(self.layers))
