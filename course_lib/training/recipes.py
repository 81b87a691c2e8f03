"""How each shipped checkpoint is made: one table, one function. `course train NAME --budget full` makes it again."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from course_lib import runtime
from course_lib.datasets import Batches, Data, load, manifest
from course_lib.models.autoregressive import MADE, NADE, OrderlessNADE
from course_lib.training import checkpoints
from course_lib.training.loop import Checkpoint, History, fit
from course_lib.training.steps import GradientStep


@dataclass(frozen=True)
class Recipe:
    """A model, its data, and how long it trains in each budget.

    build: makes the untrained model. epochs, examples: by budget (smoke, lesson, full); examples None is all of them.
    mixed_precision: None says yes on CUDA only. half: ship the parameters as float16.
    """

    build: Callable[[], nn.Module]
    about: str
    epochs: tuple[int, int, int]
    examples: tuple[int | None, int | None, int | None] = (512, 10_000, None)
    data: str = "mnist"
    binarisation: str | None = "resampled"
    batch_size: int = 100
    lr: float = 1e-3
    seed: int = 0
    mixed_precision: bool | None = None
    half: bool = False

    def training_data(self, budget: str) -> Data:
        """The training set of this budget."""
        limit = runtime.by_budget(**dict(zip(runtime.BUDGETS, self.examples, strict=True)), override=budget)
        data = load(self.data, "train", binarisation=self.binarisation)
        return Data(data.x[:limit], None if data.y is None else data.y[:limit], data.name, data.split, data.binarisation)


MNIST = (1, 28, 28)
RECIPES: dict[str, Recipe] = {
    "nade-mnist": Recipe(
        lambda: NADE(event_shape=MNIST, hidden=500), "NADE, 500 hidden units, raster order", (1, 3, 70), lr=5e-3
    ),
    "made-mnist": Recipe(
        lambda: MADE(event_shape=MNIST, hidden=(1000, 1000), direct=True, residual=True),
        "MADE, 2 x 1000 hidden units, raster order",
        (1, 3, 100),
        lr=5e-3,
        mixed_precision=True,
        half=True,
    ),
    "nade-any-order-mnist": Recipe(
        lambda: OrderlessNADE(event_shape=MNIST, hidden=(500, 500)),
        "orderless NADE, 2 x 500 hidden units, every order: erase anything, complete it",
        (1, 3, 36),
        lr=1e-3,
        mixed_precision=True,
        half=True,
    ),
}


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
    evaluate: Callable[[nn.Module, str], dict[str, Any]] | None = None,
    report: Callable[[History], None] | None = None,
) -> nn.Module:
    """Train a recipe, going on from where an earlier run of the same budget stopped, and save it.

    folder: where the checkpoint goes; None is the user's own folder. evaluate: (model, data set name) -> metrics to keep.
    report: called with the history after every epoch. Returns the model in eval mode.
    """
    chosen, budget, device = recipe(name), runtime.budget(budget), runtime.device(device)
    epochs = runtime.by_budget(**dict(zip(runtime.BUDGETS, chosen.epochs, strict=True)), override=budget)
    runtime.seed(chosen.seed)
    model = chosen.build().to(device)
    batches = Batches(chosen.training_data(budget), chosen.batch_size, seed=chosen.seed, device=device)
    step = GradientStep(
        model, lr=chosen.lr, total_steps=epochs * len(batches), mixed_precision=chosen.mixed_precision, seed=chosen.seed
    )
    unfinished = Checkpoint(checkpoints.own_dir() / "unfinished" / f"{name}-{budget}.safetensors", step, batches)
    history = unfinished.resume()
    callbacks = [unfinished, report] if report else [unfinished]
    history = fit(step, batches, epochs, callbacks, history=history)
    model.eval()
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
        checkpoints.save(name, saved, {**about, "metrics": evaluate(saved, chosen.data)}, folder=folder, half=chosen.half)
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
