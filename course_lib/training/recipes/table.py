"""The one table of recipes: how each shipped checkpoint is made."""

from __future__ import annotations

from course_lib.runtime import did_you_mean
from course_lib.training.recipes.adversarial import ADVERSARIAL
from course_lib.training.recipes.applications import APPLICATIONS
from course_lib.training.recipes.autoregressive import AUTOREGRESSIVE
from course_lib.training.recipes.close_ups import CLOSE_UPS
from course_lib.training.recipes.conditional import CONDITIONAL
from course_lib.training.recipes.critics import CRITICS
from course_lib.training.recipes.cycle import CYCLE
from course_lib.training.recipes.diffusion import DIFFUSION
from course_lib.training.recipes.energy import ENERGY
from course_lib.training.recipes.few_steps import FEW_STEPS
from course_lib.training.recipes.flows import FLOWS
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.image_games import IMAGE_GAMES
from course_lib.training.recipes.judges import JUDGES
from course_lib.training.recipes.ladders import LADDERS
from course_lib.training.recipes.latent import LATENT
from course_lib.training.recipes.probability import PROBABILITY
from course_lib.training.recipes.rows import ROWS
from course_lib.training.recipes.sequence import SEQUENCE
from course_lib.training.recipes.toy_games import TOY_GAMES

RECIPES: dict[str, Recipe] = {
    **PROBABILITY,
    **AUTOREGRESSIVE,
    **SEQUENCE,
    **ROWS,
    **LATENT,
    **CLOSE_UPS,
    **LADDERS,
    **ADVERSARIAL,
    **CONDITIONAL,
    **TOY_GAMES,
    **IMAGE_GAMES,
    **CRITICS,
    **CYCLE,
    **ENERGY,
    **FLOWS,
    **DIFFUSION,
    **FEW_STEPS,
    **JUDGES,
    **APPLICATIONS,
}


def recipe(name: str) -> Recipe:
    """The recipe of this name; ValueError with the nearest name otherwise."""
    if name not in RECIPES:
        raise ValueError(f"no recipe is called {name!r}{did_you_mean(name, RECIPES)} (have: {list(RECIPES)})")
    return RECIPES[name]
