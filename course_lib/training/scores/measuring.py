"""One row of the scoreboard: what is measured of one model, each number with its kind, its standard error and its count."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.metrics import likelihood, partition
from course_lib.metrics.coverage import overlap
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.energy.annealing import ladder, reverse_log_probs
from course_lib.models.energy.rbm import RBM
from course_lib.models.protocols import ExplicitModel, LatentVariableModel
from course_lib.training import checkpoints
from course_lib.training.recipes.form import Recipe
from course_lib.training.scores import kinds, pictures
from course_lib.training.scores.kinds import BOUND, ESTIMATE, EXACT, Draw

JUDGE = "features-mnist"
GROUPS = 10  # of the jackknife
NEIGHBOURS = 3  # Kynkäänniemi et al. (2019)
TIMED = 64  # samples
REAL = "real digits"  # the first row: digits of the training file, which no model drew
COLUMNS = ("fid", "precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Counts:
    """How much is measured of each model.

    digits: with an exact likelihood. few: with a likelihood that needs one prediction for every pixel. bounded, draws: digits
    with a bound, and draws of z for each. chains, steps, reversed: of annealing, and digits for its reverse. samples: drawn, and
    as many real ones beside them for precision and recall. judged: real digits of the Fréchet distance.
    """

    digits: int = 2_000
    few: int = 50
    bounded: int = 500
    draws: int = 50
    chains: int = 100
    steps: int = 3_000
    reversed: int = 100
    samples: int = 1_000
    judged: int = 10_000


BUDGETS = {
    "smoke": Counts(50, 2, 20, 2, 10, 20, 5, 80, 500),
    "lesson": Counts(),
    "full": Counts(10_000, 200, 10_000, 1_000, 100, 5_000, 500, 10_000),
}


def spread(x: Tensor, count: int) -> Tensor:
    """`count` examples, evenly spread over x (N, …): the halves of the test file are two populations of writers."""
    return x[torch.linspace(0, len(x) - 1, min(count, len(x))).long()]


def likelihoods(model: nn.Module, x: Tensor, counts: Counts) -> list[dict[str, Any]]:
    """The readings of -log p, the main one first: {"how", "kind", "nats", "standard_error", "n"}; [] where there is none.

    x: all test digits (N, 1, 28, 28) in the model's pixels.
    """
    generator, kind = runtime.generator(0, runtime.device_of(model)), kinds.kind_of(model)
    if isinstance(model, AnyOrderModel):
        rows = likelihood.negative_log_likelihood(model, spread(x, counts.few), batch_size=10)
        return [_reading("by rows", EXACT, rows), _reading("random orders", ESTIMATE, _in_any_order(model, x, generator))]
    if kind == EXACT:
        exact = model if isinstance(model, ExplicitModel) else kinds.normalised(model)
        return [_reading("log p", EXACT, likelihood.negative_log_likelihood(exact, spread(x, counts.digits)))]
    if isinstance(model, LatentVariableModel):
        some, k = spread(x, counts.bounded), counts.draws
        tight = likelihood.negative_bound(model, some, k, generator=generator)
        loose = likelihood.negative_bound(model, some, generator=generator)
        return [_reading(f"importance bound, {k} draws", BOUND, tight), _reading("ELBO", BOUND, loose)]
    if kind == ESTIMATE:
        return _annealed(model, x, counts, generator)
    return []


def _annealed(model: RBM, x: Tensor, counts: Counts, generator: torch.Generator) -> list[dict[str, Any]]:
    """Annealing on all digits; and its reverse as that number plus the mean gap of the two on the same few digits."""
    z = partition.annealed_log_partition(model, steps=counts.steps, chains=counts.chains, generator=generator)
    up, some = partition.annealed_nats(model, x, z.log_z), spread(x, counts.reversed)
    down = -reverse_log_probs(model, some, ladder(counts.steps), generator=generator)
    gap = likelihood.mean_with_error(down.double() - model.free_energy(some).double() - z.log_z)
    error = math.hypot(up.standard_error, (z.high - z.log_z) / 3)  # of the digits, and of log Z
    both = likelihood.Estimate(up.mean + gap.mean, math.hypot(error, gap.standard_error), gap.n)
    above = _reading("annealing, optimistic", ESTIMATE, likelihood.Estimate(up.mean, error, up.n))
    return [above, _reading("its reverse, pessimistic", ESTIMATE, both)]


def _in_any_order(model: AnyOrderModel, x: Tensor, generator: torch.Generator) -> likelihood.Estimate:
    """The mean over orders of the nats of each digit, from one random set of seen pixels per digit."""
    order = torch.randperm(len(x), generator=generator, device=generator.device).cpu()
    parts = [model.order_nats(x[some].to(generator.device), generator=generator).cpu() for some in order.split(500)]
    return likelihood.mean_with_error(torch.cat(parts))


def _reading(how: str, kind: str, found: likelihood.Estimate) -> dict[str, Any]:
    return {
        "how": how, "kind": kind, "nats": round(found.mean, 4), "standard_error": round(found.standard_error, 4), "n": found.n,
    }  # fmt: skip


def jackknife(statistic: Callable[[Tensor], Tensor], x: Tensor, groups: int = GROUPS) -> tuple[Tensor, Tensor]:
    """statistic(x) (K,), and its standard errors (K,) by leaving out each of `groups` parts of x (N, …) in turn.

    (Efron & Tibshirani 1993, eq. 11.5, with groups for single examples.) Parts are runs of neighbours: samples under classes
    come class by class in turn, and a part must not be a class.
    """
    part = torch.arange(len(x)) * groups // len(x)
    without = torch.stack([statistic(x[part != left]) for left in range(groups)]).double()
    spread_out = (without - without.mean(0)).square().sum(0)
    return statistic(x), ((groups - 1) / groups * spread_out).sqrt()


@cache
def _judged(pixels: str, count: int) -> Tensor:
    return features(checkpoints.load(JUDGE), spread(kinds.real_digits(pixels), count))


def quality(made: Tensor, pixels: str, counts: Counts) -> dict[str, Any]:
    """FID, precision, recall, density and coverage of pictures (N, 1, 28, 28) against the test digits of the same pixels."""
    real = _judged(pixels, counts.judged)
    beside = spread(real, len(made))

    def statistic(some: Tensor) -> Tensor:
        return torch.tensor([frechet_distance(some, real), *asdict(overlap(beside, some, k=NEIGHBOURS)).values()])

    values, errors = jackknife(statistic, features(checkpoints.load(JUDGE), made))
    found: dict[str, Any] = {name: round(value, 4) for name, value in zip(COLUMNS, values.tolist(), strict=True)}
    return found | {f"{name}_error": round(value, 4) for name, value in zip(COLUMNS, errors.tolist(), strict=True)}


def drawn(how: str, draw: Draw, pixels: str, device: torch.device, counts: Counts) -> dict[str, Any]:
    """How good the digits are that a model draws in one way, how long 64 of them take, and a few of them to look at."""
    generator = runtime.generator(0, device)
    made = torch.cat([draw(len(part), generator).cpu() for part in torch.arange(counts.samples).split(500)])
    found = {"how": how, "pixels": pixels, "n": len(made), **quality(made.clamp(0, 1), pixels, counts)}
    return found | {"seconds": seconds(draw, device), "digits": pictures.packed(made[: pictures.SHOWN].clamp(0, 1))}


def seconds(draw: Draw, device: torch.device) -> float:
    """Seconds for 64 samples: the shortest of three tries, or the first where it takes longer than 2 seconds.

    On a CPU these are processor seconds of one thread, which other programs on the machine change little; on a GPU they are
    wall-clock seconds, until the samples lie in the memory of the host.
    """
    on_cpu, threads, taken = device.type == "cpu", torch.get_num_threads(), []
    clock = time.process_time if on_cpu else time.perf_counter
    torch.set_num_threads(1 if on_cpu else threads)
    try:
        while len(taken) < 3 and (not taken or taken[0] < 2):
            begin = clock()
            draw(TIMED, runtime.generator(1, device)).cpu()
            taken.append(clock() - begin)
    finally:
        torch.set_num_threads(threads)
    return float(f"{min(taken):.3g}")


@torch.no_grad()
def row_of(name: str, recipe: Recipe, counts: Counts, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Everything that the scoreboard says of one shipped model."""
    model, about = checkpoints.load(name, device=device), checkpoints.describe(name)
    pixels, where = kinds.pixels_of(recipe, model), runtime.device_of(model)
    nats = likelihoods(model, kinds.real_digits(pixels), counts)
    ways = kinds.draws_of(recipe, model)
    return {
        "about": recipe.about,
        "family": kinds.family_of(model),
        "pixels": pixels,
        "kind": kinds.kind_of(model),
        **({} if nats else {"why_not": kinds.why_not(model)}),
        "nats": nats,
        "draws": [drawn(how, draw, pixels, where, counts) for how, draw in ways.items()],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training_seconds": about.get("seconds"),
        "training_device": about.get("device"),
        "sha256": about["sha256"],
    }


def rows_of_real_digits(counts: Counts) -> dict[str, dict[str, Any]]:
    """The first rows, grey and binary: other real digits in place of samples. No model can be asked to do better."""
    rows = {}
    for pixels in ("grey", "binary"):
        x = spread(kinds.real_digits(pixels, "validation"), counts.samples)
        found = {"how": "digits of the training file", "pixels": pixels, "n": len(x), **quality(x, pixels, counts)}
        found |= {"seconds": None, "digits": pictures.packed(x[: pictures.SHOWN])}
        rows[f"{REAL}, {pixels}"] = {
            "about": f"{pixels} digits of the training file", "family": "real", "pixels": pixels, "kind": "cannot",
            "why_not": "nobody knows p(x)", "nats": [], "draws": [found], "parameters": None, "training_seconds": None,
            "training_device": None, "sha256": None,
        }  # fmt: skip
    return rows
