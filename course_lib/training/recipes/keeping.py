"""Where trained models are kept, and which of them is used.

A run in the smoke budget is kept in checkpoints/smoke of the user's own folder, other runs in checkpoints. Where a model of a
larger budget lies there already, a smaller run is kept in a folder named after its budget: it never replaces the larger one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib import runtime
from course_lib.datasets import DataFileError
from course_lib.training import checkpoints
from course_lib.training.fingerprint import differences
from course_lib.training.recipes.form import RecipeError
from course_lib.training.recipes.table import RECIPES


@dataclass(frozen=True)
class Found:
    """A checkpoint to use: the folder in which it lies, whose it is ("your own"), its epochs, its budget."""

    folder: Path
    whose: str
    epochs: int
    budget: str


def validation_name(name: str) -> str:
    """The name under which a model is kept that was trained to choose settings on the validation split."""
    return name + checkpoints.VALIDATION


def command(name: str, budget: str, validate: bool) -> str:
    """What the user types to train a recipe."""
    return f"course train {name} --budget {budget}{' --validate' if validate else ''}"


def place(name: str, budget: str) -> Path:
    """The user's folder in which a finished run of this budget is kept. OSError where the user has none."""
    return checkpoints.own_dir() / budget if budget == "smoke" or _larger(name, budget) else checkpoints.own_dir()


def refuse_to_replace(name: str, budget: str, folder: Path) -> None:
    """RecipeError where the folder holds a model of this name that was trained in a larger budget."""
    kept = _budget_in(name, folder)
    if kept is not None and _rank(kept) > _rank(budget):
        raise RecipeError(
            f"{folder} holds {name} of budget {kept}, and a run of budget {budget} never replaces it; fix: choose another folder"
        )


def find(name: str, budget: str) -> Found | None:
    """The shipped checkpoint of this name, or the user's own of at least this budget, if its training was completed.

    An own one whose recipe has changed since does not count, and one line says what changed. Data are not compared.
    """
    if (checkpoints.shipped_dir() / f"{name}.json").is_file():
        about = checkpoints.describe(name)
        return Found(checkpoints.shipped_dir(), "the shipped", about.get("epochs"), about.get("budget"))
    try:
        own = checkpoints.own_dir()
        candidates = [own, *(own / size for size in reversed(runtime.BUDGETS))]
        present = [folder for folder in candidates if (folder / f"{name}.json").is_file()]
    except OSError:
        return None  # a checkpoint that cannot be read counts as absent
    for folder in present:
        try:
            about = checkpoints.describe(name, folder)
        except (DataFileError, OSError) as error:  # damaged, or not for this user to read
            print(f"{name}: your own checkpoint is not used: {error}")
            continue
        kept, epochs = about.get("budget"), about.get("epochs")
        if kept not in runtime.BUDGETS or _rank(kept) < _rank(budget) or not _complete(name, kept, epochs):
            continue
        if changed := _changes(name, kept, about.get("recipe")):
            print(f"{name}: your own checkpoint in {folder} is of another recipe and is not used: {'; '.join(changed)}")
            continue
        return Found(folder, "your own", epochs, kept)
    return None


def _changes(name: str, budget: str, kept: dict[str, Any] | None) -> list[str]:
    """What the recipe of this name says otherwise now than when it was kept; nothing where either of the two is unknown."""
    if kept is None or name not in RECIPES:
        return []
    present = RECIPES[name].description(budget)
    return differences({key: value for key, value in kept.items() if key in present}, present)


def _complete(name: str, budget: str, epochs: int | None) -> bool:
    """Whether the training was completed; older versions of the course kept runs that had been stopped, too."""
    return name not in RECIPES or (epochs or 0) >= RECIPES[name].in_budget(budget)[0]


def _rank(budget: str) -> int:
    return runtime.BUDGETS.index(budget)


def _budget_in(name: str, folder: Path) -> str | None:
    """The budget of the model of this name in a folder; None where no description there states a budget."""
    if not (folder / f"{name}.json").is_file():
        return None
    budget = checkpoints.describe(name, folder).get("budget")
    return budget if budget in runtime.BUDGETS else None


def _larger(name: str, budget: str) -> bool:
    try:
        kept = _budget_in(name, checkpoints.own_dir())
    except checkpoints.NewerFormatError:
        return True  # this version cannot tell, and replaces nothing that a newer one made
    except ValueError:
        return False  # a damaged description is replaced by a whole one
    return kept is not None and _rank(kept) > _rank(budget)
