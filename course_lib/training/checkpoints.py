"""Checkpoints: safetensors plus JSON, written whole or not at all, and never a pickle.

A shipped model is data/checkpoints/<name>.safetensors (its parameters) and <name>.json: which class, its constructor's
arguments, how it was trained, its measures, checksums, and the number of this format. Format 1 has no number and says less about
the training; it can still be read. Models that the user trains lie in the same form in the user's own folder.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib import files, runtime
from course_lib.datasets import manifest
from course_lib.files import DataFileError, NewerFormatError
from course_lib.models.protocols import configuration

FORMAT = 2
VALIDATION = "-validation"  # ends the name of a model that was trained to choose settings on the validation split
OURS = ("course_lib.models.", "course_lib.nn.")  # where the classes of a checkpoint may come from
NEEDED = {"class": str, "configuration": dict, "sha256": str}  # in the JSON of every checkpoint
HALVES = (torch.float16, torch.bfloat16)


def shipped_dir() -> Path:
    """Where the clone's own checkpoints lie."""
    return runtime.data_dir() / "checkpoints"


def own_dir() -> Path:
    """Where the user's own checkpoints lie; the folder need not exist. OSError where the user has no folder."""
    return runtime.user_dir() / "checkpoints"


def names() -> list[str]:
    """The names of the shipped checkpoints, sorted."""
    return sorted(path.stem for path in shipped_dir().glob("*.json"))


def describe(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The JSON of a checkpoint: class, configuration, seed, budget, metrics, checksums.

    Raises ValueError where there is none, DataFileError where it is damaged or of a newer format.
    """
    path = (folder or shipped_dir()) / f"{name}.json"
    if not path.is_file():
        if path.is_symlink() or path.exists() or path.with_suffix(".safetensors").is_file():
            raise DataFileError(f"{path} is missing, or no file; fix: {_fix(path)}")
        raise ValueError(f"no checkpoint is called {name!r}{runtime.did_you_mean(str(name), names())} (have: {names()})")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        missing = {key for key, kind in NEEDED.items() if not isinstance(about.get(key), kind)}
        number = int(about.get("format", 1))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:  # bad JSON or UTF-8, or no object
        raise DataFileError(f"{path} is damaged: {error}; fix: {_fix(path)}") from error
    if number > FORMAT:
        raise NewerFormatError(
            f"{path} has format {number}, and this version of the course reads formats 1 to {FORMAT}; fix: update the course"
        )
    if missing:
        raise DataFileError(f"{path} is damaged: it lacks {sorted(missing)}; fix: {_fix(path)}")
    return about


def load(name: str, *, folder: Path | None = None, device: str | torch.device | None = "cpu") -> nn.Module:
    """The model of a checkpoint, ready to use, in eval mode, its parameters frozen (they need no gradient).

    No random generator changes. DataFileError where its files are damaged, of a newer format, or do not fit each other.
    """
    path = (folder or shipped_dir()) / f"{name}.safetensors"
    about, parameters = _pair(name, path)
    try:
        with torch.random.fork_rng(devices=[]):
            model = _model(about)
        tensors = {key: value.float() if value.dtype in HALVES else value for key, value in read_tensors(parameters).items()}
        model.load_state_dict(_spread_out(model, tensors))
    except (TypeError, ValueError, RuntimeError, MemoryError, SafetensorError) as error:  # MemoryError: a size beyond all sense
        raise DataFileError(f"{path} does not fit the configuration beside it ({error}); fix: {_fix(path)}") from error
    return model.to(device).eval().requires_grad_(False)


def _pair(name: str, path: Path) -> tuple[dict[str, Any], bytes]:
    """A description and its parameters. Where they do not fit, another process may be saving both: they are read once more."""
    for seconds in (0.0, 0.2):
        time.sleep(seconds)
        about, parameters = describe(name, path.parent), path.read_bytes() if path.is_file() else None
        found = "no file" if parameters is None else hashlib.sha256(parameters).hexdigest()
        if parameters is not None and found == about["sha256"]:
            return about, parameters
    raise DataFileError(f"{path} is damaged or missing: expected sha256 {about['sha256']}, found {found}; fix: {_fix(path)}")


def save(name: str, model: nn.Module, about: dict[str, Any], *, folder: Path | None = None, half: bool = False) -> Path:
    """Write a model under this name, into the user's own folder unless another is given; the path of its parameters.

    about: what else to keep (seed, budget, metrics, …). half: store floats as float16, half the size. Where two processes save
    one name, the second waits, so that the two files belong together. Raises OSError or SafetensorError where the files cannot be
    written; what was there before stays as it was.
    """
    path = (folder or own_dir()) / f"{name}.safetensors"
    tensors = _packed(model, {key: value.detach().cpu().contiguous().clone() for key, value in model.state_dict().items()})
    if half:
        tensors = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    # Both are written before either takes its place, so that a crash leaves the old pair whole.
    with (
        files.only_writer(path.parent),
        files.whole_file(path.with_suffix(".json")) as description,
        files.whole_file(path) as parameters,
    ):
        save_file(tensors, parameters)
        described = {
            "format": FORMAT,
            **{key: value for key, value in about.items() if key != "format"},
            "class": _spelled_class(type(model)),
            "configuration": {key: _spelled(value) for key, value in configuration(model).items()},
            "sha256": manifest.sha256(parameters),
        }
        description.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8", newline="\n")
    return path


@torch.no_grad()
def rounded(model: nn.Module, *, half: bool = False) -> nn.Module:
    """The model as `load` would give it after `save`: in eval mode, frozen, 0 where a mask cuts, with half rounded to float16."""
    parameters = dict(model.named_parameters())
    for name, mask in _used(model).items():
        parameters[name].mul_(mask)
    if half:
        for value in (*model.parameters(), *model.buffers()):
            if value.is_floating_point():
                value.copy_(value.half())
    return model.eval().requires_grad_(False)


def _used(model: nn.Module) -> dict[str, Tensor]:
    """Parameter name -> booleans of its shape: where a mask lets the parameter through. Only these entries are stored."""
    return model.used() if hasattr(model, "used") else {}


def _packed(model: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    used = _used(model)
    return {key: value[used[key].cpu()] if key in used else value for key, value in tensors.items()}


def _spread_out(model: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Packed parameters in their full shape, with 0 where their mask cuts; older files hold the full shape already."""
    whole = dict(tensors)
    for key, mask in _used(model).items():
        if key in whole and whole[key].ndim == 1:
            if len(whole[key]) != mask.sum():
                raise ValueError(f"{key} has {len(whole[key])} numbers, and the model's mask lets {mask.sum()} through")
            whole[key] = whole[key].new_zeros(mask.shape).masked_scatter(mask.cpu(), whole[key])
    return whole


def _fix(path: Path) -> str:
    shipped, name = path.parent == shipped_dir(), path.stem.removesuffix(VALIDATION)
    again = f"course train {name}{' --validate' * (name != path.stem)}"
    return f"`git checkout -- data/checkpoints/{path.name}`" if shipped else f"delete it and train again: `{again}`"


def _spelled_class(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _spelled(value: Any) -> Any:
    """An argument as JSON: an object of course_lib.models or course_lib.nn by its class and its own configuration."""
    if isinstance(value, (list, tuple)):
        return [_spelled(item) for item in value]
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if type(value).__module__.startswith(OURS):
        inner = {key: _spelled(item) for key, item in configuration(value).items()}
        return {"class": _spelled_class(type(value)), "configuration": inner}
    return value


def _built(value: Any) -> Any:
    """The argument that `_spelled` wrote."""
    if isinstance(value, list):
        return [_built(item) for item in value]
    if isinstance(value, dict) and value.keys() == {"class", "configuration"}:
        return _class(value["class"])(**{key: _built(item) for key, item in value["configuration"].items()})
    return {key: _built(item) for key, item in value.items()} if isinstance(value, dict) else value


def _model(about: dict[str, Any]) -> nn.Module:
    kind = _class(about["class"])
    if not issubclass(kind, nn.Module):
        raise ValueError(f"class {about['class']!r} is no model of this library")
    return kind(**{key: _built(value) for key, value in about["configuration"].items()})


def _class(spelled: str) -> type:
    """The class behind "course_lib.models.….module:Name". Nothing outside models and nn is ever imported."""
    module, _, name = spelled.partition(":")
    if not module.startswith(OURS):
        raise ValueError(f"class {spelled!r} is none of this library's models and networks; the checkpoint was made elsewhere")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        found = None
    if not (inspect.isclass(found) and found.__module__ == module):
        raise ValueError(f"class {spelled!r} is no model of this library; the checkpoint may come from another version of it")
    return found
