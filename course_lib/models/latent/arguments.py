"""What models with latent variables ask of their arguments, and the names that their parameters had in earlier checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from course_lib.models.protocols import configuration

T = TypeVar("T")


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
