"""What models with latent variables ask of their arguments, and the names that their parameters had in earlier checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from course_lib.models.protocols import configuration

T = TypeVar("T")


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
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
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


def own_copy(part: T, kind: type[T], name: str, example: str) -> T:
    """A new object with the configuration of `part`, so that one description of a prior or an objective serves several models.

    ValueError when `part` is not an object of this kind; the message calls the argument `name` and gives an example.
    """
    if not isinstance(part, kind):
        raise ValueError(f"{name} is {part!r}; expected an object of a class of {kind.__name__}, such as {example}")
    return type(part)(**configuration(part))


def rename_keys(state: dict[str, Any], prefix: str, names: Mapping[str, str]) -> None:
    """Give the entries of a state dict whose keys begin with an old name (after `prefix`) the new name, in place."""
    for old, new in names.items():
        for key in [key for key in state if key.startswith(prefix + old)]:
            state[prefix + new + key.removeprefix(prefix + old)] = state.pop(key)
