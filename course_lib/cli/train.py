"""`course train`: a model of the course trained anew by its recipe, measured, and shipped when asked."""

from __future__ import annotations

import shutil

import torch
from safetensors import SafetensorError

from course_lib import files, runtime
from course_lib.cli import children
from course_lib.cli.asked import AskedWrongly, Failed, checked
from course_lib.cli.lessons import UnknownName
from course_lib.training import checkpoints, distributed, films, recipes, studies
from course_lib.training.loop import History, TrainingDiverged
from course_lib.training.recipes.keeping import command


def train(
    name: str, *, budget: str, device: str | None = None, ship: bool = False, validate: bool = False, anew: bool = False
) -> int:
    """Train a recipe, going on where an earlier run stopped; return 0 when it came to its end and was kept, else 1.

    A run that is stopped by Ctrl-C or a signal keeps its whole epochs, says how to go on, and returns that signal's exit code.

    ship: copy the result into data/checkpoints and list it in data/SHA256SUMS; only for budget "full".
    validate: train on the training split alone and measure on the validation split; such a model is never shipped.
    anew: give up an unfinished run of this recipe and budget. Raises AskedWrongly and Failed.
    """
    if name not in recipes.RECIPES:
        raise UnknownName("model", name, list(recipes.RECIPES))
    if ship and budget != "full":
        raise AskedWrongly(f"only what was trained in budget 'full' is shipped; got budget {budget!r}: add --budget full")
    if ship and validate:
        raise AskedWrongly("a model trained for validation is never shipped: leave out --ship or --validate")
    epochs = recipes.RECIPES[name].in_budget(budget)[0]
    where = checked(runtime.device, device)
    with distributed.group(where):
        return _train(name, epochs, budget=budget, where=where, ship=ship, validate=validate, anew=anew)


def _train(name: str, epochs: int, *, budget: str, where: torch.device, ship: bool, validate: bool, anew: bool) -> int:
    print(f"{name}: {epochs} epochs, budget {budget}, on {where}", flush=True)
    again = command(name, budget, validate)
    try:
        ended = recipes.run(
            name,
            budget=budget,
            device=where,
            report=lambda history: print(progress(history, epochs), flush=True),
            anew=anew,
            validate=validate,
        )
    except (recipes.RecipeError, TrainingDiverged, SafetensorError) as error:
        raise Failed(f"{name}: {error}") from error
    except torch.OutOfMemoryError as error:
        raise Failed(f"{name}: the memory of {where} is too small ({error}). Fix: add --device cpu") from error
    except KeyboardInterrupt:  # outside of the epochs: while data were read, or while the model was measured
        print(f"To go on: {again}", flush=True)
        raise
    return _say(ended, name, again, ship)


def _say(ended: recipes.Outcome, name: str, again: str, ship: bool) -> int:
    """Print how the run ended, ship its model when asked, and return the exit code."""
    if not ended.finished:
        print(f"To go on: {again}", flush=True)
        return children.stop_code()
    if not distributed.first():
        return 0  # the first process measures and keeps the model
    for metric, value in ended.about["metrics"].items():
        print(f"{metric:25} {value}")
    if ended.path is None:
        return 1
    print(f"saved: {ended.path}")
    if ship:
        print(f"shipped: {', '.join(ship_own(name))}")
    return 0


def progress(history: History, epochs: int) -> str:
    """One line per epoch: its number, its losses, and about how long the rest will take."""
    row = history[-1]
    left = (epochs - len(history)) * sum(past["seconds"] for past in history[-5:]) / len(history[-5:])
    losses = "  ".join(f"{key} {value:.3f}" for key, value in row.items() if key not in ("epoch", "seconds"))
    return f"epoch {row['epoch']:4}/{epochs}  {losses}  {row['seconds']:.1f} s  (about {left / 60:.0f} min left)"


def ship_own(name: str) -> list[str]:
    """Copy the user's own checkpoint, film and numbers into data/, and list these files in data/SHA256SUMS.

    Returns the names of the files.
    """
    recipe, own = recipes.RECIPES.get(name), checkpoints.own_dir()
    shipped = [f"checkpoints/{name}.{ending}" for ending in ("safetensors", "json")] if recipe is None or recipe.weights else []
    if recipe is not None and recipe.film:
        shipped.append(f"films/{films.path(name).name}")
    for file in shipped:
        target = runtime.data_dir() / file
        target.parent.mkdir(exist_ok=True)
        with files.whole_file(target) as temporary:
            shutil.copyfile(own / target.name, temporary)
    studies.list_files(shipped)
    if recipe is not None and recipe.study:
        shipped.append(studies.record(recipe.study, name, checkpoints.describe(name, own)))
    return shipped
