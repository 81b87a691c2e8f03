"""What the recipes of energy models measure: exact nats where log Z can be summed, and otherwise two estimates of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from course_lib import runtime
from course_lib.metrics import frechet, likelihood, partition, reconstruction
from course_lib.metrics.features import features
from course_lib.models.energy.deep_energy import DeepEnergy
from course_lib.models.energy.rbm import RBM
from course_lib.training import checkpoints
from course_lib.training.measures import measured_examples
from course_lib.training.recipes.form import Recipe

FEW_STEPS = 20  # of annealing below the full budget


def exact_nats(model: RBM, recipe: Recipe, budget: str) -> dict[str, Any]:
    """Exact nats of a machine with at most 20 units in one layer, log Z, and the squared error of its reconstructions."""
    x, exact = measured_examples(recipe, budget, model), model.normalised()
    found = likelihood.negative_log_likelihood(exact, x)
    return {
        f"{recipe.measured}_nats": round(found.mean, 4),
        "standard_error": round(found.standard_error, 4),
        "n": found.n,
        "log_z": round(exact.log_partition().item(), 4),
        f"{recipe.measured}_reconstruction_error": round(reconstruction.mean_error(model, x).mean, 4),
    }


@dataclass(frozen=True)
class AnnealedNats:
    """Nats by annealed importance sampling, and by its reverse on some of the same examples.

    chains, steps: of annealing; both directions take as many steps, and the reverse takes one chain per example.
    reversed_examples: how many examples, spread evenly over the split, the reverse is run on.
    """

    chains: int = 100
    steps: int = 5_000
    reversed_examples: int = 500

    def __call__(self, model: RBM, recipe: Recipe, budget: str) -> dict[str, Any]:
        x, generator = measured_examples(recipe, budget, model), runtime.generator(0, runtime.device_of(model))
        steps, count = (self.steps, self.reversed_examples) if budget == "full" else (FEW_STEPS, 20)
        found = partition.annealed_log_partition(model, steps=steps, chains=self.chains, generator=generator)
        nats, some = partition.annealed_nats(model, x, found.log_z), x[:: max(1, len(x) // count)][:count]
        back = partition.reverse_nats(model, some, steps=steps, generator=generator)
        return {
            f"{recipe.measured}_nats_by_annealing": round(nats.mean, 4),
            "standard_error": round(nats.standard_error, 4),
            "n": nats.n,
            "log_z": round(found.log_z, 4),
            "log_z_low": _finite(found.low),
            "log_z_high": round(found.high, 4),
            "effective": round(found.effective, 2),
            "chains": self.chains,
            "steps": steps,
            f"{recipe.measured}_nats_by_reverse": round(back.mean, 4),
            "reverse_standard_error": round(back.standard_error, 4),
            "reverse_n": back.n,
            "nats_by_annealing_of_the_same": round(partition.annealed_nats(model, some, found.log_z).mean, 4),
        }


@dataclass(frozen=True)
class FrechetByStep:
    """The Fréchet distance ("fid_<steps>") of the ends of chains of several lengths to the measured split.

    moments: numbers of Langevin steps, rising. samples: how many chains, all begun in noise. judge: name of a shipped classifier.
    """

    moments: tuple[int, ...] = (20, 50, 100, 200, 500, 2_000)
    samples: int = 1_000
    judge: str = "features-mnist"

    def __call__(self, model: DeepEnergy, recipe: Recipe, budget: str) -> dict[str, Any]:
        judge, generator = checkpoints.load(self.judge), runtime.generator(0, runtime.device_of(model))
        moments = self.moments if budget == "full" else self.moments[:2]
        real = features(judge, measured_examples(recipe, budget, model).cpu())
        x, done = model.start(self.samples if budget == "full" else 100, generator=generator), 0
        found: dict[str, Any] = {"judge": self.judge, "n": len(x)}
        for moment in moments:
            x, done = model.run(x, moment - done, generator=generator), moment
            found[f"{recipe.measured}_fid_{moment}"] = round(frechet.frechet_distance(features(judge, x.cpu()), real), 2)
        return found


def _finite(value: float) -> float | None:
    """The number rounded; None for minus infinity, which JSON lacks."""
    return None if value == -float("inf") else round(value, 4)


def watched(x: Tensor, model: RBM) -> dict[str, float]:
    """Exact nats of examples x, and the squared error of their reconstructions: what a film of a small machine measures."""
    nats = likelihood.negative_log_likelihood(model.normalised(), x).mean
    return {"nats": nats, "reconstruction_error": reconstruction.mean_error(model, x).mean}
