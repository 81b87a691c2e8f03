"""A student's answer beside the truth: turned into numbers, compared, and the first difference put in words."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_UNTRIED = (None, ..., NotImplemented)
_MOST_SHOWN = 6


@dataclass(frozen=True)
class Difference:
    """What differs, in words, and a hint when the difference alone gives one away."""

    text: str
    hint: str = ""


def untried(answer: Any) -> bool:
    """True for None, `...`, NotImplemented, and for a list or tuple that still holds one of them."""
    if isinstance(answer, (list, tuple)):
        return any(untried(part) for part in answer)
    return any(answer is blank for blank in _UNTRIED)


def fresh(value: Any) -> Any:
    """A copy that shares nothing with the original, so that a change in place does not reach the original."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, torch.Generator):
        twin = torch.Generator(device=value.device)
        twin.set_state(value.get_state())
        return twin
    if type(value) in (list, tuple):
        return type(value)(fresh(part) for part in value)
    if type(value) is dict:
        return {key: fresh(part) for key, part in value.items()}
    return copy.deepcopy(value)


def as_tensor(answer: Any) -> Tensor:
    """Numbers, (nested) lists of them, arrays and tensors as one tensor on the CPU, without gradient.

    Tensors may lie on any device, and be sparse or quantised. Raises TypeError, with what the answer is instead, for all else.
    """
    if isinstance(answer, Tensor):
        if answer.is_meta:
            raise TypeError("a tensor on the meta device, which holds no numbers")
        if answer.is_nested:
            raise TypeError("a nested tensor, whose parts have shapes of their own")
        plain = answer.detach().dequantize() if answer.is_quantized else answer.detach()
        return (plain if plain.layout == torch.strided else plain.to_dense()).cpu()
    try:
        return torch.as_tensor(answer).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(answer, (list, tuple)) and answer:
            parts = [as_tensor(part) for part in answer]
            if len({part.shape for part in parts}) == 1:
                return torch.stack([part.to(torch.promote_types(part.dtype, torch.float32)) for part in parts])
        raise TypeError(_kind(answer)) from error


def difference(answer: Any, truth: Any, tolerance: float) -> Difference | None:
    """None when |answer - truth| <= tolerance · (1 + |truth|) everywhere; otherwise the first difference.

    A truth of several parts is a tuple; strings must be equal; NaN equals NaN, and an infinity equals the same infinity.
    """
    if isinstance(truth, str):
        same = isinstance(answer, str) and answer == truth
        return None if same else Difference(f"you answered {shown(answer)}, expected {truth!r}")
    if isinstance(truth, tuple) and any(isinstance(part, (Tensor, tuple, str)) for part in truth):
        return _difference_of_parts(answer, truth, tolerance)
    expected = as_tensor(truth)
    wanted = f"expected {_shape_in_words(expected)}"
    try:
        given = as_tensor(answer)
    except TypeError as error:
        return Difference(f"your answer is {error}, {wanted}")
    if given.is_complex() and not expected.is_complex():
        return Difference(f"your answer holds complex numbers, {wanted} of real ones")
    if given.numel() == expected.numel() == 1:  # 0.5, tensor(0.5) and tensor([0.5]) say the same
        given = given.reshape(expected.shape)
    if given.shape != expected.shape:
        return Difference(
            f"your answer has shape {_shape(given)}, expected {_shape(expected)}", _shape_hint(given, expected, tolerance)
        )
    return _difference_of_values(given, expected, tolerance)


def _difference_of_parts(answer: Any, truth: tuple, tolerance: float) -> Difference | None:
    if not isinstance(answer, (tuple, list)) or len(answer) != len(truth):
        came = f"{len(answer)} parts" if isinstance(answer, (tuple, list)) else _kind(answer)
        return Difference(f"your answer is {came}, expected {len(truth)} parts, as in `return a, b`")
    for place, (given, expected) in enumerate(zip(answer, truth, strict=True), 1):
        found = difference(given, expected, tolerance)
        if found:
            return Difference(f"part {place} of {len(truth)}: {found.text}", found.hint)
    return None


def _differs(given: Tensor, expected: Tensor, tolerance: float) -> Tensor:
    """True where the values differ, of the same shape. Equal infinities are equal; NaN equals only an expected NaN."""
    kind = torch.complex128 if expected.is_complex() else torch.float64
    given, expected = given.to(kind), expected.to(kind)
    return ~torch.isclose(given, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def _difference_of_values(given: Tensor, expected: Tensor, tolerance: float) -> Difference | None:
    wrong = _differs(given, expected, tolerance)
    if not wrong.any():
        return None
    first = tuple(wrong.nonzero()[0].tolist())
    where = f"at {list(first)} " if first else ""
    count = f"; {int(wrong.sum())} of {wrong.numel()} values differ" if wrong.numel() > 1 else ""
    hint = ""
    if given.isnan().any() and not expected.isnan().any():
        hint = "NaN comes from 0 · log 0, 0 / 0, inf - inf, or the log or root of a negative number."
    elif not given.is_floating_point() and expected.is_floating_point():
        hint = f"your answer holds {given.dtype}: were fractions cut off?"
    return Difference(f"{where}came {_number(given[first])}, expected {_number(expected[first])}{count}.", hint)


def _shape_hint(given: Tensor, expected: Tensor, tolerance: float) -> str:
    if given.numel() == expected.numel():
        if not _differs(given.reshape(expected.shape), expected, tolerance).any():
            return "the numbers are right, only their shape is not."
        if given.ndim == 2 and given.T.shape == expected.shape and not _differs(given.T, expected, tolerance).any():
            return "rows and columns have changed places."
    if given.ndim < expected.ndim:
        return "an axis is missing: was one summed or indexed away?"
    if given.ndim > expected.ndim:
        return "an axis is left over: is a sum missing?"
    return "were the right axes used?"


def shown(value: Any) -> str:
    """A value in a few words: a short one in full, a long one by its kind and shape. Never raises."""
    if isinstance(value, Tensor):
        if value.is_nested:
            return "a nested tensor"
        if value.numel() > _MOST_SHOWN or value.is_meta:
            return f"a tensor of shape {_shape(value)}"
        return _numbers(as_tensor(value).tolist())
    if isinstance(value, float):
        return _number(torch.tensor(value))
    try:
        text = repr(value)
    except Exception:  # a class of the student's own may have a faulty __repr__
        return _kind(value)
    return text if len(text) <= 40 else _kind(value)


def _numbers(nested: Any) -> str:
    if isinstance(nested, list):
        return f"[{', '.join(_numbers(part) for part in nested)}]"
    return _number(torch.tensor(nested))


def _number(value: Tensor) -> str:
    plain = value.item()
    if isinstance(plain, float) and math.isfinite(plain):
        return f"{plain:.4g}"
    return "NaN" if plain != plain else str(plain)


def _shape(value: Tensor) -> str:
    return str(tuple(value.shape))


def _shape_in_words(value: Tensor) -> str:
    return f"a tensor of shape {_shape(value)}" if value.ndim else "one number"


def _kind(value: Any) -> str:
    name = type(value).__name__
    if callable(value) and not isinstance(value, type):
        return f"a {name} that was not called"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
