"""What a model can answer, told by its protocol alone: how probable an example is, how it draws, completes and reconstructs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import load
from course_lib.files import DataFileError
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.latent_flow import LatentFlow
from course_lib.models.diffusion.masked import MaskedDiffusion
from course_lib.models.diffusion.samplers import EULER
from course_lib.models.energy.rbm import RBM
from course_lib.models.protocols import EnergyModel, ExplicitModel, GenerativeModel, LatentVariableModel
from course_lib.training import checkpoints
from course_lib.training.diffusion_measures import BySteps, Guided
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.table import RECIPES

DIGIT = (1, 28, 28)
ROUNDS = 49  # of masked diffusion, 16 pixels in each
EXACT, BOUND, ESTIMATE, CANNOT = "exact", "bound", "estimate", "cannot"
Draw = Callable[[int, torch.Generator], Tensor]  # how many, generator -> pictures (n, 1, 28, 28) in [0, 1]


def kind_of(model: nn.Module) -> str:
    """How a model says how probable an example is: "exact", a "bound", an "estimate", or "cannot", by its protocol.

    An `ExplicitModel` has an exact log-density. A `LatentVariableModel` has bounds. An `EnergyModel` whose states can be summed
    is exact; a restricted Boltzmann machine with more states has log Z by annealing, an estimate. Every other model has none.
    """
    if isinstance(model, ExplicitModel) or normalised(model) is not None:
        return EXACT
    if isinstance(model, LatentVariableModel):
        return BOUND
    return ESTIMATE if isinstance(model, RBM) else CANNOT


@lru_cache(maxsize=4)  # the twin keeps the sum over all states, and makes it anew when a parameter changes
def normalised(model: nn.Module) -> ExplicitModel | None:
    """The exact twin of an energy model that is small enough to have one; None for every other model."""
    if not isinstance(model, EnergyModel) or not hasattr(model, "normalised"):
        return None
    try:
        model.small_layer()
    except ValueError:  # too many states to sum over
        return None
    return model.normalised()


def why_not(model: nn.Module) -> str:
    """Why a model of the kind "cannot" has no number, in a few words."""
    if isinstance(model, EnergyModel):
        return "the normaliser Z is unknown"
    if isinstance(model, LatentFlow):
        return "an integral over the codes"
    if isinstance(model, GenerativeModel) and hasattr(model, "velocity"):
        return "an integral along the flow"
    return "a generator has no density"


def family_of(model: nn.Module) -> str:
    """The family of a model: the folder of its class in course_lib/models."""
    return type(model).__module__.split(".")[2]


def pixels_of(recipe: Recipe, model: nn.Module) -> str:
    """ "binary" where the recipe draws black and white pixels, or the model is one of such pixels, otherwise "grey"."""
    return "binary" if recipe.binarisation or getattr(model, "output", None) == "bernoulli" else "grey"


def draws_of(recipe: Recipe, model: nn.Module) -> dict[str, Draw]:
    """How a model draws digits: a few words -> the way, the usual one first. {} for a model that draws none.

    Where the recipe's measure says how to draw under classes, that is the usual way, with all classes equally often. A flow
    draws a second time, by a single step.
    """
    measure = recipe.measure
    if isinstance(measure, BySteps):
        return {
            f"{steps} step{'s' * (steps > 1)}, told the class": partial(_classwise, measure.drawing(steps, model), model)
            for steps in measure.steps
        }
    if isinstance(measure, Guided) and isinstance(model, (VelocityFlow, LatentFlow)):
        usual = measure.drawing(model)
        ways: dict[str, Draw] = {"told the class, as trained": partial(_classwise, usual, model)}
        return ways | {"one Euler step": partial(_one_step, recipe, model)}
    if isinstance(model, GenerativeModel) and tuple(model.event_shape) == DIGIT:
        exact = normalised(model)
        if isinstance(model, MaskedDiffusion):
            return {f"{ROUNDS} rounds, any order": partial(_in_rounds, model)}
        if exact is not None:
            return {"exact": lambda n, made: exact.sample(n, generator=made)}
        return {_words(model): lambda n, made: model.sample(n, generator=made)}
    if hasattr(model, "given") and tuple(getattr(model, "event_shape", ())) == DIGIT:
        return {"told the class": lambda n, made: model.given(_classes(n, model)).sample(n, generator=made)}
    return {}


def _in_rounds(model: MaskedDiffusion, n: int, generator: torch.Generator) -> Tensor:
    """Digits from nothing seen, several pixels in each round; one by one would take 784 predictions."""
    x = torch.zeros(n, *model.event_shape, device=runtime.device_of(model))
    return model.fill(x, torch.zeros_like(x, dtype=torch.bool), steps=ROUNDS, generator=generator)


def _classwise(draw: Callable[..., Tensor], model: Any, n: int, generator: torch.Generator) -> Tensor:
    """Digits under all classes, equally often, at guidance 1."""
    return draw(_classes(n, model), 1.0, generator)


def _words(model: nn.Module) -> str:
    """How a model without classes draws, in a few words."""
    if isinstance(model, AnyOrderModel):
        return "pixel by pixel, by rows"
    if isinstance(model, EnergyModel):
        return "ends of long chains"
    return "as trained"


def _classes(n: int, model: Any) -> Tensor:
    """All classes of the model, equally often, (n,), on its device."""
    return torch.arange(n, device=runtime.device_of(model)) % model.classes


def _one_step(recipe: Recipe, model: VelocityFlow | LatentFlow, n: int, generator: torch.Generator) -> Tensor:
    """Digits by a single step from noise to data."""
    y = _classes(n, model)
    if isinstance(model, VelocityFlow):
        return model.given(y, 1.0).sample(n, steps=1, sampler=EULER, generator=generator)
    coder = checkpoints.load(recipe.start, device=runtime.device_of(model))
    return coder.decode(model.sample(n, y=y, steps=1, sampler=EULER, generator=generator)).mean


def scored() -> list[str]:
    """The names of the shipped models that draw digits, in the order of the course. A damaged file keeps its name here."""
    here = set(checkpoints.names())
    return [name for name, recipe in RECIPES.items() if recipe.data == "mnist" and name in here and _draws(name, recipe)]


def _draws(name: str, recipe: Recipe) -> bool:
    try:
        return bool(draws_of(recipe, checkpoints.load(name)))
    except DataFileError:  # whoever measures it says so, in its row
        return True


def real_digits(pixels: str, split: str = "test") -> Tensor:
    """The digits of a split, (N, 1, 28, 28): grey, or binary by the one seeded draw (seed 0) on which all test nats are."""
    if pixels not in ("grey", "binary"):
        raise ValueError(f"pixels is {pixels!r}; expected 'grey' or 'binary'")
    return load("mnist", split, binarisation="fixed" if pixels == "binary" else None, seed=0).x
