"""Odd values in place of one argument of a good call, and what must come of it: the right number or a refusal in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.runtime import raised_by_the_course


@dataclass(frozen=True)
class Call:
    """A good call. odd: the names of the arguments that are replaced. exact: equal numbers of other types give equal results.

    none: arguments of which None is a good value, or one with a meaning of its own. infinite: arguments that may be infinite.
    stays: arguments whose NaN, or infinity, may become NaN in the answer, but no number.
    """

    function: object
    given: dict
    exact: bool = True
    none: tuple[str, ...] = ()
    infinite: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    def __call__(self, **changed):
        return self.function(**{**self.given, **changed})


def call(function, *, exact=True, none=(), infinite=(), stays=(), **given):
    return Call(function, given, exact, none, infinite, stays)


def same_values(value):
    """The same numbers in other types: name -> value. Only types that can hold them."""
    if isinstance(value, Tensor):
        types = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                 torch.uint8, torch.bool)  # fmt: skip
        held = {str(kind): value.to(kind) for kind in types if value.dtype != kind}
        return {name: other for name, other in held.items() if torch.equal(other.double(), value.double())}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {}
    made = {"numpy float": np.float64(value), "numpy half": np.float16(value), "tensor": torch.tensor(value)}
    if isinstance(value, int):
        made |= {"numpy int64": np.int64(value), "numpy uint8": np.uint8(value), "numpy int16": np.int16(value)}
        made.pop("numpy float"), made.pop("numpy half")
    return {name: other for name, other in made.items() if float(other) == float(value)}


def odd_values(value):
    """What a hostile student would give instead: name -> value. None of it is a good value by itself."""
    if isinstance(value, Tensor):
        made = {"None": None, "a text": "x", "a number": 1.0, "a list": value.tolist(), "an array": value.numpy(),
                "no values": value.to("meta"), "complex": value.to(torch.complex64), "one axis more": value[None]}  # fmt: skip
        if value.ndim:
            made |= {"no example": value[:0], "one example": value[:1], "no axis": value.sum().to(value.dtype)}
        if value.ndim > 1:
            made |= {"flat": value.flatten(), "one column less": value[..., :-1]}
        if value.is_floating_point():
            made |= {str(bad): value.masked_fill(first_of(value), bad) for bad in (math.nan, math.inf, -math.inf)}
        else:
            made |= {"huge": torch.full_like(value, torch.iinfo(value.dtype).max), "negative": torch.full_like(value, -2)}
        return made
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        bad = (math.nan, math.inf, -math.inf, -1, 0, -2.5, "x", None, True, [], torch.tensor([1.0, 2.0]), np.float64("nan"))
        return {repr(other): other for other in bad}
    if isinstance(value, (list, tuple)):
        made = {"None": None, "a text": "x", "a number": 1.0, "nothing": type(value)()}
        changed = {str(bad): leaves(value, lambda t, bad=bad: t.masked_fill(first_of(t), bad)) for bad in (math.nan, math.inf)}
        return made | {name: other for name, other in changed.items() if other is not None}
    return {"None": None, "a text": "x", "a number": 1.0} if is_dataclass(value) else {}


def first_of(value):
    """Booleans of the shape of value: its first entry alone."""
    mask = torch.zeros(value.numel(), dtype=torch.bool)
    mask[:1] = True
    return mask.reshape(value.shape)


def numbers(found):
    """All numbers of a result, in one order."""
    if isinstance(found, Tensor):
        return [math.nan] if found.is_complex() or found.is_meta else found.double().flatten().tolist()
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return [float(found)]
    if is_dataclass(found):
        return [n for field in fields(found) for n in numbers(getattr(found, field.name))]
    if isinstance(found, Mapping):
        return [n for part in found.values() for n in numbers(part)]
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [n for part in found for n in numbers(part)]
    return []


def kinds(call, name):
    """The values that are set in place of one argument: (what, value, whether it equals the good value)."""
    value = call.given[name]
    yield from ((what, other, True) for what, other in same_values(value).items())
    yield from ((what, other, False) for what, other in odd_values(value).items())


def faults(call):
    """What is wrong with the answers to odd values, as sentences; none where all is well."""
    good, found = numbers(call()), []
    for name in call.given:
        for what, value, same in kinds(call, name):
            if value is None and name in call.none:
                continue
            try:
                answer = call(**{name: value})
            except ValueError as error:
                said = str(error)
                if not raised_by_the_course(error):
                    found.append(f"{name} = {what}: the refusal says too little: {said}")
                elif same and call.exact and alike(call.given[name], value):
                    found.append(f"{name} = {what}: refused, although it is the same number: {said}")
                continue
            except Exception as error:
                found.append(f"{name} = {what}: {type(error).__name__}: {error}")
                continue
            hidden = any(math.isnan(n) for n in numbers(answer))
            if name in call.stays and what in ("nan", "inf", "-inf"):
                if what == "nan" and not hidden:
                    found.append(f"{name} = {what}: the answer hides it: {numbers(answer)[:3]}")
            elif hidden:
                found.append(f"{name} = {what}: the answer holds NaN")
            elif same and call.exact and not equal(answer, good):
                found.append(f"{name} = {what}: another answer than for the same number: {numbers(answer)[:3]} for {good[:3]}")
            elif is_bad(what, name in call.infinite) or (type(value) in NO_NUMBERS and not equal(answer, good)):
                found.append(f"{name} = {what}: it was taken, and gave {numbers(answer)[:3]}")
    return found


NO_NUMBERS = (bool, str, list, np.ndarray, type(None))


def is_bad(what, infinite):
    """Whether a value called so is NaN, or an infinity that this argument may not be."""
    return what == "nan" or (what in ("inf", "-inf") and not infinite)


def alike(good, value):
    """Whether both are floats, or both integers: only then may the value not be refused."""
    if isinstance(value, Tensor) and isinstance(good, Tensor):
        return value.is_floating_point() == good.is_floating_point() and value.dtype != torch.bool
    return True


def equal(answer, good):
    found = numbers(answer)
    return len(found) == len(good) and np.allclose(found, good, rtol=1e-4, atol=1e-6, equal_nan=True)


def leaves(value, change):
    """The value with its first tensor or float replaced by what `change` makes of it; None where it has none."""
    if isinstance(value, (Tensor, np.ndarray)) and value.dtype not in (torch.bool, torch.int64):
        return change(torch.as_tensor(value))
    if isinstance(value, float):
        return change(torch.tensor(value)).item()
    if isinstance(value, Mapping):
        for key, part in value.items():
            if (made := leaves(part, change)) is not None:
                return {**value, key: made}
    if isinstance(value, (list, tuple)):
        for place, part in enumerate(value):
            if (made := leaves(part, change)) is not None:
                parts = [*value[:place], made, *value[place + 1 :]]
                return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return None


def drawing_faults(call):
    """What is wrong with the figures of odd values, as sentences: each number may be bad, each argument missing or empty."""
    found = []
    half = {name: leaves(value, lambda t: t.half().requires_grad_()) for name, value in call.given.items()}
    changes = [("half precision", {name: value for name, value in half.items() if value is not None}, True)]
    for name, value in call.given.items():
        for bad in (math.nan, math.inf) if name not in call.stays else ():
            made = bad if type(value) is int else leaves(value, lambda t, bad=bad: t.masked_fill(first_of(t), bad))
            changes += [(f"{name} with {bad}", {name: made}, False)] if made is not None else []
    first, value = next((name, value) for name, value in call.given.items() if not callable(value) and not isinstance(value, str))
    changes += [
        (f"{first} = None", {first: None}, None),
        (f"{first} empty", {first: value[:0] if isinstance(value, (Tensor, list)) else {}}, None),
    ]
    for what, given, good in changes:
        try:
            call(**given)
        except ValueError as error:
            if good or not raised_by_the_course(error):
                found.append(f"{what}: {error}")
        except Exception as error:
            found.append(f"{what}: {type(error).__name__}: {error}")
        else:
            found += [f"{what}: it was drawn"] if good is False else []
    return found
