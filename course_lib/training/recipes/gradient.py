"""How most recipes learn: down the gradient of the model's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from course_lib.training.averaging import Rule
from course_lib.training.optimisers import cosine, optimisers
from course_lib.training.steps import GradientStep
from course_lib.training.steps.base import Schedule

if TYPE_CHECKING:
    from course_lib.training.recipes.form import Recipe


@dataclass(frozen=True)
class Gradient:
    """The settings of a `GradientStep`, as the `step` of a recipe.

    Args:
        lr: learning rate at the beginning.
        optimiser: "adam" or "muon" (training/optimisers.py).
        clip: largest norm of the gradient; None leaves it as it is.
        weight_decay: 0 is none.
        schedule: total_steps -> the schedule of the learning rate (training/optimisers.py); None keeps the rate.
        averaging: the rule of a running average of the parameters (training/averaging.py), which is then the model to keep.
    """

    lr: float = 1e-3
    optimiser: str = "adam"
    clip: float | None = None
    weight_decay: float = 0.0
    schedule: Callable[[int], Schedule] | None = cosine
    averaging: Rule | None = None

    def __call__(self, model: nn.Module, recipe: Recipe, total_steps: int) -> GradientStep:
        return GradientStep(
            model,
            optimisers(model, self.optimiser, lr=self.lr, weight_decay=self.weight_decay),
            schedule=self.schedule(total_steps) if self.schedule else None,
            clip=self.clip,
            precision=recipe.precision,
            averaging=self.averaging,
            seed=recipe.seed,
        )
