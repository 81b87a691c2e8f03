"""The recipes of energy models: restricted Boltzmann machines of digits, and a deep energy of grey ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from course_lib import datasets, runtime
from course_lib.models.energy.deep_energy import DeepEnergy
from course_lib.models.energy.rbm import RBM
from course_lib.training import energy_measures as measures
from course_lib.training.averaging import ExponentialAverage, TailAverage
from course_lib.training.films import Film
from course_lib.training.optimisers import cosine, linear
from course_lib.training.recipes.form import Recipe
from course_lib.training.steps import ContrastiveDivergenceStep, LangevinStep
from course_lib.training.steps.base import Schedule

DIGIT = (1, 28, 28)
FRAMES, SHOWN, GIBBS, WATCHED = 24, 16, 200, 1_000


@dataclass(frozen=True)
class Contrastive:
    """The settings of a `ContrastiveDivergenceStep`, as the `step` of a recipe. The machine begins at the data's mean pixels.

    Args:
        lr: learning rate at the beginning.
        k: Gibbs steps per batch.
        persistent: keep the chains from batch to batch. chains: how many, when persistent.
        centre: share of each batch in the running means that are subtracted; None subtracts nothing.
        schedule: total_steps -> the schedule of the learning rate (training/optimisers.py); None keeps the rate.
        averaged: the last share of the steps whose parameters are averaged, in [0, 1); 0 keeps the newest parameters.
    """

    lr: float = 0.05
    k: int = 1
    persistent: bool = True
    chains: int | None = 100
    centre: float | None = 0.01
    schedule: Callable[[int], Schedule] | None = None
    averaged: float = 0.0

    def __call__(self, model: RBM, recipe: Recipe, total_steps: int) -> ContrastiveDivergenceStep:
        model.begin_at(recipe.load(recipe.split).x.to(runtime.device_of(model)))
        return ContrastiveDivergenceStep(
            model,
            lr=self.lr,
            k=self.k,
            persistent=self.persistent,
            chains=self.chains if self.persistent else None,
            centre=self.centre,
            schedule=self.schedule(total_steps) if self.schedule else None,
            averaging=TailAverage(round((1 - self.averaged) * total_steps)) if self.averaged else None,
            seed=recipe.seed,
        )


@dataclass(frozen=True)
class Chains:
    """The settings of a `LangevinStep`, as the `step` of a recipe; the length and the noise of a Langevin step are the model's.

    Args:
        lr: learning rate at the beginning; it falls to 0 by a cosine.
        k: Langevin steps per batch.
        buffer: how many chains are kept. restart: share of them that begins anew.
        penalty: weight of the mean square of the energies in the loss.
        decay: of the running average of the parameters, which is the model to keep.
    """

    lr: float = 1e-3
    k: int = 20
    buffer: int = 4_000
    restart: float = 0.05
    penalty: float = 0.1
    decay: float = 0.999

    def __call__(self, model: DeepEnergy, recipe: Recipe, total_steps: int) -> LangevinStep:
        return LangevinStep(
            model,
            lr=self.lr,
            k=self.k,
            step_size=model.step_size,
            noise=model.noise,
            buffer=self.buffer,
            restart=self.restart,
            clamp=model.clamp,
            penalty=self.penalty,
            schedule=cosine(total_steps),
            averaging=ExponentialAverage(self.decay),
            seed=recipe.seed,
        )


def film(every: int, step: Any) -> Film:
    """A film of chains that begin at one fixed noise, with exact nats and reconstruction error of validation digits."""
    device = runtime.device_of(step.model)
    x = datasets.load("mnist", "validation", binarisation="fixed").x[:WATCHED].to(device)

    def draw(model: RBM) -> Tensor:
        return model.sample(SHOWN, steps=GIBBS, generator=runtime.generator(0, device))

    return Film(step, draw, every=every, span=(0.0, 1.0), measure=partial(measures.watched, x))


def _small(about: str, epochs: int, **settings: Any) -> Recipe:
    """A machine of 20 hidden units, whose log Z is exact; its film is measured on validation digits."""
    return Recipe(
        partial(RBM, event_shape=DIGIT, hidden=20),
        f"RBM, 20 hidden units, {about}",
        (1, 5, epochs),
        step=Contrastive(lr=0.1, **settings),
        measure=measures.exact_nats,
        examples=(300, 10_000, 20_000),
        binarisation="resampled",
        half=True,
        film=partial(film, epochs * 200 // (FRAMES - 1)),
    )


ENERGY: dict[str, Recipe] = {
    "rbm-20-mnist": _small("persistent contrastive divergence", 80),
    "rbm-20-cd-mnist": _small("contrastive divergence of one step", 80, persistent=False),
    "rbm-mnist": Recipe(
        partial(RBM, event_shape=DIGIT, hidden=500),
        "RBM, 500 hidden units, persistent contrastive divergence of 100 chains",
        (1, 3, 110),
        step=Contrastive(schedule=partial(linear, constant=0.3), averaged=0.2),
        measure=measures.AnnealedNats(),
        binarisation="resampled",
        split="train+validation",
        half=True,
    ),
    "energy-mnist": Recipe(
        partial(DeepEnergy, event_shape=DIGIT, hidden=(100, 100), low=0.0, high=1.0, step_size=10.0, noise=0.03, steps=500),
        "deep energy of grey digits, a dense network, learned by Langevin chains that are kept",
        (1, 1, 8),
        step=Chains(),
        measure=measures.FrechetByStep(),
        examples=(256, 5_000, None),
        batch_size=64,
        half=True,
    ),
}
