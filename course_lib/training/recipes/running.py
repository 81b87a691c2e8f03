"""Training by a recipe: `train`, `load_or_train`, and `run`, which both call. Nothing here depends on the kind of model."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

import course_lib
from course_lib import runtime
from course_lib.datasets import Batches, DataFileError, manifest
from course_lib.training import checkpoints, distributed, films
from course_lib.training.fingerprint import described, digest, initial_parameters
from course_lib.training.loop import History, fit
from course_lib.training.measures import measured
from course_lib.training.recipes import keeping
from course_lib.training.recipes.form import Examples, Recipe, RecipeError
from course_lib.training.recipes.table import recipe
from course_lib.training.recipes.unfinished import CannotResume, Unfinished
from course_lib.training.steps.base import check_precision


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    model: in eval mode, usable even when the run was stopped. about: what the checkpoint's JSON says of it.
    finished: whether the last epoch was reached. path: of the checkpoint; None where none was kept.
    """

    model: nn.Module
    about: dict[str, Any]
    finished: bool
    path: Path | None


def run(
    name: str,
    *,
    budget: str | None = None,
    device: str | None = None,
    folder: Path | None = None,
    report: Callable[[History], None] | None = None,
    anew: bool = False,
    validate: bool = False,
) -> Outcome:
    """Train a recipe, going on from where an earlier run of the same budget stopped, measure it, and keep it.

    Args:
        folder: where the checkpoint goes; None is the user's own folder, by the rules of recipes/keeping.
        report: called with the history after every epoch.
        anew: begin at the first epoch; an unfinished run of this name and budget is deleted.
        validate: train on the training split alone and measure on the validation split, under the name `<name>-validation`.

    Where torchrun started this process, it shares every batch with the others (training/distributed), and the first one alone
    reports, measures and keeps the model: in the others `path` is None. Raises CannotResume where an unfinished run belongs to a
    recipe that has changed since, and RecipeError where this recipe cannot be trained here. Global random generators are left as
    they were.
    """
    budget, device, chosen, asked = runtime.budget(budget), runtime.device(device), recipe(name), name
    if validate:
        chosen, name = chosen.validating(), keeping.validation_name(name)
        _check_splits(chosen, name)
    if folder is not None:
        keeping.refuse_to_replace(name, budget, folder)
    _check_precision(chosen, device)
    distributed.join(device)
    with _own_randomness(chosen.seed, device):
        step, batches, determined_by = _prepared(chosen, budget, device, validate)
        unfinished = Unfinished(name, budget, keeping.command(asked, budget, validate), determined_by)
        if anew and distributed.first():
            unfinished.remove()
        distributed.wait_for_all()
        film = chosen.film(step) if chosen.film else None
        checkpoint = unfinished.checkpoint(step, batches, [film] if film else [])
        history = unfinished.resume(checkpoint)
        callbacks = [callback for callback in (film, checkpoint, report) if callback is not None]
        history = fit(step, batches, chosen.in_budget(budget)[0], callbacks, history=history)
        ended = _ended(name, chosen, budget, step, history, unfinished, folder)
        if film and ended.path is not None:
            _keep_film(name, film, films.beside(ended.path))
        return ended


def train(name: str, **how: Any) -> nn.Module:
    """The model of `run(name, …)`, in eval mode, on the device on which it was trained."""
    return run(name, **how).model


def load_or_train(
    name: str, *, budget: str | None = None, device: str | torch.device | None = None, retrain: bool = False
) -> nn.Module:
    """The shipped model of this name, or the user's own, or else one trained now. One line says which it was.

    The user's own model is used if it is whole and its training was completed by the present recipe, in a budget at least as
    large as this one. A training that was stopped is continued. Raises DataFileError where a shipped model is damaged.
    device: where the model is put; None is the CPU, whatever it was trained on.
    retrain: train in the present budget, even if a trained model is there.
    """
    budget = runtime.budget(budget)
    found = None if retrain else keeping.find(name, budget)
    if found is not None:
        try:
            model = checkpoints.load(name, folder=found.folder, device=runtime.device(device or "cpu"))
            print(f"{name}: loaded {found.whose} checkpoint ({found.epochs} epochs, budget {found.budget})")
            return model
        except (DataFileError, OSError) as error:
            if found.folder == checkpoints.shipped_dir():
                raise
            print(f"{name}: your own checkpoint is not used: {error}")
    print(f"{name}: training now (budget {budget})")
    try:
        model = train(name, budget=budget, device=device)
    except CannotResume as reason:
        print(f"{name}: {reason}\n{name}: this run begins anew")
        model = train(name, budget=budget, device=device, anew=True)
    return model.to(runtime.device(device or "cpu"))


def _prepared(chosen: Recipe, budget: str, device: torch.device, validate: bool) -> tuple[Any, Batches, dict[str, Any]]:
    """The step and the batches of a run, and all that determines it (recipes/unfinished)."""
    model = _build(chosen, validate)
    data = chosen.training_data(budget)
    determined_by = {**chosen.description(budget), **_sources(chosen, data, validate), "model": initial_parameters(model)}
    try:
        shared = {"rank": distributed.rank(), "world": distributed.world()}
        batches = Batches(data, chosen.batch_size, seed=chosen.seed, device=device, labels=chosen.labels, **shared)
        step = chosen.step(model.to(device), chosen, chosen.in_budget(budget)[0] * len(batches))
        return distributed.spread(step, find_unused_parameters=True), batches, determined_by
    except ValueError as error:
        if distributed.world() == 1:
            raise
        raise RecipeError(f"this recipe cannot be trained by {distributed.world()} processes: {error}") from error


def _check_precision(chosen: Recipe, device: torch.device) -> None:
    """RecipeError where the device does not compute in the recipe's precision."""
    try:
        check_precision(chosen.precision, device)
    except ValueError as error:
        raise RecipeError(f"the recipe cannot be trained on {device} ({error}); fix: train on the CPU: --device cpu") from error


def _check_splits(chosen: Recipe, name: str) -> None:
    """RecipeError, before the training and not after it, where the data have no validation split."""
    try:
        chosen.measured_data()
    except DataFileError:
        raise
    except ValueError as error:
        raise RecipeError(f"{name} cannot be trained: {error}") from error


@contextmanager
def _own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """torch's global generators seeded for a run, and put back as they were after it."""
    cuda = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        for index in cuda:
            torch.cuda.default_generators[index].manual_seed(seed)
        yield


def _start(chosen: Recipe, validate: bool) -> tuple[str, Path] | None:
    """Name and folder of the checkpoint that the recipe goes on from; None where it has none."""
    if chosen.start is None:
        return None
    name = keeping.validation_name(chosen.start) if validate else chosen.start
    if name in checkpoints.names():
        return name, checkpoints.shipped_dir()
    if not (checkpoints.own_dir() / f"{name}.json").is_file():
        how = keeping.command(chosen.start, "full", validate)
        raise RecipeError(f"this recipe goes on from the checkpoint {name!r}, which is not there; fix: train it first: `{how}`")
    return name, checkpoints.own_dir()


def _build(chosen: Recipe, validate: bool) -> nn.Module:
    start = _start(chosen, validate)
    return chosen.build() if start is None else chosen.build(checkpoints.load(start[0], folder=start[1]))


def _sources(chosen: Recipe, data: Examples, validate: bool) -> dict[str, Any]:
    """Checksums of what a run reads: the training examples, and the checkpoint that it goes on from."""
    read, start = {"examples_read": described(data)}, _start(chosen, validate)
    return read if start is None else {**read, "start_read": checkpoints.describe(*start)["sha256"]}


def _ended(
    name: str, chosen: Recipe, budget: str, step: Any, history: History, unfinished: Unfinished, folder: Path | None
) -> Outcome:
    """Measure the trained model and save it; nothing is saved before the last epoch."""
    model = step.result()
    model = checkpoints.rounded(chosen.finish(model) if chosen.finish else model, half=chosen.half)
    about = _about(chosen, budget, unfinished, history, model)
    finished = len(history) >= chosen.in_budget(budget)[0] and not history.stopped
    if not finished:
        further = "train it again to go on from there" if unfinished.is_kept() else "nothing was kept: the next run begins anew"
        print(f"{name}: stopped after {len(history)} of {chosen.in_budget(budget)[0]} epochs; {further}")
        return Outcome(model, about, False, None)
    if not distributed.first():
        return Outcome(model, about, True, None)
    about["metrics"] = measured(model, chosen, budget)
    try:
        folder = folder or keeping.place(name, budget)
        path = checkpoints.save(name, model, about, folder=folder, half=chosen.half)
    except (OSError, SafetensorError) as error:
        print(f"{name}: the trained model cannot be kept ({error}); it is here to use until this program ends")
        return Outcome(model, about, True, None)
    unfinished.remove()
    return Outcome(model, about, True, path)


def _keep_film(name: str, film: films.Film, path: Path) -> None:
    """Write the film beside the model; where that fails, one line says so, and the model is kept all the same."""
    try:
        film.write(path)
    except (OSError, SafetensorError, ValueError) as error:
        print(f"{name}: the film of this training cannot be kept ({error})")


def _about(chosen: Recipe, budget: str, unfinished: Unfinished, history: History, model: nn.Module) -> dict[str, Any]:
    """What the checkpoint's JSON says of how the model was made."""
    device = runtime.device_of(model)
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    last = history[-1] if history else {}
    settings = {key: value for key, value in unfinished.determined_by.items() if key != "model"}
    return {
        "about": chosen.about,
        "seed": chosen.seed,
        "budget": budget,
        "epochs": len(history),
        "seconds": round(sum(row["seconds"] for row in history)),
        **{f"train_{key}": round(value, 4) for key, value in last.items() if key not in ("epoch", "seconds")},
        "split": chosen.split,
        "precision": chosen.precision,
        "device": hardware,
        "versions": {"course": course_lib.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "data": {key: value for key, value in manifest.checksums().items() if key.startswith(f"{chosen.data}/")},
        "binarisation": chosen.binarisation,
        "recipe": settings,
        "fingerprint": digest(settings),
    }
