"""A study of lesson 14: small models of one, two and three levels, with and without warm-up, from five seeds each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from course_lib import runtime
from course_lib.metrics.likelihood import mean_with_error
from course_lib.models.latent import HierarchicalVAE
from course_lib.training import measures
from course_lib.training.recipes.autoregressive import INK, MNIST
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

STUDY, SEEDS = "ladders", range(5)
EPOCHS, EXAMPLES, BATCH = 6, 10_000, 100
SHAPES: dict[int, dict[str, Any]] = {  # levels -> sizes, with about as many parameters
    1: {"latents": (16,), "hidden": ((104,),)},
    2: {"latents": (16, 8), "hidden": ((100,), (57,))},
    3: {"latents": (16, 8, 4), "hidden": ((100,), (50,), (25,))},
}
SETTINGS = [(levels, "ladder", warm) for levels in SHAPES for warm in (True, False)] + [(3, "upward", w) for w in (True, False)]


@dataclass(frozen=True)
class NatsOfLevels:
    """The nats that each level holds, and the ELBO, as means over the measured examples: one draw for each of them."""

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        x = measures.measured_examples(recipe, budget, model)
        likelihood, kl = model.parts(x, generator=runtime.generator(1, runtime.device_of(model)))  # (B,), (B, L)
        found = mean_with_error(kl.sum(1) - likelihood)
        return {
            f"{recipe.measured}_elbo_nats": round(found.mean, 4),
            "standard_error": round(found.standard_error, 4),
            "nats_of_levels": [round(value, 4) for value in kl.mean(0).tolist()],
            "n": len(x),
        }


def ladder_name(levels: int, inference: str, warm: bool, seed: int) -> str:
    """The name of the row in the study, which is also the checkpoint's."""
    return f"levels-{levels}-{inference}-{'warm-up' if warm else 'whole'}-seed-{seed}"


def _recipe(levels: int, inference: str, warm: bool, seed: int) -> Recipe:
    steps = EPOCHS * EXAMPLES // BATCH
    return Recipe(
        partial(
            HierarchicalVAE,
            event_shape=MNIST,
            inference=inference,
            warm_up=steps // 2 if warm else 0,
            **SHAPES[levels],
            **INK,
        ),
        f"{levels} levels, {inference}, {'warm-up over half of the training' if warm else 'the KL whole at once'}",
        (1, EPOCHS, EPOCHS),
        step=Gradient(lr=3e-3, clip=200.0),
        measure=NatsOfLevels(),
        examples=(300, EXAMPLES, EXAMPLES),
        binarisation="resampled",
        batch_size=BATCH,
        seed=seed,
        study=STUDY,
        weights=False,
    )


LADDERS: dict[str, Recipe] = {ladder_name(*setting, seed): _recipe(*setting, seed) for setting in SETTINGS for seed in SEEDS}
