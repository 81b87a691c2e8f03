"""What a model can do says what kind it is.

A method that a kind of model has no right to is absent. `log_prob` is always the exact log-density in nats per example.
Constructors are keyword-only and store every argument under its own name: that is the configuration a checkpoint keeps.
"""

from __future__ import annotations

import inspect
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class GenerativeModel(nn.Module, ABC):
    """Anything that makes new examples. `event_shape` is the shape of one of them."""

    event_shape: tuple[int, ...]

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), without gradients."""


class ExplicitModel(GenerativeModel):
    """A model that can say how probable an example is, exactly."""

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), of examples x (B, *event_shape)."""

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small: mean negative log-likelihood in nats, ()."""
        return -self.log_prob(x).mean()


def configuration(model: nn.Module) -> dict[str, Any]:
    """The constructor's arguments, as the model stored them: `type(model)(**configuration(model))` is its twin."""
    names = [p.name for p in inspect.signature(type(model).__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {name: getattr(model, name) for name in names}


def check_event_shape(event_shape: Sequence[int]) -> tuple[int, ...]:
    """event_shape as a tuple of at least one integer of at least 1."""
    try:
        shape = tuple(operator.index(size) for size in event_shape)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        raise ValueError(f"event_shape is {event_shape!r}; expected the sizes of one example, such as (1, 28, 28) or (784,)")
    return shape


def check_shape(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """x if it holds floats and its shape is (B, *event_shape); otherwise ValueError with the likely mend."""
    expected = f"(B, {', '.join(map(str, event_shape))})"
    if not isinstance(x, Tensor):
        raise ValueError(f"x is a {type(x).__name__}; expected a float tensor {expected}: torch.as_tensor(x) may do")
    if not x.is_floating_point():
        raise ValueError(f"x holds {x.dtype}; expected floats: x.float()")
    if tuple(x.shape[1:]) != tuple(event_shape):
        mend = ""
        if tuple(x.shape) == tuple(event_shape):
            mend = "; add the batch axis: x[None]"
        elif x.ndim and x[:1].numel() == torch.Size(event_shape).numel():
            mend = f"; x.reshape(-1, {', '.join(map(str, event_shape))}) may do"
        raise ValueError(f"x has shape {tuple(x.shape)}; expected {expected}{mend}")
    return x


def check_events(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """As check_shape, and no value is NaN."""
    if torch.isnan(check_shape(x, event_shape)).any():
        raise ValueError("x has NaN in it; expected finite numbers: torch.nan_to_num(x) or drop those examples")
    return x


def check_binary(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """As check_events, and every value is 0 or 1."""
    check_events(x, event_shape)
    if not ((x == 0) | (x == 1)).all():
        low, high = x.min().item(), x.max().item()
        if high > 1:
            mend = "divide by 255, then binarise"
        elif low < 0:
            mend = "undo the normalisation, then binarise"
        else:
            mend = "binarise it: torch.bernoulli(x), or load(…, binarisation='fixed')"
        raise ValueError(f"x has values in [{low:.4g}, {high:.4g}] that are neither 0 nor 1; {mend}")
    return x


def check_count(n: int, name: str = "n") -> int:
    """n if it is an integer of at least 1."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"{name} is {n!r}; expected an integer of at least 1")
    return n
