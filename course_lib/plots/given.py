"""What figures ask of what they are given: finite numbers from any device; and words where a figure cannot be drawn."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

from course_lib.runtime import raised_by_the_course

P, R = ParamSpec("P"), TypeVar("R")


def drawing(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates every function that draws a figure.

    Tensors come to the CPU, without gradients, in float32 or better; they stay on their device where a model or another function
    is among the arguments. ValueError for NaN and infinity, and, for whatever else cannot be drawn, one that says what came.
    """
    return _drawing(function, gaps=False)


def drawing_with_gaps(function: Callable[P, R]) -> Callable[P, R]:
    """As `drawing`, for figures of lines: where a number is NaN or infinite, the line has a gap."""
    return _drawing(function, gaps=True)


def _drawing(function: Callable[P, R], *, gaps: bool) -> Callable[P, R]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs)
        to_cpu = not any(callable(value) for value in given.arguments.values())
        for name, value in given.arguments.items():
            given.arguments[name] = _plain(value, name, gaps, to_cpu)
        try:
            return function(*given.args, **given.kwargs)
        except Exception as error:
            if raised_by_the_course(error):
                raise
            came = ", ".join(f"{name}: {_said(value)}" for name, value in given.arguments.items() if not isinstance(value, str))
            raise ValueError(
                f"{function.__name__} cannot draw this ({type(error).__name__}: {error}). It was given {came or 'words alone'}; "
                f"expected what help({function.__name__}) describes"
            ) from error

    return drawn


def _plain(value: Any, name: str, gaps: bool, to_cpu: bool) -> Any:
    """The value with its tensors ready to draw; ValueError where a number in it is not finite."""
    if isinstance(value, Tensor):
        if value.is_meta or value.is_complex():
            raise ValueError(f"{name} holds {_said(value)}; expected real numbers")
        value = value.detach()
        value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        value = value.cpu() if to_cpu else value
        _check(gaps or not value.is_floating_point() or bool(value.isfinite().all()), name)
    elif isinstance(value, np.ndarray):
        _check(gaps or value.dtype.kind != "f" or bool(np.isfinite(value).all()), name)
    elif isinstance(value, (float, np.floating)):
        _check(gaps or math.isfinite(value), name)
    elif isinstance(value, Mapping):
        return {key: _plain(part, f"{name}[{key!r}]", gaps, to_cpu) for key, part in value.items()}
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_plain(part, f"{name}.{key}", gaps, to_cpu) for key, part in zip(value._fields, value, strict=True)))
    elif type(value) in (list, tuple):
        return type(value)(_plain(part, f"{name}[{place}]", gaps, to_cpu) for place, part in enumerate(value))
    return value


def _check(finite: bool, name: str) -> None:
    if not finite:
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers: leave those out, or look where they come from")


def _said(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_said(part)}" for key, part in list(value.items())[:3]) + "}"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} of {_said(value[0])}" if value else "nothing"
    return repr(value) if isinstance(value, (int, float, bool, type(None))) else f"a {type(value).__name__}"
