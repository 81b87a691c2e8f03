"""The recipes of normalising flows: flows of the plane, whose layers are shown one by one, and RealNVP on grey digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from course_lib import runtime
from course_lib.datasets import load
from course_lib.metrics import likelihood
from course_lib.models.flows import CouplingFlow, Dequantised, PlanarFlow, RealNVP
from course_lib.training import measures
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

TOYS = ("moons", "spiral", "ring")
LAYERED = {  # kind -> how it is built, and its learning rate
    "coupling": (partial(CouplingFlow, event_shape=(2,), layers=8, hidden=(64, 64)), 3e-3),
    "planar": (partial(PlanarFlow, event_shape=(2,), layers=16), 1e-2),
}


@dataclass(frozen=True)
class GreyBits:
    """Bits per dimension of grey images, by the bound of one draw of noise per image, and by the importance bound of k draws.

    draws: k, fewer below the full budget. examples: how many images, from the first on, the importance bound is measured on.
    """

    draws: int = 20
    examples: int = 1_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        x, generator = measures.measured_examples(recipe, budget, model), runtime.generator(0, runtime.device_of(model))
        bound = likelihood.negative_bound(model, x, generator=generator)
        bits = likelihood.bits_per_dim(bound, model.event_shape)
        few, k = x[: self.examples], self.draws if budget == "full" else 2
        tighter = likelihood.bits_per_dim(likelihood.negative_bound(model, few, k, generator=generator), model.event_shape)
        return {
            f"{recipe.measured}_elbo_nats": round(bound.mean, 4),
            f"{recipe.measured}_bits_per_dim": round(bits.mean, 4),
            "standard_error": round(bits.standard_error, 4),
            f"{recipe.measured}_importance_bits_per_dim": round(tighter.mean, 4),
            "k": k,
            "importance_n": tighter.n,
            "n": bits.n,
        }


def _of_the_plane(kind: str, toy: str) -> Recipe:
    build, rate = LAYERED[kind]
    return Recipe(
        build,
        f"{kind} flow of the data set {toy}, whose points lie in a plane",
        (1, 15, 30),
        step=Gradient(lr=rate, clip=10.0),
        measure=measures.nats,
        data=toy,
        batch_size=250,
        half=True,
    )


@cache
def histograms() -> dict[str, Any]:
    """How often each of the 256 grey levels occurs in the training digits, and how often each pixel is black."""
    levels = (load("mnist", "train").x * 255).round().long()
    counts = torch.bincount(levels.flatten(), minlength=256).tolist()
    return {"counts": counts, "black": (levels == 0).sum(0).flatten().tolist(), "images": len(levels)}


def realnvp_of_digits() -> Dequantised:
    """RealNVP behind the histograms of its pixels, with uniform noise on whole grey levels."""
    return Dequantised(flow=RealNVP(**histograms()))


FLOWS: dict[str, Recipe] = {
    **{f"{kind}-{toy}": _of_the_plane(kind, toy) for kind in LAYERED for toy in TOYS},
    "realnvp-mnist": Recipe(
        realnvp_of_digits,
        "RealNVP of digits with 256 grey levels, behind the histograms of its pixels",
        (1, 1, 12),
        step=Gradient(lr=2e-3, clip=500.0),
        measure=measures.Together((GreyBits(), measures.FrechetDistance())),
        examples=(256, 6_000, None),
        split="train+validation",
        batch_size=64,
        half=True,
    ),
}
