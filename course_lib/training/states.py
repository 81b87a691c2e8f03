"""The state of a run: a tree of dicts, lists, tensors and plain values in one safetensors file, with some JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from course_lib import files
from course_lib.datasets.manifest import DataFileError


def write(path: Path, state: Any, extra: dict[str, Any]) -> None:
    """Write a tree of dicts, lists, tensors and plain values, with some JSON beside it, as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    tree = _take_out_tensors(state, tensors)
    with files.whole_file(Path(path)) as temporary:
        save_file(tensors, temporary, metadata={"tree": json.dumps(tree), "extra": json.dumps(extra, default=float)})


def read(path: Path) -> tuple[Any, dict[str, Any]]:
    """What write wrote: (state, extra). DataFileError if the file is damaged."""
    with _reading(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        return _put_tensors_back(json.loads(file.metadata()["tree"]), tensors), json.loads(file.metadata()["extra"])


def read_extra(path: Path) -> dict[str, Any]:
    """The JSON that write wrote beside the state, without reading the state. DataFileError if the file is damaged."""
    with _reading(path) as file:
        return json.loads(file.metadata()["extra"])


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        if not Path(path).is_file():  # of a pipe, nothing may ever be read
            raise ValueError("it is missing, or no file")
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise DataFileError(f"{path} is damaged ({error}); fix: delete it, and the run begins anew") from error


def _take_out_tensors(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, Tensor):
        name = str(len(tensors))
        tensors[name] = node.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(node, dict):  # as pairs: JSON would turn the optimiser's integer keys into strings
        return {"items": [[key, _take_out_tensors(value, tensors)] for key, value in node.items()]}
    if isinstance(node, (list, tuple)):
        return [_take_out_tensors(value, tensors) for value in node]
    return node


def _put_tensors_back(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, list):
        return [_put_tensors_back(value, tensors) for value in node]
    if isinstance(node, dict):
        if "tensor" in node:
            return tensors[node["tensor"]]
        return {key: _put_tensors_back(value, tensors) for key, value in node["items"]}
    return node
