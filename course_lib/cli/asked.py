"""The two kinds of error that the `course` command reports in one line, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class AskedWrongly(ValueError):
    """The command line or an environment variable asks for something that does not exist; the exit code is 2."""


class Failed(RuntimeError):
    """What was asked cannot be done for a known reason, which the message says with its fix; the exit code is 1."""


def checked(function: Callable[..., T], *arguments: object) -> T:
    """What the function returns; a ValueError, by which it refuses a setting of the user, becomes AskedWrongly."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise AskedWrongly(str(error)) from error
