"""What games ask of their arguments: objects of the right kind, and batches of two parts."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def check_object(value: T | None, kind: type[T], name: str, example: str) -> T | None:
    """value if it is None or an object of this kind; otherwise ValueError, which calls it `name` and offers an example."""
    if value is None or isinstance(value, kind):
        return value
    raise ValueError(f"{name} is {value!r}; expected None or an object of a subclass of {kind.__name__}, such as {example}")
