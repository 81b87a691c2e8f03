"""What the recipes of translators between two unpaired sets measure, in the form of training/measures.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import close_ups, unpaired
from course_lib.metrics import classification
from course_lib.metrics.regression import r_squared
from course_lib.metrics.translation import (
    along_crescent,
    covered,
    cycle_error,
    disturbed,
    found_pairs,
    rounded,
)
from course_lib.training import checkpoints

if TYPE_CHECKING:
    from course_lib.training.recipes.form import Recipe

KEPT = ("tilt", "eye_opening", "skin_tone")  # factors of a face that a translation between frown and laugh should keep
READER = "factors-close-ups"


def factors_read(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """R² of each factor that a FactorReader reads off true faces of the measured split."""
    x, y = recipe.measured_data()
    return {f"{recipe.measured}_r2_{name}": value for name, value in _by_factor(model.read(x), y).items()}


@dataclass(frozen=True)
class TargetClass:
    """The percentage of translations that a judge takes for their target class, beside its percentage on real examples.

    judge: name of a shipped FeatureClassifier. classes: of the sets a and b. names: of one example of each, for the results.
    """

    judge: str
    classes: tuple[int, int]
    names: tuple[str, str]

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        data, judge, found = recipe.measured_data(), checkpoints.load(self.judge), {}
        for to, x, other, label, name in zip("ab", (data.a, data.b), (data.b, data.a), self.classes, self.names, strict=True):
            for what, shown in (("", model.translate(other, to=to)), ("real_", x)):
                percent = classification.accuracy(judge, shown, torch.full((len(shown),), label))
                found[f"{recipe.measured}_{what}{name}_percent"] = round(percent.mean, 4)
            found[f"{recipe.measured}_{name}_cycle_grey_levels"] = round(
                cycle_error(model, x, to="b" if to == "a" else "a").mean, 4
            )
        return found | {"n": len(data.a), "judge": self.judge}


def partners(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """Frown <-> laugh: R² of the factors to keep, the mean smile, the error to the true partner and of the cycle."""
    found, data = {}, recipe.measured_data()
    for to, x, factors in zip("ba", (data.a, data.b), unpaired.face_factors(recipe.measured), strict=True):
        there = model.translate(x, to=to)
        read, name = checkpoints.load(READER).read(there), "laugh" if to == "b" else "frown"
        r2 = _by_factor(read, factors)
        found |= {f"{recipe.measured}_{name}_r2_{factor}": r2[factor] for factor in KEPT}
        smile = torch.stack([read[:, unpaired.SMILE], factors[:, unpaired.SMILE]])
        found[f"{recipe.measured}_{name}_smile"] = round(smile[0].mean().item(), 4)
        found[f"{recipe.measured}_{name}_smile_correlation"] = round(torch.corrcoef(smile)[0, 1].item(), 4)
        true = close_ups.draw(unpaired.partner(factors))
        found[f"{recipe.measured}_{name}_partner_grey_levels"] = round(255 * (there - true).abs().mean().item(), 4)
        found[f"{recipe.measured}_{name}_cycle_grey_levels"] = round(cycle_error(model, x, to=to).mean, 4)
    return found | {"n": len(data.a)}


def smuggled(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """Colour -> sketch -> colour: R² of the skin tone that comes back, from the sketch as it is, rounded, and with noise."""
    x, factors = recipe.measured_data().a, unpaired.sketch_factors(recipe.measured)[0]
    sketch, reader = model.translate(x, to="b"), checkpoints.load(READER)
    generator = runtime.generator(0)
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "as_it_is": lambda x: x,
        "256_levels": lambda x: rounded(x, 256),
        "16_levels": lambda x: rounded(x, 16),
        "noise_2": lambda x: disturbed(x, 2, generator=generator),
    }
    found = {}
    for name, way in ways.items():
        r2 = _by_factor(reader.read(model.translate(way(sketch), to="a")), factors)
        found[f"{recipe.measured}_tone_r2_{name}"] = r2["skin_tone"]
    true = 255 * (sketch - unpaired.sketch(factors)).abs().mean().item()
    cycle = cycle_error(model, x, to="b").mean
    return found | {"sketch_grey_levels": round(true, 4), "cycle_grey_levels": round(cycle, 4), "n": len(x)}


@dataclass(frozen=True)
class Pairings:
    """Which of the k! pairings of k points each of several translators found (metrics/translation.found_pairs); None for none."""

    a: tuple[tuple[float, float], ...]
    b: tuple[tuple[float, float], ...]
    copies: int
    within: float = 0.3

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        a, b = torch.tensor(self.a), torch.tensor(self.b)
        there, back = model.there_and_back(a.repeat_interleave(self.copies, 0), to="b")  # row i K + k goes to network k
        pairs = [found_pairs(there[k :: self.copies], b, within=self.within) for k in range(self.copies)]
        errors = [(back[k :: self.copies] - a).norm(dim=1).mean().item() for k in range(self.copies)]
        return {f"{recipe.measured}_pairs": pairs, "cycle_error": [round(error, 4) for error in errors]}


@dataclass(frozen=True)
class Crescents:
    """For each of several translators and both directions: correlation of the hidden labels, share covered, cycle error."""

    copies: int
    points: int = 500

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        n = 50 if budget == "smoke" else self.points
        points, labels = unpaired.crescents(self.copies * n, generator=runtime.generator(3))
        found: dict[str, list[float]] = {}
        for to, x, label, upwards in (("b", points.a, labels.a, -1), ("a", points.b, labels.b, 1)):
            there, back = model.there_and_back(x, to=to)
            places = along_crescent(there, upwards=upwards)
            for k in range(self.copies):
                one = slice(k, None, self.copies)
                row = {
                    "label_correlation": torch.corrcoef(torch.stack([places[one], label[one]]))[0, 1].item(),
                    "covered": covered(places[one]),
                    "cycle_error": (back - x)[one].norm(dim=1).mean().item(),
                }
                for key, value in row.items():
                    found.setdefault(f"{recipe.measured}_{key}_to_{to}", []).append(round(value, 4))
        return found


def _by_factor(read: Tensor, factors: Tensor) -> dict[str, float]:
    return {name: round(value, 4) for name, value in zip(close_ups.FACTORS, r_squared(read, factors).tolist(), strict=True)}
