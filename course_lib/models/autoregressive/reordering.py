"""The order in which an autoregressive model takes its variables, and the same model in another order."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from course_lib.models.inputs import check_order
from course_lib.models.protocols import AutoregressiveModel

Model = TypeVar("Model", bound=AutoregressiveModel)


def keep_order(model: AutoregressiveModel, order: Sequence[int] | Tensor | None) -> None:
    """Give the model its order: the list `order`, and the same as tensors that move to a GPU with the model.

    `places` (D,): places[k] is the index of the variable that comes k-th. `turns` (D,), its inverse: turns[d] is when variable d
    comes. Both are buffers, which no checkpoint keeps.
    """
    model.order = check_order(order, model.dimensions)
    places = torch.tensor(model.order)
    model.register_buffer("places", places, persistent=False)
    model.register_buffer("turns", places.argsort(), persistent=False)


def in_order(model: Model, order: Sequence[int] | Tensor) -> Model:
    """A twin of the model in another order that shares its parameters. No random number is drawn.

    The model has a method `set_order(order)`, which sets all that depends on the order.
    """
    twin = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})
    device = twin.places.device
    twin.set_order(order)
    return twin.to(device)
