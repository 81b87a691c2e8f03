"""`course train`: a model of the course trained anew by its recipe, measured, and shipped when asked."""

from __future__ import annotations

import shutil
from typing import Any

from torch import Tensor, nn

from course_lib import runtime
from course_lib.cli.lessons import UnknownName
from course_lib.datasets import manifest
from course_lib.metrics import disentanglement, likelihood, reconstruction
from course_lib.models.latent import LatentVariableModel, VectorQuantised
from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.models.protocols import ExplicitModel
from course_lib.models.sequence import Seq2Seq
from course_lib.training import checkpoints, recipes, studies
from course_lib.training.loop import History

SMOKE_EXAMPLES = 500  # measured in the smoke budget, whose number means nothing
FEW_DRAWS = 10  # of z, below the full budget


def train(name: str, *, budget: str, device: str | None = None, ship: bool = False) -> int:
    """Train a recipe, going on where an earlier run stopped; return 0 when it came to its end, 1 when it was stopped before.

    ship: copy the result into data/checkpoints and list it in data/SHA256SUMS; only for budget "full".
    """
    if name not in recipes.RECIPES:
        raise UnknownName("model", name, list(recipes.RECIPES))
    if ship and budget != "full":
        raise ValueError(f"only what was trained in budget 'full' is shipped; got budget {budget!r}: add --budget full")
    epochs = dict(zip(runtime.BUDGETS, recipes.RECIPES[name].epochs, strict=True))[budget]
    print(f"{name}: {epochs} epochs, budget {budget}, on {runtime.device(device)}", flush=True)
    recipes.train(
        name,
        budget=budget,
        device=device,
        evaluate=lambda model, recipe: measure(model, recipe, budget),
        report=lambda history: print(progress(history, epochs), flush=True),
    )
    about = checkpoints.describe(name, checkpoints.own_dir())
    if about["epochs"] < epochs:
        print(f"stopped after {about['epochs']} of {epochs} epochs. To go on: course train {name} --budget {budget}")
        return 1
    for metric, value in about.get("metrics", {}).items():
        print(f"{metric:25} {value}")
    print(f"saved: {checkpoints.own_dir() / name}.safetensors")
    if ship:
        print(f"shipped: {', '.join(ship_own(name))}")
    return 0


def measure(model: nn.Module, recipe: recipes.Recipe, budget: str) -> dict[str, Any]:
    """Exact test nats with their standard error: for binary images on one draw (seed 0), for sequences per symbol.

    For models with latent variables, the two bounds. For autoencoders, those with symbols too, the squared error; for
    translators, the share translated without a fault. Nothing for others.
    """
    if not isinstance(model, (Autoencoder, ExplicitModel, LatentVariableModel, Seq2Seq, VectorQuantised)):
        return {}
    x = recipe.test_data().x
    x = x[:SMOKE_EXAMPLES] if budget == "smoke" else x
    if isinstance(model, LatentVariableModel):
        found = measure_bounds(model, x, recipe.draws if budget == "full" else min(recipe.draws or 0, FEW_DRAWS))
        return found | (measure_disentanglement(model, recipe, budget) if recipe.causes else {})
    if isinstance(model, (Autoencoder, VectorQuantised)):
        error = reconstruction.mean_error(model, x)
        return {"test_squared_error": round(error.mean, 4), "standard_error": round(error.standard_error, 4), "n": error.n}
    if isinstance(model, Seq2Seq):
        return {"test_exact": round(model.exact(x).float().mean().item(), 4), "n": len(x)}
    if recipe.per_symbol:
        unit, nats = "test_nats_per_symbol", likelihood.nats_per_symbol(model, x, context=recipe.context)
    else:
        unit, nats = "test_nats", likelihood.negative_log_likelihood(model, x)
    return {unit: round(nats.mean, 4), "standard_error": round(nats.standard_error, 4), "n": nats.n}


def measure_bounds(model: LatentVariableModel, x: Tensor, k: int | None) -> dict[str, Any]:
    """Nats by the ELBO, and with k also by the importance bound of k draws: upper bounds on what the model takes."""
    generator = runtime.generator(0, next(model.parameters()).device)
    nats = likelihood.negative_bound(model, x, generator=generator)
    found = {"test_elbo_nats": round(nats.mean, 4), "standard_error": round(nats.standard_error, 4), "n": nats.n}
    if k:
        nats = likelihood.negative_bound(model, x, k, generator=generator)
        found |= {"test_importance_nats": round(nats.mean, 4), "importance_standard_error": round(nats.standard_error, 4), "k": k}
    return found


def measure_disentanglement(model: nn.Module, recipe: recipes.Recipe, budget: str) -> dict[str, Any]:
    """The mutual information gap, the beta-VAE metric and what they cost, where the data's true factors are known."""
    generator = runtime.generator(0, next(model.parameters()).device)
    n = runtime.by_budget(smoke=SMOKE_EXAMPLES, lesson=10_000, full=10_000, override=budget)
    found = disentanglement.measure(model, *recipe.causes, n=n, generator=generator)
    return {name: [round(v, 4) for v in value] if isinstance(value, list) else round(value, 4) for name, value in found.items()}


def progress(history: History, epochs: int) -> str:
    """One line an epoch: which, the loss, and about how long it still takes."""
    row = history[-1]
    left = (epochs - len(history)) * sum(past["seconds"] for past in history[-5:]) / len(history[-5:])
    losses = "  ".join(f"{key} {value:.3f}" for key, value in row.items() if key not in ("epoch", "seconds"))
    return f"epoch {row['epoch']:4}/{epochs}  {losses}  {row['seconds']:.1f} s  (about {left / 60:.0f} min left)"


def ship_own(name: str) -> list[str]:
    """Copy the user's own checkpoint into data/checkpoints, and its numbers into its study; list both in data/SHA256SUMS.

    Returns the names of the files.
    """
    recipe = recipes.RECIPES.get(name)
    shipped = [f"checkpoints/{name}.{ending}" for ending in ("safetensors", "json")] if recipe is None or recipe.weights else []
    for file in shipped:
        target = runtime.data_dir() / file
        with runtime.whole_file(target) as temporary:
            shutil.copyfile(checkpoints.own_dir() / target.name, temporary)
    if recipe is not None and recipe.study:
        shipped.append(studies.record(recipe.study, name, checkpoints.describe(name, checkpoints.own_dir())))
    sums = {**manifest.checksums(), **{file: manifest.sha256(runtime.data_dir() / file) for file in shipped}}
    with runtime.whole_file(runtime.data_dir() / "SHA256SUMS") as temporary:
        temporary.write_text("".join(f"{digest}  {file}\n" for file, digest in sums.items()), encoding="utf-8", newline="\n")
    return shipped
