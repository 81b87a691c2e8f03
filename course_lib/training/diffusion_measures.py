"""What the recipes of diffusion models measure: recognised shares, Fréchet distances, nats in a random order and by rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import load
from course_lib.metrics import classification, likelihood
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.training import checkpoints, measures

if TYPE_CHECKING:
    from course_lib.training.recipes.form import Recipe

Draw = Callable[[Tensor, float, torch.Generator], Tensor]  # classes (n,), guidance, generator -> images (n, C, H, W)


@dataclass(frozen=True)
class Guided:
    """Of samples under classes, all equally often: the Fréchet distance and the recognised share, for several guidances.

    drawing: model -> how to draw. samples: how many at guidance 1, and `fewer` at each other one; fewer below the full budget.
    """

    drawing: Callable[[nn.Module], Draw]
    judge: str = "features-mnist"
    guidances: tuple[float, ...] = (1.0, 2.0)
    samples: int = 10_000
    fewer: int = 2_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        least = {"smoke": min(50, measures.SMOKE_EXAMPLES), "lesson": 500, "full": self.samples}[budget]
        judge, draw = checkpoints.load(self.judge), self.drawing(model)
        x = load(recipe.data, recipe.measured).x  # the images, also where the recipe's own examples are codes
        real = features(judge, x[: measures.SMOKE_EXAMPLES] if budget == "smoke" else x)
        found: dict[str, Any] = {"judge": self.judge}
        for w in self.guidances:
            n = min(least, self.samples if w == 1 else self.fewer)
            generator = runtime.generator(0, runtime.device_of(model))
            y = torch.arange(n) % model.classes
            made = torch.cat([draw(some, w, generator).cpu() for some in y.split(500)])
            share = classification.accuracy(judge, made, y)
            found[f"percent_recognised_at_{w:g}"] = round(share.mean, 4)
            found[f"{recipe.measured}_fid_at_{w:g}"] = round(frechet_distance(features(judge, made), real), 4)
            found[f"n_at_{w:g}"] = n
        return found


@dataclass(frozen=True)
class BySteps:
    """What `Guided` measures at guidance 1, for several numbers of steps. drawing: (steps, model) -> how to draw."""

    drawing: Callable[[int, nn.Module], Draw]
    steps: tuple[int, ...] = (1, 2, 4)

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for steps in self.steps:
            rows = Guided(partial(self.drawing, steps), guidances=(1.0,))(model, recipe, budget)
            found |= {name if name == "judge" else f"{name.removesuffix('_at_1')}_in_{steps}": row for name, row in rows.items()}
        return found


@dataclass(frozen=True)
class AccuracyByTime:
    """The percentage of noisy examples that a NoisyClassifier gets right, at several times."""

    times: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)

    def __call__(self, model: NoisyClassifier, recipe: Recipe, budget: str) -> dict[str, Any]:
        x = model.to_flow(measures.measured_examples(recipe, budget, model))
        y, generator = recipe.measured_data().y[: len(x)], runtime.generator(0, x.device)
        found: dict[str, Any] = {"n": len(x)}
        for time in self.times:
            right = []
            for some, label in zip(x.split(500), y.split(500), strict=True):
                t = some.new_full((len(some),), time)
                noisy = model.noise(some, t, generator=generator)
                right.append(model.logits(noisy, t).argmax(1).cpu() == label)
            found[f"{recipe.measured}_percent_correct_at_{time:g}"] = round(100 * torch.cat(right).double().mean().item(), 4)
        return found


@dataclass(frozen=True)
class NatsInAnyOrder:
    """Nats of an any-order model: in random orders, estimated from `rounds` draws per example, and by rows, exact for some.

    by_rows: how many examples are read by rows, 2 in the lesson budget and none in the smoke budget; each takes one prediction
    per variable.
    """

    rounds: int = 4
    by_rows: int = 1_000

    def __call__(self, model: AnyOrderModel, recipe: Recipe, budget: str) -> dict[str, Any]:
        x = measures.measured_examples(recipe, budget, model)
        x = x if budget == "full" else x[: min(len(x), 200)]
        found = likelihood.mean_with_error(self._in_random_orders(model, x))
        nats = {f"{recipe.measured}_nats": round(found.mean, 4), "standard_error": round(found.standard_error, 4), "n": len(x)}
        if budget == "smoke":
            return nats
        few = x[: self.by_rows if budget == "full" else 2]
        rows = likelihood.negative_log_likelihood(model.with_order(range(model.dimensions)), few, batch_size=20)
        return nats | {
            f"{recipe.measured}_nats_by_rows": round(rows.mean, 4),
            "standard_error_by_rows": round(rows.standard_error, 4),
            "n_by_rows": rows.n,
        }

    def _in_random_orders(self, model: AnyOrderModel, x: Tensor) -> Tensor:
        """Nats of each example (N,), the mean of `rounds` unbiased estimates."""
        generator, draws = runtime.generator(0, x.device), []
        for _ in range(self.rounds):
            order = torch.randperm(len(x), generator=generator, device=x.device)
            nats = torch.cat([model.order_nats(x[some], generator=generator) for some in order.split(500)])
            draws.append(nats[order.argsort()])
        return torch.stack(draws).mean(0)
