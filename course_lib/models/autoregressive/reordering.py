"""The same model under another order of its variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from course_lib.models.protocols import AutoregressiveModel, configuration

Model = TypeVar("Model", bound=AutoregressiveModel)


def in_order(model: Model, order: Sequence[int]) -> Model:
    """A twin of the model with another order that shares its parameters."""
    twin = type(model)(**{**configuration(model), "order": order}).to(next(model.parameters()))
    for name, parameter in model.named_parameters():
        where, _, last = name.rpartition(".")
        setattr(twin.get_submodule(where), last, parameter)
    return twin.train(model.training)
