"""What the flows of this folder share: their map is a chain of invertible layers."""

from __future__ import annotations

from torch import Tensor

from course_lib.models.inputs import as_parameters, check_events
from course_lib.models.protocols import FlowModel
from course_lib.nn.invertible import Chain


class LayeredFlow(FlowModel):
    """A flow whose `to_latent` is a chain of invertible layers, from the data to the latents.

    A subclass sets `event_shape` and `chain`, layers of which each keeps the shape (B, *event_shape) or undoes its change later.
    """

    chain: Chain

    def to_latent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, *event_shape), and log |det dz/dx| in nats, (B,), of x (B, *event_shape)."""
        return self.chain(self.check(x))

    def to_data(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, *event_shape), and log |det dx/dz| in nats, (B,), of latents z (B, *event_shape)."""
        return self.chain.inverse(as_parameters(check_events(z, self.event_shape), self, "z"))
