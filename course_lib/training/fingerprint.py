"""What determines a training run, written down as plain values, so that two runs can be compared.

`described` turns the settings of a run into JSON: numbers and words as they are, a function by its qualified name and the values
that it carries along, an object by its class and its settings, a tensor by its checksum. `digest` is one checksum of it all.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import math
import re
import types
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.protocols import configuration

ABSENT = "absent"
MEAN_SQUARE = "mean_square"


def described(value: Any) -> Any:
    """The value as JSON that is equal for equal settings, in every process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        return {"tensor": list(value.shape), "dtype": str(value.dtype), "checksum": checksum(value)}
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((described(item) for item in value), key=json.dumps)
    if isinstance(value, functools.partial):
        given = {"arguments": value.args, "keywords": value.keywords}  # a partial of a partial is one partial in Python
        return {**described(value.func), **{key: described(item) for key, item in given.items() if item}}
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return _callable(value)
    return _object(value)


def digest(description: Any) -> str:
    """The sha256, in hexadecimal, of a description."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def checksum(values: Tensor) -> str:
    """A checksum, in hexadecimal, of the numbers in a tensor, wherever it lies."""
    raw = values.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """What differs between two descriptions, one sentence for each setting: "batch_size was 50, is 100".

    The mean squares of `initial_parameters` count as equal when they differ by rounding alone.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        parts = (differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{where}.{key}" if where else key) for key in keys)
        return [line for part in parts for line in part]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for i, pair in enumerate(zip(old, new, strict=True)) for line in differences(*pair, f"{where}[{i}]")]
    if where.endswith(MEAN_SQUARE) and old != ABSENT and new != ABSENT and math.isclose(old, new, rel_tol=1e-4):
        return []
    return [] if old == new and type(old) is type(new) else [f"{where} was {_short(old)}, is {_short(new)}"]


def initial_parameters(model: nn.Module) -> dict[str, Any]:
    """Class and configuration of a new model; the shape and the mean square of each of its parameters and buffers.

    The mean squares show whether two models begin at the same values, up to rounding.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {
        "class": _name(type(model)),
        "configuration": described(configuration(model)),
        "values": {
            name: {
                "shape": list(tensor.shape),
                "trained": tensor.requires_grad,
                MEAN_SQUARE: tensor.detach().double().square().mean().nan_to_num().item() if tensor.numel() else 0.0,
            }
            for name, tensor in tensors.items()
        },
    }


def _name(what: Any) -> str:
    return f"{what.__module__}:{what.__qualname__}"


def _callable(function: Any) -> Any:
    """A class by its name; a function by its name and what it carries: its owner, defaults, and values from around it."""
    spelled: dict[str, Any] = {"call": _name(function)}
    if isinstance(function, types.MethodType):
        return {**spelled, "of": described(function.__self__)}
    if isinstance(function, types.FunctionType):
        around = inspect.getclosurevars(function).nonlocals
        given = {"defaults": function.__defaults__, "keyword_defaults": function.__kwdefaults__, "around": around}
        spelled |= {key: described(value) for key, value in given.items() if value}
        if "<" in function.__qualname__:  # the name of a lambda or of an inner function says too little
            spelled["code"] = _code(function.__code__)
    return spelled


def _code(code: types.CodeType) -> str:
    constants = [_constant(value) for value in code.co_consts]
    return digest([code.co_code.hex(), constants, list(code.co_names), list(code.co_varnames)])[:16]


def _constant(value: Any) -> str:
    if isinstance(value, frozenset):  # Python sorts the words of a set anew in every process
        return repr(sorted(map(repr, value)))
    return _code(value) if isinstance(value, types.CodeType) else repr(value)


def _object(value: Any) -> Any:
    if isinstance(value, nn.Module):
        return initial_parameters(value)
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"class": _name(type(value)), **described(fields)}
    if isinstance(value, (PurePath, torch.device, torch.dtype)) or not getattr(value, "__dict__", None):
        return {"class": _name(type(value)), "value": re.sub(r" at 0x[0-9a-f]+", "", str(value))}
    return {"class": _name(type(value)), **described(vars(value))}


def _short(value: Any) -> str:
    """A description in a few words, for a message."""
    if isinstance(value, dict) and "call" in value and isinstance(value["call"], str):
        return value["call"].rpartition(":")[2]
    spelled = value if value == ABSENT else json.dumps(value, default=str)
    return spelled if len(spelled) <= 60 else f"{spelled[:57]}..."
