"""What a recipe measures of its model: each measure is a callable (model, recipe, budget) -> numbers to keep with the model.

A number's name says on which split it was measured: "test_nats", and "validation_nats" where settings are being chosen. The
data go to the model's device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.metrics import classification, disentanglement, divergence, frechet, likelihood, reconstruction
from course_lib.metrics.features import features
from course_lib.training import checkpoints

if TYPE_CHECKING:
    from course_lib.training.recipes.form import Recipe

SMOKE_EXAMPLES = 500  # examples measured in the smoke budget, whose results mean nothing
FEW_DRAWS = 10  # draws of z below the full budget


def measured_examples(recipe: Recipe, budget: str, model: nn.Module) -> Tensor:
    """The examples to measure on, on the model's device: all of the split, and the first few of it in the smoke budget."""
    x = recipe.measured_data().x
    return (x[:SMOKE_EXAMPLES] if budget == "smoke" else x).to(runtime.device_of(model))


def nats(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """Exact negative log-likelihood in nats per example, with its standard error."""
    found = likelihood.negative_log_likelihood(model, measured_examples(recipe, budget, model))
    return _with_error(f"{recipe.measured}_nats", found)


@dataclass(frozen=True)
class NatsByOrder:
    """Exact nats per example of an autoregressive model, and how they depend on the order of its variables.

    "last_half_nats": the mean for the second half of the order alone. against: the name of a shipped model in another order;
    "less_nats" is the number of nats that this model needs less than that one, as the mean difference per example. They are not
    compared on examples that the shipped model was trained on.
    """

    against: str

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        x = measured_examples(recipe, budget, model)
        every = torch.cat([-model.conditionals(some).log_prob(some).flatten(1)[:, model.order] for some in x.split(500)])
        own = every.sum(1).cpu()
        found = _with_error(f"{recipe.measured}_nats", likelihood.mean_with_error(own))
        found["last_half_nats"] = round(every[:, every.shape[1] // 2 :].sum(1).mean().item(), 4)
        if self.against in checkpoints.names() and recipe.measured not in checkpoints.describe(self.against)["split"].split("+"):
            less = -likelihood.log_probs(checkpoints.load(self.against), x.cpu()) - own
            less = likelihood.mean_with_error(less)
            found |= {"less_nats": round(less.mean, 4), "less_standard_error": round(less.standard_error, 4)}
        return found


@dataclass(frozen=True)
class NatsPerSymbol:
    """Exact negative log-likelihood in nats per symbol of a sequence; the first `context` symbols are given, not counted."""

    context: int = 0

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        found = likelihood.nats_per_symbol(model, measured_examples(recipe, budget, model), context=self.context)
        return _with_error(f"{recipe.measured}_nats_per_symbol", found)


@dataclass(frozen=True)
class Bounds:
    """Upper bounds on the nats per example of a model with latent variables: by the ELBO, and by the importance bound.

    draws: of z for each example in the importance bound, fewer below the full budget; None leaves that bound out.
    """

    draws: int | None = 1_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        x, generator = measured_examples(recipe, budget, model), runtime.generator(0, runtime.device_of(model))
        found = _with_error(f"{recipe.measured}_elbo_nats", likelihood.negative_bound(model, x, generator=generator))
        if self.draws is None:
            return found
        k = self.draws if budget == "full" else min(self.draws, FEW_DRAWS)
        bound = likelihood.negative_bound(model, x, k, generator=generator)
        found |= {f"{recipe.measured}_importance_nats": round(bound.mean, 4)}
        return found | {"importance_standard_error": round(bound.standard_error, 4), "k": k}


def squared_error(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """Squared error of an autoencoder's reconstructions, summed over each example, with its standard error."""
    found = reconstruction.mean_error(model, measured_examples(recipe, budget, model).cpu())
    return _with_error(f"{recipe.measured}_squared_error", found)


def exact_translations(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """The share of the numerals that a translator gets right to the last symbol."""
    x = measured_examples(recipe, budget, model)
    return {f"{recipe.measured}_exact": round(model.exact(x).float().mean().item(), 4), "n": len(x)}


def accuracy(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """The percentage of labelled examples that a classifier gets right, with its standard error."""
    x = measured_examples(recipe, budget, model)
    found = classification.accuracy(model, x, recipe.measured_data().y[: len(x)])
    return _with_error(f"{recipe.measured}_percent_correct", found)


@dataclass(frozen=True)
class FrechetDistance:
    """The Fréchet distance ("fid") of samples to all examples of the measured split, by the features of one of the judges.

    judge: name of a shipped FeatureClassifier. samples: how many, fewer below the full budget.
    """

    judge: str = "features-mnist"
    samples: int = 10_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        n = {"smoke": SMOKE_EXAMPLES, "lesson": min(self.samples, 2_000), "full": self.samples}[budget]
        judge, generator = checkpoints.load(self.judge), runtime.generator(0, runtime.device_of(model))
        made = torch.cat([model.sample(len(part), generator=generator).cpu() for part in torch.arange(n).split(500)])
        fid = frechet.frechet_distance(features(judge, made), features(judge, measured_examples(recipe, budget, model).cpu()))
        return {f"{recipe.measured}_fid": round(fid, 4), "judge": self.judge, "n": n}


@dataclass(frozen=True)
class ModeCounts:
    """Modes hit and served, good share and reverse KL (metrics/divergence.py) of each of several models trained at once.

    modes: where the data lie. factor: by which the model's data were multiplied. copies: models, whose samples alternate.
    samples: of each model, as in Lin et al. (2018). many: samples of each model for the reverse KL, whose expectation for a
        perfect model of K modes is (K - 1) / (2 many): "reverse_kl_of_<many>".
    """

    modes: toys.Modes
    factor: float
    copies: int = 1
    samples: int = 2_500
    many: int = 25_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        n, many = (SMOKE_EXAMPLES,) * 2 if budget == "smoke" else (self.samples, self.many)
        found = {f"{recipe.measured}_{key}": values for key, values in self.counted(model, n).items()}
        return found | {f"{recipe.measured}_reverse_kl_of_{many}": self.counted(model, many)["reverse_kl"], "n": n}

    def counted(self, model: nn.Module, n: int) -> dict[str, list[float]]:
        """ "hit", "served", "good" and "reverse_kl", each for every one of the models, by n samples of each."""
        x = model.sample(self.copies * n, generator=runtime.generator(0, runtime.device_of(model))).cpu() / self.factor
        rows = [divergence.count_modes(x[one :: self.copies], self.modes.centres, self.modes.scale) for one in range(self.copies)]
        return {key: [round(getattr(row, key), 4) for row in rows] for key in ("hit", "served", "good", "reverse_kl")}


@dataclass(frozen=True)
class Disentanglement:
    """The mutual information gap, the beta-VAE metric, KL and reconstruction error, on examples drawn from known factors.

    sample_factors: (n, generator) -> factors (n, K). draw: factors (B, K) -> examples (B, *event_shape). examples: how many.
    """

    sample_factors: Callable[..., Tensor]
    draw: Callable[[Tensor], Tensor]
    examples: int = 10_000

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        generator = runtime.generator(0, runtime.device_of(model))
        n = SMOKE_EXAMPLES if budget == "smoke" else self.examples
        found = disentanglement.measure(model, self.sample_factors, self.draw, n=n, generator=generator)
        return {
            name: [round(v, 4) for v in value] if isinstance(value, list) else round(value, 4) for name, value in found.items()
        }


@dataclass(frozen=True)
class Together:
    """Several measures, one after another; their names must differ."""

    measures: tuple[Callable[..., dict[str, Any]], ...]

    def __call__(self, model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
        return {name: value for measure in self.measures for name, value in measure(model, recipe, budget).items()}


@torch.no_grad()
def measured(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """The numbers of the recipe's own measure, in eval mode and without gradients; {} where it has none."""
    return recipe.measure(model.eval(), recipe, budget) if recipe.measure else {}


def _with_error(name: str, found: likelihood.Estimate) -> dict[str, Any]:
    return {name: round(found.mean, 4), "standard_error": round(found.standard_error, 4), "n": found.n}
