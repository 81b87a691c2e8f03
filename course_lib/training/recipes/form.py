"""What a recipe says: which model, which data, which step, which measures, how long in each budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import Data, Unpaired, load
from course_lib.training.films import Film
from course_lib.training.fingerprint import described
from course_lib.training.recipes.gradient import Gradient
from course_lib.training.steps.base import PRECISIONS

BY_GRADIENT = Gradient()
Examples = Data | Unpaired | Tensor | tuple[Tensor, ...]  # what Batches takes
NOT_OF_THE_RUN = (
    "about",
    "measure",
    "measured",
    "half",
    "study",
    "weights",
    "film",
)  # these do not change what is trained


class RecipeError(ValueError):
    """A recipe cannot be run as asked; the message says why, and the fix."""


def first(data: Examples, count: int | None) -> Examples:
    """The same data with the first so many examples only; all of them for None."""
    if isinstance(data, Unpaired):
        return Unpaired(data.a[:count], data.b[:count])
    if isinstance(data, Data):
        return replace(data, x=data.x[:count], y=None if data.y is None else data.y[:count])
    return tuple(part[:count] for part in data) if isinstance(data, (tuple, list)) else data[:count]


@dataclass(frozen=True)
class Recipe:
    """A model, its data, how it learns, and how long it trains in each budget.

    Args:
        build: makes the untrained model; where `start` names a checkpoint, from that checkpoint's model.
        about: the model in a few words.
        epochs, examples: by budget (smoke, lesson, full); examples None is all of them.
        step: (model, recipe, total_steps) -> the step that learns from a batch (training/steps).
        measure: (model, recipe, budget) -> numbers to keep with the model (training/measures.py); None measures nothing.
        data: a data set's name. source: split -> examples, where `load(data, split, binarisation=…)` is not what is wanted;
            then `data` names the folder of its files.
        binarisation: of grey images: None, or "resampled", which draws the pixels anew in each epoch.
        labels: batches are tuples (x, y) instead of x alone.
        split: what the model is trained on. measured: what it is measured on.
        batch_size: examples per step.
        precision: of the forward pass in training, "float32" or "bfloat16"; parameters are float32 in both.
        seed: of the initial parameters, the shuffling and all noise.
        start: the checkpoint that training goes on from.
        finish: turns the trained model into the model to keep, where the two differ.
        half: keep the parameters as float16.
        study: the study (training/studies.py) that keeps the measured numbers; weights: False ships these and no weights.
        film: step -> the film (training/films.py) that is recorded and kept beside the model; None records none.
    """

    build: Callable[..., nn.Module]
    about: str
    epochs: tuple[int, int, int]
    step: Callable[[nn.Module, Recipe, int], Any] = BY_GRADIENT
    measure: Callable[[nn.Module, Recipe, str], dict[str, Any]] | None = None
    examples: tuple[int | None, int | None, int | None] = (512, 10_000, None)
    data: str = "mnist"
    source: Callable[[str], Examples] | None = None
    binarisation: str | None = None
    labels: bool = False
    split: str = "train"
    measured: str = "test"
    batch_size: int = 100
    precision: str = "float32"
    seed: int = 0
    start: str | None = None
    finish: Callable[[nn.Module], nn.Module] | None = None
    half: bool = False
    study: str | None = None
    weights: bool = True
    film: Callable[[Any], Film] | None = None

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}; expected one of {PRECISIONS}")
        if self.split == "all" or self.measured in self.split.split("+"):
            raise ValueError(f"split is {self.split!r} and measured is {self.measured!r}; a model is not measured on what it saw")

    def in_budget(self, budget: str) -> tuple[int, int | None]:
        """Epochs, and the number of examples or None for all of them, in this budget."""
        place = runtime.BUDGETS.index(runtime.budget(budget))
        return self.epochs[place], self.examples[place]

    def load(self, split: str, *, binarisation: str | None = None) -> Examples:
        """A split of the recipe's data; binarisation is that of `datasets.load`, where the recipe has no source of its own."""
        return self.source(split) if self.source else load(self.data, split, binarisation=binarisation, seed=0)

    def training_data(self, budget: str) -> Examples:
        """What the model is trained on in this budget."""
        return first(self.load(self.split, binarisation=self.binarisation), self.in_budget(budget)[1])

    def measured_data(self) -> Examples:
        """The whole split on which the model is measured; grey images as one draw (seed 0) where the recipe draws them."""
        return self.load(self.measured, binarisation="fixed" if self.binarisation else None)

    def validating(self) -> Recipe:
        """The same recipe trained on the training split alone and measured on the validation split."""
        return replace(self, split="train", measured="validation", weights=False, study=None)

    def description(self, budget: str) -> dict[str, Any]:
        """Everything that the recipe says about a run in this budget, as JSON."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in NOT_OF_THE_RUN}
        epochs, examples = self.in_budget(budget)
        return described({**said, "budget": budget, "epochs": epochs, "examples": examples})
