"""The two kinds above all others, and the arguments from which a model can be built again."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.inputs import as_parameters, check_events, check_some


class GenerativeModel(nn.Module, ABC):
    """Anything that makes new examples. `event_shape` is the shape of one of them."""

    event_shape: tuple[int, ...]
    is_view = False  # True for another model seen under a condition or in another order: no new kind of model

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), without gradients."""

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of examples of this model, (B, *event_shape); otherwise ValueError with the likely fix.

        Every method that takes data calls it, and works on what it returns: x in the type of the parameters. A model of binary
        data, of symbols or of grey levels has a stricter one.
        """
        return as_parameters(check_events(x, self.event_shape), self)


class ExplicitModel(GenerativeModel):
    """A model that can say how probable an example is, exactly."""

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), of examples x (B, *event_shape)."""

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small: mean negative log-likelihood in nats, ()."""
        return -self.log_prob(check_some(x)).mean()


def configuration(model: Any) -> dict[str, Any]:
    """The constructor's arguments, as the model stored them: `type(model)(**configuration(model))` is its twin.

    It serves models, and the objects (a prior, an objective) that a model takes as arguments: those whose constructors are
    keyword-only and store every argument under its own name, and dataclasses.
    """
    if is_dataclass(model):
        names = [field.name for field in fields(model) if field.init]
    else:
        names = [p.name for p in inspect.signature(type(model).__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {name: getattr(model, name) for name in names}
