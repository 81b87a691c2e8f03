"""What metrics ask of their inputs: numbers in a row, rows of features, labels. Each refusal names the likely fix.

Integers, truth values and half precision count as the numbers that they are: they are computed in float32 or float64.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FEATURES = "features(judge, x) makes features of images, and x.flatten(1) makes them of pixels"
EXACT = (torch.float32, torch.float64)


def check_tensor(values: Tensor, name: str, what: str = "(N, …)") -> Tensor:
    """values if they are a tensor of real numbers; otherwise ValueError, which calls them `name` and expects `what`."""
    if not isinstance(values, Tensor):
        raise ValueError(f"{name} is a {type(values).__name__}; expected a tensor {what}: torch.as_tensor({name}) may do")
    if values.is_meta or values.is_complex() or values.is_quantized or values.layout != torch.strided:
        kind = "on the device 'meta', without values" if values.is_meta else f"of {values.dtype} and {values.layout}"
        raise ValueError(f"{name} is a tensor {kind}; expected real numbers {what}")
    return values


def as_floats(values: Tensor) -> Tensor:
    """The same numbers in float32 or float64: half precision becomes float32, integers and truth values float64."""
    if values.dtype in EXACT:
        return values
    return values.float() if values.is_floating_point() else values.double()


def check_finite(values: Tensor, name: str) -> Tensor:
    """values if every one is finite; otherwise ValueError, which calls them `name`."""
    if not values.isfinite().all():
        what = "NaN" if values.isnan().any() else "infinity"
        raise ValueError(f"{name} has {what} in it; expected finite numbers: torch.nan_to_num({name}), or drop those examples")
    return values


def check_examples(x: Tensor, name: str = "x", least: int = 1) -> Tensor:
    """x if it is a tensor of at least `least` examples (N, …); their values are the model's affair."""
    if check_tensor(x, name).ndim < 1 or len(x) < least:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected examples (N, …), at least {least} of them")
    return x


def check_row(values: Tensor, name: str, *, least: int = 1, infinite: bool = False) -> Tensor:
    """Numbers in one row (N,), at least `least` of them, in float32 or float64; none is NaN, and none infinite unless allowed."""
    if check_tensor(values, name, "(N,)").ndim != 1 or len(values) < least:
        fix = f": {name}.flatten() may do" if values.ndim != 1 else ""
        raise ValueError(f"{name} has shape {tuple(values.shape)}; expected at least {least} numbers in one row (N,){fix}")
    values = as_floats(values)
    if infinite and not values.isnan().any():
        return values
    return check_finite(values, name)


def check_rows(x: Tensor, name: str, *, least: int = 1, columns: int | None = None, fix: str = FEATURES) -> Tensor:
    """Rows (N, F) of at least `least` examples, in float32 or float64, all finite. columns: F, where it is known."""
    shape = f"(N, {'F' if columns is None else columns})"
    if check_tensor(x, name, shape).ndim != 2 or len(x) < least or not x.shape[1] or x.shape[1] != (columns or x.shape[1]):
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {shape} with at least {least} examples: {fix}")
    return check_finite(as_floats(x), name)


def check_labels(y: Tensor, count: int, name: str = "y") -> Tensor:
    """y as int64, if it is one whole number of at least 0 for each of `count` examples."""
    if check_tensor(y, name, f"({count},)").is_floating_point() or y.shape != (count,):
        raise ValueError(
            f"{name} holds {y.dtype} of shape {tuple(y.shape)}; expected one integer label for each of {count} examples: "
            f"{name}.long()"
        )
    y = y.long()
    if count and y.min() < 0:
        raise ValueError(f"{name} has labels down to {int(y.min())}; expected classes from 0")
    return y


def check_span(span: Sequence[float], name: str = "span") -> tuple[float, float]:
    """span as (lowest, highest), two finite numbers in this order."""
    try:
        low, high = map(float, span)
    except (TypeError, ValueError, RuntimeError):
        low = high = 0.0
    if not -float("inf") < low < high < float("inf"):
        raise ValueError(f"{name} is {span!r}; expected (lowest, highest), two finite numbers")
    return low, high
