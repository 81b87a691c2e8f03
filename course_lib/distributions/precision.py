"""One rule of precision for all densities and divergences: float32 or better, with autocast off."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from course_lib.runtime import raised_by_the_course

P, R = ParamSpec("P"), TypeVar("R")
DEVICES = ("cpu", "cuda", *(("mps",) if torch.backends.mps.is_available() else ()))  # the kinds of device that autocast knows


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
    """The function, with half precision, integers and truth values turned into float32 and with autocast off while it runs.

    float64 arguments stay float64. On a constructor it makes the parameters float32, so that every method that torch supplies
    computes in float32 too. Where it fails because of what it was given, it raises a ValueError that says what that was.
    """
    inside = in_words(without_autocast(function))

    @functools.wraps(function)
    def precise(*args: P.args, **kwargs: P.kwargs) -> R:
        return inside(*map(_promoted, args), **{name: _promoted(value) for name, value in kwargs.items()})

    return precise


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """The function; an error of torch about the kinds, shapes or devices of its arguments becomes a ValueError that names them.

    Nothing is looked at before it fails, so that a call that goes well costs nothing more.
    """

    @functools.wraps(function)
    def explained(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, torch.OutOfMemoryError) or "memory" in str(error) or raised_by_the_course(error):
                raise
            given = ", ".join([*map(_said, args), *(f"{name}: {_said(value)}" for name, value in kwargs.items())])
            raise ValueError(
                f"{function.__qualname__} was given {given}; expected tensors of real numbers, on one device, in the shapes of "
                f"its description: help({function.__qualname__})"
            ) from error

    return explained


def _promoted(value: object) -> object:
    if not isinstance(value, Tensor):
        return value
    if value.is_complex() or value.is_meta:
        raise ValueError(f"a parameter or a value is {_said(value)}; expected a tensor that holds real numbers")
    return value if value.dtype in (torch.float32, torch.float64) else value.float()


def _said(value: object) -> str:
    """What a value is, in a few words."""
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)} on {value.device}"
    shape = getattr(value, "batch_shape", None)
    return f"a {type(value).__name__}" + ("" if shape is None else f" of batch shape {tuple(shape)}")
