"""The recipes of lesson 17's study: what a critic's loss says of the true distance, five seeds of each setting at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.metrics.transport import assignment_distance
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import NonSaturating, Objective, Wasserstein
from course_lib.models.adversarial.penalties import Penalty, UnitSlope
from course_lib.nn.replicas import PointNetworks
from course_lib.training.films import Film
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import FALLING, Game

STUDY, ROBUSTNESS = "critics", "critic-settings"
SEEDS = 5  # networks of each player, trained at once (nn/replicas.py)
BATCH = 128  # examples per network and move
JUDGED, SHOWN = 200, 100  # points of each seed whose distance to data is measured, and that a film shows
FRAMES, EVERY = 40, 20  # of a film: moments after the first one, and moves of the generator between two of them
REACH = 3.0  # half the side of the window that a film shows
CLIP = 0.1  # the largest parameter of a clipped critic
BINS = torch.linspace(
    -0.3, 0.3, 31
)  # middles of the bins in which the critic's weights are counted; the outer ones take the rest
RATES = {"discriminator": 1e-3, "generator": 1e-4}  # two time scales


def point_critics(
    *,
    objective: Objective | None = None,
    penalty: Penalty | None = None,
    clip: float | None = None,
    copies: int = SEEDS,
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
) -> GAN:
    """`copies` GANs of points in the plane at once, with noise of 2 numbers; both networks of each have these hidden layers."""
    layers = {"copies": copies, "inputs": 2, "hidden": hidden, "activation": activation}
    return GAN(
        generator=PointNetworks(**layers, outputs=2),
        discriminator=PointNetworks(**layers),
        event_shape=(2,),
        noise=2,
        objective=objective,
        penalty=penalty,
        clip=clip,
    )


def points(n: int, split: str) -> Tensor:
    """n points (n, 2) of a ring of eight clusters, of radius 2 and scale 0.1; another draw for each split."""
    return toys.ring(n, generator=runtime.generator(0 if split == "train" else 1))


def against_transport(model: GAN, real: Tensor, noise: Tensor) -> dict[str, float]:
    """What each seed's critic estimates on these points, beside the exact distance: "estimate/0", "transport/0", …

    real, noise: (copies * N, 2), where row i belongs to network i mod copies. The estimate is the difference of the critic's
    means over the N real and the N fake points, and the distance is that of the same points.
    """
    made, copies = model.generate(noise), model.generator.copies
    values = [model.discriminator(x).view(-1, copies).mean(0) for x in (real, made)]
    found = {f"estimate/{seed}": round(gap.item(), 4) for seed, gap in enumerate(values[0] - values[1])}
    for seed in range(copies):
        found[f"transport/{seed}"] = round(assignment_distance(real[seed::copies], made[seed::copies]), 4)
    return found


def weight_counts(model: GAN) -> dict[str, float]:
    """How the weights of the critic of seed 0 are spread: the share in each bin of BINS, by the middle of the bin."""
    weights = torch.cat([layer[0].flatten() for layer in model.discriminator.weights]).cpu()
    width = (BINS[1] - BINS[0]).item()
    place = ((weights - BINS[0]) / width).round().long().clamp(0, len(BINS) - 1)
    shares = torch.bincount(place, minlength=len(BINS)) / len(weights)
    return {f"weights/{middle:.2f}": round(share, 4) for middle, share in zip(BINS.tolist(), shares.tolist(), strict=True)}


def film(step: Any) -> Film:
    """A film of SHOWN points of each seed, (SEEDS * SHOWN, 2), with estimates, exact distances and the critic's weights."""
    device = runtime.device_of(step.model)
    noise = step.model.draw_noise(SEEDS * JUDGED, generator=runtime.generator(1, device))
    real = points(SEEDS * JUDGED, "validation").to(device)

    def measure(model: GAN) -> dict[str, float]:
        return against_transport(model, real, noise) | weight_counts(model)

    return Film(step, partial(_of_noise, noise[: SEEDS * SHOWN]), every=EVERY, span=(-REACH, REACH), measure=measure)


def _of_noise(noise: Tensor, model: GAN) -> Tensor:
    return model.generate(noise)


def final_distances(model: nn.Module, recipe: Recipe, budget: str) -> dict[str, Any]:
    """The exact distance of the points of each trained seed to test points, and that of two draws of the data."""
    judged = 32 if budget == "smoke" else JUDGED
    n = SEEDS * judged
    real, other = points(n, "test"), points(2 * n, "test")[n:]
    noise = model.draw_noise(n, generator=runtime.generator(2, runtime.device_of(model)))
    found = against_transport(model.cpu(), real, noise.cpu())
    between = [assignment_distance(real[seed::SEEDS], other[seed::SEEDS]) for seed in range(SEEDS)]
    distances = [found[f"transport/{seed}"] for seed in range(SEEDS)]
    return {"test_transport": distances, "data_to_data": [round(value, 4) for value in between], "points": judged}


def _recipe(
    what: str,
    *,
    rounds: int = 5,
    rates: dict[str, float] = RATES,
    betas: tuple[float, float] = (0.5, 0.9),
    repeats: int = 1,
    study: str = STUDY,
    filmed: bool = True,
    **parts: Any,
) -> Recipe:
    """rounds: moves of the discriminator before each of the generator. repeats: how many times EVERY moves an epoch has."""
    batch = SEEDS * BATCH * rounds
    return Recipe(
        partial(point_critics, **parts),
        f"{SEEDS} GANs of a ring of eight: {what}",
        (1, 2, FRAMES),
        step=Game(rates=rates, betas=betas, discriminator_steps=rounds, schedule=FALLING, averaging=None),
        measure=final_distances,
        examples=(512, 10 * batch, None),
        data="ring",
        source=partial(points, repeats * EVERY * batch),
        batch_size=batch,
        study=study,
        weights=False,
        film=film if filmed else None,
    )


EQUAL = {"discriminator": 1e-4, "generator": 1e-4}
ALIKE = {"discriminator": 1e-3, "generator": 1e-3}
WASSERSTEIN = {"objective": Wasserstein()}
CRITICS: dict[str, Recipe] = {
    "critics-penalty": _recipe("gradient penalty of 10", penalty=UnitSlope(10.0), **WASSERSTEIN),
    "critics-clipping": _recipe(f"parameters cut to ±{CLIP}", clip=CLIP, **WASSERSTEIN),
    "critics-plain": _recipe("non-saturating loss, rates of lesson 15", rounds=1, rates=ALIKE, objective=NonSaturating()),
    "critics-one-move": _recipe(
        "penalty of 10, one critic step, equal rates", rounds=1, rates=EQUAL, penalty=UnitSlope(10.0), **WASSERSTEIN
    ),
    "critics-two-rates": _recipe(
        "penalty of 10, one critic step, critic ten times as fast", rounds=1, penalty=UnitSlope(10.0), **WASSERSTEIN
    ),
    "critics-patient": _recipe("non-saturating loss, the rates and rounds of the critics", objective=NonSaturating()),
}
FASTER = {player: 5 * rate for player, rate in ALIKE.items()}
SETTINGS: dict[str, dict[str, Any]] = {  # of ROBUSTNESS: what differs from two layers of 64 ReLUs, rates ALIKE, betas (0.5, 0.9)
    "usual": {},
    "deep": {"hidden": (64,) * 4},
    "tanh": {"activation": "tanh"},
    "fast": {"rates": FASTER},
    "inert": {"betas": (0.9, 0.999)},
}
LOSSES: dict[str, dict[str, Any]] = {  # the plain game moves five times as often: all discriminators move equally often
    "penalty": {"penalty": UnitSlope(0.1), **WASSERSTEIN},
    "clipping": {"clip": CLIP, **WASSERSTEIN},
    "plain": {"objective": NonSaturating(), "rounds": 1, "repeats": 5},
}
CRITICS |= {
    f"critics-{loss}-{setting}": _recipe(
        f"{loss}, {setting}",
        study=ROBUSTNESS,
        filmed=(loss, setting) == ("penalty", "usual"),
        **{"rates": ALIKE, **parts, **changes},
    )
    for loss, parts in LOSSES.items()
    for setting, changes in SETTINGS.items()
}
