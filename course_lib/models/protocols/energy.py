"""Models of an energy, whose density lacks a constant."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from course_lib.models.protocols.base import GenerativeModel


class EnergyModel(GenerativeModel):
    """A model with a density up to a constant: p(x) = exp(-E(x)) / Z, where Z, the sum of exp(-E) over all x, is unknown.

    A subclass sets `event_shape` and defines `energy` and `sample`. There is no `log_prob`, for Z is seldom known; a model so
    small that Z can be summed may offer `normalised()`, an `ExplicitModel`.
    """

    @abstractmethod
    def energy(self, x: Tensor) -> Tensor:
        """E(x) in nats, (B,), differentiable in x, of examples x (B, *event_shape)."""
