"""How adversarial models learn: as a game of several players."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from torch import nn
from torch.optim import Adam

from course_lib.training.averaging import ExponentialAverage, Rule
from course_lib.training.optimisers import linear
from course_lib.training.steps import AdversarialStep
from course_lib.training.steps.base import Schedule

if TYPE_CHECKING:
    from course_lib.training.recipes.form import Recipe

FALLING = partial(linear, constant=0.5)  # the rates fall to 0 over the second half of the training
LATELY = ExponentialAverage(0.999)  # about the last 1,000 steps


@dataclass(frozen=True)
class Game:
    """The settings of an `AdversarialStep`, as the `step` of a recipe. Each player has an Adam of its own.

    Args:
        lr: learning rate, for all players alike.
        rates: player -> learning rate, where it differs: {"discriminator": 4e-4}.
        betas: of Adam, for all players alike.
        discriminator_steps: rounds of the discriminators before each move of the generator; the recipe's `batch_size` is for
            all rounds together.
        schedule: total_steps -> the schedule of the learning rates (training/optimisers.py); None keeps the rates.
        averaging: the rule of the running average of the generator (training/averaging.py); None keeps the newest parameters.
    """

    lr: float = 1e-3
    rates: dict[str, float] = field(default_factory=dict)
    betas: tuple[float, float] = (0.5, 0.999)
    discriminator_steps: int = 1
    schedule: Callable[[int], Schedule] | None = None
    averaging: Rule | None = LATELY

    def __call__(self, model: nn.Module, recipe: Recipe, total_steps: int) -> AdversarialStep:
        if unknown := set(self.rates) - set(model.players):
            raise ValueError(f"rates are given for {sorted(unknown)}; expected players among {list(model.players)}")
        optimisers = {
            name: Adam(player.parameters(), lr=self.rates.get(name, self.lr), betas=self.betas, fused=True)
            for name, player in model.players.items()
        }
        return AdversarialStep(
            model,
            optimisers,
            discriminator_steps=self.discriminator_steps,
            schedule=self.schedule(total_steps) if self.schedule else None,
            precision=recipe.precision,
            averaging=self.averaging,
            seed=recipe.seed,
        )
