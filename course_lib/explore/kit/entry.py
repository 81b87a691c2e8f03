"""Every explorer works on the CPU: models and data that lie on a GPU are copied there first, and looked at."""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

from course_lib.explore.kit.given import check_given

T = TypeVar("T", bound=Callable[..., Any])


def on_cpu(value: Any) -> Any:
    """The value with its tensors and models on the CPU: those on another device are copied, the others stay the same objects.

    The function looks into tuples, lists and mappings. A method of a model (`model.decode`) becomes that of the copied model.
    Any other function stays as it is: it must take and return tensors on the CPU.
    """
    if isinstance(value, Tensor):
        return value if value.device.type == "cpu" else value.detach().cpu()
    if isinstance(value, nn.Module):
        tensors = itertools.chain(value.parameters(), value.buffers())
        return value if all(tensor.device.type == "cpu" for tensor in tensors) else copy.deepcopy(value).cpu()
    if inspect.ismethod(value) and isinstance(value.__self__, nn.Module):
        return getattr(on_cpu(value.__self__), value.__name__)
    if isinstance(value, Mapping):
        return {key: on_cpu(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(on_cpu, value))
    return type(value)(map(on_cpu, value)) if type(value) in (tuple, list) else value


def explorer(build: T) -> T:
    """Decorates every function that returns a panel: its arguments are copied to the CPU, because a slider needs no GPU.

    Arguments that are not what its annotations say are refused first, by a ValueError (kit/given.py).
    """

    @functools.wraps(build)
    def entered(*given: Any, **named: Any) -> Any:
        check_given(build, given, named)
        return build(*on_cpu(given), **on_cpu(named))

    return entered
