"""How each shipped checkpoint is made: one table, one function. `course train NAME --budget full` makes it again."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from course_lib import runtime
from course_lib.datasets import Batches, manifest
from course_lib.training import checkpoints
from course_lib.training.loop import Checkpoint, History, fit
from course_lib.training.optimisers import optimisers
from course_lib.training.recipes.autoregressive import AUTOREGRESSIVE
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.latent import LATENT
from course_lib.training.recipes.sequence import SEQUENCE
from course_lib.training.steps import GradientStep

RECIPES: dict[str, Recipe] = {**AUTOREGRESSIVE, **SEQUENCE, **LATENT}


def recipe(name: str) -> Recipe:
    """The recipe of this name; ValueError with the nearest name otherwise."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        raise ValueError(f"no recipe is called {name!r}{f'; did you mean {near[0]!r}?' if near else ''} (have: {list(RECIPES)})")
    return RECIPES[name]


def train(
    name: str,
    *,
    budget: str | None = None,
    device: str | None = None,
    folder: Path | None = None,
    evaluate: Callable[[nn.Module, Recipe], dict[str, Any]] | None = None,
    report: Callable[[History], None] | None = None,
) -> nn.Module:
    """Train a recipe, going on from where an earlier run of the same budget stopped, and save it.

    folder: where the checkpoint goes; None is the user's own folder. evaluate: (model, recipe) -> metrics to keep.
    report: called with the history after every epoch. Returns the model in eval mode.
    """
    chosen, budget, device = recipe(name), runtime.budget(budget), runtime.device(device)
    epochs = runtime.by_budget(**dict(zip(runtime.BUDGETS, chosen.epochs, strict=True)), override=budget)
    runtime.seed(chosen.seed)
    model = chosen.build().to(device)
    batches = Batches(chosen.training_data(budget), chosen.batch_size, seed=chosen.seed, device=device)
    step = GradientStep(
        model,
        optimisers(model, chosen.optimiser, lr=chosen.lr, weight_decay=chosen.weight_decay),
        total_steps=epochs * len(batches),
        clip=chosen.clip,
        mixed_precision=chosen.mixed_precision,
        seed=chosen.seed,
    )
    unfinished = Checkpoint(checkpoints.own_dir() / "unfinished" / f"{name}-{budget}.safetensors", step, batches)
    history = unfinished.resume()
    callbacks = [unfinished, report] if report else [unfinished]
    history = fit(step, batches, epochs, callbacks, history=history)
    model = (chosen.finish(model) if chosen.finish else model).eval()
    about = {
        "about": chosen.about,
        "seed": chosen.seed,
        "budget": budget,
        "epochs": len(history),
        "seconds": round(sum(row["seconds"] for row in history)),
        "train_loss": round(history[-1]["loss"], 4) if history else None,
        "data": {key: value for key, value in manifest.checksums().items() if key.startswith(f"{chosen.data}/")},
        "binarisation": chosen.binarisation,
    }
    path = checkpoints.save(name, model, about, folder=folder, half=chosen.half)
    saved = checkpoints.load(name, folder=path.parent, device=device)  # what will be used, rounding and all
    if evaluate is not None:
        checkpoints.save(name, saved, {**about, "metrics": evaluate(saved, chosen)}, folder=folder, half=chosen.half)
    if len(history) == epochs:
        unfinished.path.unlink(missing_ok=True)
    return saved


def load_or_train(name: str, *, budget: str | None = None, device: str | None = None, retrain: bool = False) -> nn.Module:
    """The shipped model of this name, or the user's own, or else one trained now. Says which it was.

    retrain: train anew in the present budget, whatever is there.
    """
    if not retrain:
        for folder, whose in ((checkpoints.shipped_dir(), "shipped"), (checkpoints.own_dir(), "your own")):
            if (folder / f"{name}.json").is_file():
                about = checkpoints.describe(name, folder)
                print(f"{name}: loaded the {whose} checkpoint ({about.get('epochs')} epochs, budget {about.get('budget')})")
                return checkpoints.load(name, folder=folder, device=runtime.device(device))
    print(f"{name}: training now (budget {runtime.budget(budget)})")
    return train(name, budget=budget, device=device)
