"""The family tree of the course, which is the library's class tree: every kind of model below a protocol."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import course_lib.models
from course_lib.models.protocols import GenerativeModel


def family(base: type = GenerativeModel) -> list[tuple[int, str]]:
    """(depth, names) of `base` and of all the library's classes below it; every class comes before those below it.

    A row is one class, or several sisters that have no class below them: "MADE · NADE".
    """
    for module in pkgutil.walk_packages(course_lib.models.__path__, f"{course_lib.models.__name__}."):
        importlib.import_module(module.name)
    return list(_walk(base, 0))


def _children(cls: type) -> list[type]:
    """Its subclasses in the library, without views. A subclass that a student defines is not drawn.

    An abstract kind stands in the tree only if the library has a model of that kind.
    """
    ours = [child for child in cls.__subclasses__() if child.__module__.startswith(course_lib.models.__name__)]
    kinds = [child for child in ours if not child.is_view and (not inspect.isabstract(child) or _children(child))]
    return sorted(kinds, key=lambda child: child.__name__)


def _walk(cls: type, depth: int) -> Iterator[tuple[int, str]]:
    yield depth, cls.__name__
    if leaves := [child.__name__ for child in _children(cls) if not _children(child)]:
        yield depth + 1, " · ".join(leaves)
    for child in _children(cls):
        if _children(child):
            yield from _walk(child, depth + 1)
