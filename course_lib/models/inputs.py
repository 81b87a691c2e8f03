"""What models ask of their inputs: one check for each kind, each with a message that names the likely fix."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from course_lib import runtime

_TRUSTED = ContextVar("trusted", default=False)


@contextmanager
def trusted_values(trusted: bool = True) -> Iterator[None]:
    """Inside, no check looks at the values of a tensor; shapes and types are still checked.

    To look at a value, the host waits until the device has computed it. `fit` therefore checks each example once, in its first
    epoch, and trusts the same examples in later epochs. trusted: False checks values inside, as outside.
    """
    token = _TRUSTED.set(trusted)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def values_are_trusted() -> bool:
    """Whether the code that runs now is inside `trusted_values`."""
    return _TRUSTED.get()


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
    """x if it holds floats and its shape is (B, *event_shape); otherwise ValueError with the likely fix."""
    expected = f"(B, {', '.join(map(str, event_shape))})"
    if not isinstance(x, Tensor):
        raise ValueError(f"x is a {type(x).__name__}; expected a float tensor {expected}: torch.as_tensor(x) may do")
    if not x.is_floating_point():
        raise ValueError(f"x holds {x.dtype}; expected floats: x.float()")
    if tuple(x.shape[1:]) != tuple(event_shape):
        fix = ""
        if tuple(x.shape) == tuple(event_shape):
            fix = "; add the batch axis: x[None]"
        elif x.ndim and x[:1].numel() == torch.Size(event_shape).numel():
            fix = f"; x.reshape(-1, {', '.join(map(str, event_shape))}) may do"
        raise ValueError(f"x has shape {tuple(x.shape)}; expected {expected}{fix}")
    return x


def check_numbers(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """As check_shape, and no value is NaN. For a density that is defined, as 0, where x is infinite."""
    check_shape(x, event_shape)
    if not values_are_trusted() and torch.isnan(x).any():
        raise ValueError("x has NaN in it; expected numbers: torch.nan_to_num(x), or drop those examples")
    return x


def check_events(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """As check_shape, and every value is finite: no NaN and no infinity."""
    check_shape(x, event_shape)
    if not values_are_trusted() and not x.isfinite().all():
        what = "NaN" if x.isnan().any() else "infinity"
        raise ValueError(f"x has {what} in it; expected finite numbers: torch.nan_to_num(x), or drop those examples")
    return x


def check_binary(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """As check_events, and every value is 0 or 1."""
    check_events(x, event_shape)
    if not values_are_trusted() and not ((x == 0) | (x == 1)).all():
        low, high = x.min().item(), x.max().item()
        if high > 1:
            fix = "divide by 255, then binarise"
        elif low < 0:
            fix = "undo the normalisation, then binarise"
        else:
            fix = "binarise it: torch.bernoulli(x), or load(…, binarisation='fixed')"
        raise ValueError(f"x has values in [{low:.4g}, {high:.4g}] that are neither 0 nor 1; {fix}")
    return x


def check_count(n: int, name: str = "n") -> int:
    """n as a Python int, if it is an integer (Python's, NumPy's or torch's) of at least 1."""
    return runtime.check_index(n, name, least=1)


def check_known(known: Tensor, x: Tensor) -> Tensor:
    """known, as booleans of the shape of the batch x (B, …), if it is booleans of that shape or of one example's."""
    shapes = (tuple(x.shape[1:]), tuple(x.shape)) if isinstance(x, Tensor) else ()
    if not isinstance(known, Tensor) or known.dtype != torch.bool or tuple(known.shape) not in shapes:
        what = f"{known.dtype} of shape {tuple(known.shape)}" if isinstance(known, Tensor) else f"a {type(known).__name__}"
        raise ValueError(f"known is {what}; expected booleans of shape {' or '.join(map(str, shapes)) or 'of x, a tensor'}")
    return known.expand(x.shape)


def check_share(share: float, name: str) -> float:
    """share as a float if it is in [0, 1), such as dropout; otherwise ValueError that calls it `name`."""
    if isinstance(share, bool) or not 0 <= share < 1:
        raise ValueError(f"{name} is {share!r}; expected a share of at least 0 and below 1, such as 0.1")
    return float(share)


def check_whole(n: int, name: str) -> int:
    """n as a Python int, if it is an integer (Python's, NumPy's or torch's) of at least 0; the message calls it `name`."""
    return runtime.check_index(n, name, least=0)


def check_smoothing(smoothing: float) -> float:
    """smoothing as a float if it is a finite pseudo-count of at least 0; otherwise ValueError."""
    if not (math.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing is {smoothing!r}; expected a finite pseudo-count of at least 0, such as 1.0")
    return float(smoothing)


def check_order(order: Sequence[int] | Tensor | None, dimensions: int) -> list[int]:
    """An order as a list: order[k] is the (flat) index of the variable that comes k-th. None means 0, 1, 2, …"""
    if order is None:
        return list(range(dimensions))
    listed = order.tolist() if isinstance(order, Tensor) else list(order)
    try:
        listed = [operator.index(d) for d in listed]  # NumPy's integers become Python's, which JSON can keep
    except TypeError:
        raise ValueError(f"order holds {listed[:3]} …; expected integers: torch.randperm(D).tolist()") from None
    if sorted(listed) != list(range(dimensions)):
        raise ValueError(
            f"order has {len(listed)} entries, {len(set(listed))} of them different; expected each of 0 … {dimensions - 1} "
            "once: torch.randperm(D).tolist() makes such an order"
        )
    return listed


def check_weight(weight: float, name: str) -> float:
    """weight as a float if it is finite and at least 0; otherwise ValueError that calls it `name`."""
    if isinstance(weight, bool) or not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"{name} is {weight!r}; expected a finite number of at least 0")
    return float(weight)


def check_target(target: float, name: str) -> float:
    """target as a float if it is a probability; otherwise ValueError that calls it `name`."""
    if isinstance(target, bool) or not 0 <= target <= 1:
        raise ValueError(f"{name} is {target!r}; expected a probability in [0, 1], such as 0.9")
    return float(target)
