"""What models ask of their inputs: one check for each kind, each with a message that names the likely fix."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

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
    if x.is_meta:
        raise ValueError("x is on the device 'meta', where tensors have no values; expected numbers")
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
    check_shape(x, event_shape)
    # by parts: what is compared stays in the processor's fastest memory, which makes a whole data set three times as fast
    if values_are_trusted() or all(((part == 0) | (part == 1)).all() for part in x.split(1_000)):
        return x
    check_events(x, event_shape)
    low, high = x.min().item(), x.max().item()
    if high > 1:
        fix = "divide by 255, then binarise"
    elif low < 0:
        fix = "undo the normalisation, then binarise"
    else:
        fix = "binarise it: torch.bernoulli(x), or load(…, binarisation='fixed')"
    raise ValueError(f"x has values in [{low:.4g}, {high:.4g}] that are neither 0 nor 1; {fix}")


def check_count(n: int, name: str = "n") -> int:
    """n as a Python int, if it is an integer (Python's, NumPy's or torch's) of at least 1."""
    return runtime.check_index(n, name, least=1)


def check_counts(sizes: Sequence[int], name: str) -> list[int]:
    """sizes as Python ints, if they are a list, a tuple or an array of integers of at least 1; the message calls them `name`."""
    return [check_count(size, name) for size in check_list(sizes, name, "integers of at least 1, such as (100,)")]


def check_list(values: Iterable[Any], name: str, what: str) -> list[Any]:
    """values as a list, if they are one, or a tuple or an array; otherwise ValueError: `name` is to be a list of `what`."""
    try:
        if isinstance(values, (str, bytes)):
            raise TypeError
        return list(values)
    except TypeError:
        raise ValueError(f"{name} is {values!r}; expected a list of {what}") from None


def check_number(
    value: float,
    name: str,
    what: str = "a finite number",
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> float:
    """value as a float, if it is a finite number (Python's, NumPy's or torch's) within the bounds.

    least and most belong to the allowed range; above and below do not. Otherwise ValueError: it says that `name` is to be
    `what`, within these bounds.
    """
    number = _number(value)
    if math.isfinite(number) and least <= number <= most and above < number < below:
        return number
    bounds = (("at least", least), ("above", above), ("at most", most), ("below", below))
    said = " and ".join(f"{words} {bound:g}" for words, bound in bounds if math.isfinite(bound))
    raise ValueError(f"{name} is {value!r}; expected {what}{', ' if said else ''}{said}")


def check_moments(mean: float, spread: float, *, binary: bool = False) -> tuple[float, float]:
    """The mean and the standard deviation of the data's values as floats: both finite, spread above 0.

    Binary data have a mean in [0, 1). Otherwise ValueError.
    """
    if binary:
        mean = check_number(mean, "mean", "the mean of binary data", least=0, below=1)
    return check_number(mean, "mean", "the mean of the data"), check_number(
        spread, "spread", "the standard deviation of the data", above=0
    )


def _number(value: Any) -> float:
    """value as a float; NaN where it is no number: a text, a truth value, a list."""
    try:
        return math.nan if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def check_some(x: Tensor) -> Tensor:
    """x if it holds at least one example: the mean loss of none would be NaN. ValueError otherwise."""
    if isinstance(x, Tensor) and x.ndim and not len(x):
        raise ValueError(f"x has shape {tuple(x.shape)}: it holds no example; expected at least one to take the mean of")
    return x


def as_parameters(x: Tensor, model: nn.Module, name: str = "x") -> Tensor:
    """x in the floating type of the model's parameters, for NumPy makes float64; integers stay as they are.

    ValueError, which calls it `name`, where x lies on another device than the model.
    """
    like = next((t for t in itertools.chain(model.parameters(), model.buffers()) if t.is_floating_point()), None)
    if like is None:
        return x
    if x.device != like.device:
        fix = f"{name}.to({str(like.device)!r})"
        raise ValueError(f"{name} is on {x.device} and the model on {like.device}; expected one device: {fix}")
    return x.to(like.dtype) if x.is_floating_point() else x


def check_known(known: Tensor, x: Tensor) -> Tensor:
    """known, as booleans of the shape of the batch x (B, …), if it is booleans of that shape or of one example's."""
    shapes = (tuple(x.shape[1:]), tuple(x.shape)) if isinstance(x, Tensor) else ()
    if not isinstance(known, Tensor) or known.dtype != torch.bool or tuple(known.shape) not in shapes:
        what = f"{known.dtype} of shape {tuple(known.shape)}" if isinstance(known, Tensor) else f"a {type(known).__name__}"
        raise ValueError(f"known is {what}; expected booleans of shape {' or '.join(map(str, shapes)) or 'of x, a tensor'}")
    return known.expand(x.shape)


def check_share(share: float, name: str) -> float:
    """share as a float if it is in [0, 1), such as dropout; otherwise ValueError that calls it `name`."""
    if not 0 <= _number(share) < 1:
        raise ValueError(f"{name} is {share!r}; expected a share of at least 0 and below 1, such as 0.1")
    return float(share)


def check_whole(n: int, name: str) -> int:
    """n as a Python int, if it is an integer (Python's, NumPy's or torch's) of at least 0; the message calls it `name`."""
    return runtime.check_index(n, name, least=0)


def check_smoothing(smoothing: float) -> float:
    """smoothing as a float if it is a finite pseudo-count of at least 0; otherwise ValueError."""
    if not 0 <= _number(smoothing) < math.inf:
        raise ValueError(f"smoothing is {smoothing!r}; expected a finite pseudo-count of at least 0, such as 1.0")
    return float(smoothing)


def check_order(order: Sequence[int] | Tensor | None, dimensions: int) -> list[int]:
    """An order as a list: order[k] is the (flat) index of the variable that comes k-th. None means 0, 1, 2, …"""
    if order is None:
        return list(range(dimensions))
    try:
        listed = order.tolist() if isinstance(order, Tensor) else list(order)
    except TypeError:
        raise ValueError(f"order is {order!r}; expected {dimensions} integers: torch.randperm(D).tolist()") from None
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
    if not 0 <= _number(weight) < math.inf:
        raise ValueError(f"{name} is {weight!r}; expected a finite number of at least 0")
    return float(weight)


def check_target(target: float, name: str) -> float:
    """target as a float if it is a probability; otherwise ValueError that calls it `name`."""
    if not 0 <= _number(target) <= 1:
        raise ValueError(f"{name} is {target!r}; expected a probability in [0, 1], such as 0.9")
    return float(target)
