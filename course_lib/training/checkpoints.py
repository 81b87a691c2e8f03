"""Checkpoints: safetensors plus JSON, written whole or not at all, and never a pickle.

A shipped model is data/checkpoints/<name>.safetensors (its parameters) and <name>.json (which class, its constructor's
arguments, seed, budget, metrics, checksums). Models that the user trains lie in the same form in the user's own folder.
"""

from __future__ import annotations

import difflib
import importlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import manifest
from course_lib.models.protocols import configuration


def shipped_dir() -> Path:
    """Where the clone's own checkpoints lie."""
    return runtime.data_dir() / "checkpoints"


def own_dir() -> Path:
    """Where the user's own checkpoints lie."""
    return runtime.user_dir() / "checkpoints"


def names() -> list[str]:
    """The names of the shipped checkpoints."""
    return sorted(path.stem for path in shipped_dir().glob("*.json"))


def describe(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The JSON of a checkpoint: class, configuration, seed, budget, metrics, checksums. ValueError if there is none."""
    path = (folder or shipped_dir()) / f"{name}.json"
    if not path.is_file():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no checkpoint is called {name!r}{hint} (have: {names()})")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        missing = {"class", "configuration", "sha256"} - set(about)
    except (ValueError, TypeError) as error:  # bad JSON, bad UTF-8, or JSON that is no object
        raise ValueError(f"{path} is damaged: {error}; mend: {_mend(path)}") from error
    if missing:
        raise ValueError(f"{path} is damaged: it lacks {sorted(missing)}; mend: {_mend(path)}")
    return about


def load(name: str, *, folder: Path | None = None, device: str | torch.device | None = "cpu") -> nn.Module:
    """The model of a checkpoint, ready to use, in eval mode, its parameters frozen (they need no gradient)."""
    about = describe(name, folder)
    path = (folder or shipped_dir()) / f"{name}.safetensors"
    found = manifest.sha256(path) if path.is_file() else "no file"
    if found != about["sha256"]:
        raise ValueError(f"{path} is damaged or missing: expected sha256 {about['sha256']}, found {found}; mend: {_mend(path)}")
    kind = _model_class(about["class"])
    try:
        model = kind(**about["configuration"])
        model.load_state_dict(
            {key: value.float() if value.dtype == torch.float16 else value for key, value in load_file(path).items()}
        )
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path} does not fit the configuration beside it ({error}); mend: {_mend(path)}") from error
    return model.to(device).eval().requires_grad_(False)


def save(name: str, model: nn.Module, about: dict[str, Any], *, folder: Path | None = None, half: bool = False) -> Path:
    """Write a model under this name, into the user's own folder unless another is given.

    about: what else to keep (seed, budget, metrics, …). half: store floats as float16, half the size.
    """
    path = (folder or own_dir()) / f"{name}.safetensors"
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in model.state_dict().items()}
    if half:
        tensors = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    # Both are written before either takes its place: a crash leaves the old pair, as good as always.
    with runtime.whole_file(path.with_suffix(".json")) as description, runtime.whole_file(path) as parameters:
        save_file(tensors, parameters)
        described = {
            **about,
            "class": f"{type(model).__module__}:{type(model).__qualname__}",
            "configuration": configuration(model),
            "sha256": manifest.sha256(parameters),
        }
        description.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return path


def _mend(path: Path) -> str:
    shipped = path.parent == shipped_dir()
    return (
        f"`git checkout -- data/checkpoints/{path.name}`" if shipped else f"delete it and train again: `course train {path.stem}`"
    )


def _model_class(spelled: str) -> type[nn.Module]:
    """The class behind "course_lib.models.….module:Name". Nothing outside course_lib.models is ever imported."""
    module, _, name = spelled.partition(":")
    if not module.startswith("course_lib.models."):
        raise ValueError(f"class {spelled!r} is not one of course_lib.models; this checkpoint was not made by this library")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        found = None
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise ValueError(f"class {spelled!r} is no model of this library; the checkpoint may come from another version of it")
    return found


def write_state(path: Path, state: Any, extra: dict[str, Any]) -> None:
    """Write a tree of dicts, lists, tensors and plain values, with some JSON beside it, as one safetensors file."""
    tensors: dict[str, Tensor] = {}
    tree = _take_out_tensors(state, tensors)
    with runtime.whole_file(Path(path)) as temporary:
        save_file(tensors, temporary, metadata={"tree": json.dumps(tree), "extra": json.dumps(extra)})


def read_state(path: Path) -> tuple[Any, dict[str, Any]]:
    """What write_state wrote: (state, extra). ValueError if the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        return _put_tensors_back(json.loads(metadata["tree"]), tensors), json.loads(metadata["extra"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); mend: delete it, and the run starts anew") from error


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
