"""One rule of precision for all densities and divergences: float32 or better, with autocast off."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P, R = ParamSpec("P"), TypeVar("R")
DEVICES = ("cpu", "cuda", *(("mps",) if torch.backends.mps.is_available() else ()))  # the kinds of device that autocast knows
HALF = (torch.bfloat16, torch.float16)


def without_autocast(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with autocast off while it runs."""

    @functools.wraps(function)
    def precise(*args: P.args, **kwargs: P.kwargs) -> R:
        on = [device for device in DEVICES if torch.is_autocast_enabled(device)]
        if not on:
            return function(*args, **kwargs)
        with ExitStack() as stack:
            for device in on:
                stack.enter_context(torch.autocast(device, enabled=False))
            return function(*args, **kwargs)

    return precise


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with half-precision arguments turned into float32 and with autocast off while it runs.

    float64 arguments stay float64. On a constructor it makes the parameters float32, so that every method that torch supplies
    computes in float32 too.
    """
    inside = without_autocast(function)

    @functools.wraps(function)
    def precise(*args: P.args, **kwargs: P.kwargs) -> R:
        return inside(*map(_promoted, args), **{name: _promoted(value) for name, value in kwargs.items()})

    return precise


def _promoted(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in HALF else value
