"""What enters an explorer is what its signature says: a tensor of numbers, a model of the right class, a list of something."""

from __future__ import annotations

import collections.abc as abc
import inspect
import math
import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib import runtime

LISTS = (abc.Sequence, abc.Iterable, list)
MAY_BE_EMPTY = "may be empty"  # Annotated[Sequence[…], MAY_BE_EMPTY]: the explorer says itself what is missing


def check_given(build: Callable[..., Any], given: tuple, named: dict[str, Any]) -> None:
    """ValueError where an argument is none of what the function's annotation names; the message has the function, too.

    A whole number must be at least 0, other numbers finite; no tensor may be empty or hold NaN, and no list or mapping be empty,
    unless its annotation allows it.
    What an annotation cannot say, such as a shape, is the function's own affair.
    """
    try:
        hints = typing.get_type_hints(build, include_extras=True)
    except NameError:  # a name that only a type checker imports
        return
    signature = inspect.signature(build)
    for name, value in signature.bind(*given, **named).arguments.items():
        try:
            _check(value, hints.get(name, Any), name)
        except ValueError as error:
            raise ValueError(f"{build.__name__}: {error}") from None


def _check(value: Any, hint: Any, name: str) -> None:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or (origin is typing.Annotated and isinstance(value, (abc.Sequence, abc.Mapping)) and not value):
        return
    if origin is typing.Annotated:
        _check(value, inside[0], name)
    elif origin in (typing.Union, types.UnionType):
        _check_one_of(value, inside, name)
    elif hint is Tensor:
        _check_tensor(value, name)
    elif hint is int:
        runtime.check_index(value, name)
    elif hint is float:
        _check_number(value, name)
    elif origin is abc.Callable:
        _expect(callable(value), value, name, "a function")
    elif origin is abc.Mapping:
        _expect(isinstance(value, abc.Mapping), value, name, "a dict")
        _expect(len(value) > 0, value, name, "a dict with something in it")
        for key, part in value.items():
            _check(key, inside[0], f"a key of {name}")
            _check(part, inside[1], f"{name}[{key!r}]")
    elif origin is tuple and Ellipsis not in inside:
        _expect(isinstance(value, (tuple, list)) and len(value) == len(inside), value, name, f"a tuple of {len(inside)} parts")
        for place, (part, kind) in enumerate(zip(value, inside, strict=True)):
            _check(part, kind, f"{name}[{place}]")
    elif origin in LISTS or origin is tuple:
        listed = isinstance(value, (abc.Sequence, Tensor, np.ndarray)) and not isinstance(value, (str, bytes))
        _expect(listed and np.ndim(value) > 0 if isinstance(value, (Tensor, np.ndarray)) else listed, value, name, "a list")
        _expect(len(value) > 0, value, name, "a list with something in it")
        for place, part in enumerate(value):
            _check(part, inside[0], f"{name}[{place}]")
    elif inspect.isclass(hint):
        _expect(isinstance(value, hint), value, name, _spelled(hint))


def _check_one_of(value: Any, kinds: tuple, name: str) -> None:
    """The value is one of several kinds: where there is one kind beside None, its own message."""
    others = [kind for kind in kinds if kind is not type(None)]
    if value is None and len(others) < len(kinds):
        return
    for kind in others:
        try:
            return _check(value, kind, name)
        except ValueError:
            if len(others) == 1:
                raise
    _expect(False, value, name, " or ".join(map(_spelled, others)))


def _check_tensor(value: Any, name: str) -> None:
    _expect(isinstance(value, Tensor), value, name, "a tensor", f": torch.as_tensor({name})" * isinstance(value, np.ndarray))
    plain = not value.is_meta and value.layout == torch.strided and not value.is_quantized and not value.is_complex()
    _expect(plain, value, name, "a tensor of real numbers")
    _expect(value.ndim > 0 and value.numel() > 0, value, name, "a tensor with something in it, along at least one axis")
    if value.is_floating_point() and value.isnan().any():
        raise ValueError(f"{name} has NaN in it; expected numbers: torch.nan_to_num({name}), or drop those examples")


def _check_number(value: Any, name: str) -> None:
    try:
        number = math.nan if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        number = math.nan
    _expect(math.isfinite(number), value, name, "a finite number")


def _expect(holds: bool, value: Any, name: str, what: str, fix: str = "") -> None:
    if not holds:
        raise ValueError(f"{name} is {_in_words(value)}; expected {what}{fix}")


def _in_words(value: Any) -> str:
    """A short value in full, another by its kind and shape."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{_spelled(type(value))} of {value.dtype} and shape {tuple(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, str)) or value in ({}, [], ()):
        return repr(value) if len(repr(value)) < 60 else _spelled(type(value))
    return _spelled(type(value))


def _spelled(kind: Any) -> str:
    word = getattr(kind, "__name__", str(kind))
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"
