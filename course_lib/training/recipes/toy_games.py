"""The recipes of lesson 15's studies: GANs of points in the plane, ten seeds of each setting trained at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import toys
from course_lib.metrics.divergence import GOOD
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import NonSaturating, Objective, Relativistic, Wasserstein
from course_lib.models.adversarial.penalties import Penalty, UnitSlope, ZeroCentred
from course_lib.nn.replicas import PointNetworks
from course_lib.training import measures
from course_lib.training.films import Film
from course_lib.training.optimisers import linear
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import Game

STUDY = "gan-modes"
SEEDS = 10  # networks of each player, trained at once (nn/replicas.py)
BATCH = 256  # examples per network and move
POINTS = 100 * BATCH * SEEDS  # in an epoch, which is 100 moves of the generator where the discriminator makes one per move
FRAMES, SHOWN = 14, 200  # of a film: moments, and points of each seed
TOYS = {"ring": (toys.PACGAN_RING, 2.0, 2.0), "grid": (toys.PACGAN_GRID, 0.5, 6.0)}
"""Name -> the modes; the factor by which points are multiplied before the networks see them, so that both toys have a standard
deviation of 1.4 in each direction; half the side of the window that a film shows."""


def points(toy: str, split: str) -> Tensor:
    """The points (N, 2) of a split, multiplied by the toy's factor."""
    modes, factor, _ = TOYS[toy]
    seed, n = (0, POINTS) if split == "train" else (1, 2_500)
    return factor * modes.draw(n, generator=runtime.generator(seed))


def point_gan(
    *,
    objective: Objective | None = None,
    penalty: Penalty | None = None,
    copies: int = SEEDS,
    hidden: tuple[int, ...] = (128, 128, 128),
    judge: tuple[int, ...] = (128, 128, 128),
    instance_noise: float = 0.0,
) -> GAN:
    """Several GANs of points in the plane at once; noise of 2 numbers. hidden, judge: units of generator and discriminator."""
    return GAN(
        generator=PointNetworks(copies=copies, inputs=2, hidden=hidden, outputs=2),
        discriminator=PointNetworks(copies=copies, inputs=2, hidden=judge),
        event_shape=(2,),
        noise=2,
        objective=objective,
        penalty=penalty,
        instance_noise=instance_noise,
    )


def film(toy: str, every: int, step: Any) -> Film:
    """A film of SHOWN points of each seed, (SEEDS * SHOWN, 3): their two coordinates, and whether the point is good.

    The coordinates are kept too coarsely to tell good points from others, so the third number does: it is at the upper end of
    the window where the point lies within three standard deviations of a centre, and at the lower end elsewhere. At every
    frame the film measures modes and good share, as means over the seeds.
    """
    modes, factor, reach = TOYS[toy]
    noise = step.model.draw_noise(SEEDS * SHOWN, generator=runtime.generator(1, runtime.device_of(step.model)))

    def draw(model: nn.Module) -> Tensor:
        x = model.generate(noise).cpu() / factor
        good = torch.cdist(x, modes.centres).amin(1) <= GOOD * modes.scale
        return torch.cat([x, torch.where(good, reach, -reach)[:, None]], 1)

    def measure(model: nn.Module) -> dict[str, float]:
        found = measures.ModeCounts(modes, factor, copies=SEEDS).counted(model, 1_000)
        return {key: sum(values) / SEEDS for key, values in found.items()}

    return Film(step, draw, every=every, span=(-reach, reach), measure=measure)


def _recipe(toy: str, what: str, steps: int, *, objective: Objective, penalty: Penalty | None = None, rounds: int = 1) -> Recipe:
    """steps: moves of the generator in the full budget. rounds: moves of the discriminator before each of them."""
    modes, factor, _ = TOYS[toy]
    return Recipe(
        partial(point_gan, objective=objective, penalty=penalty),
        f"{SEEDS} GANs of PacGAN's {toy}: {what}",
        (1, 1, steps * rounds // 100),
        step=Game(lr=1e-3, betas=(0.5, 0.9), discriminator_steps=rounds, schedule=linear, averaging=None),
        measure=measures.ModeCounts(modes, factor, copies=SEEDS),
        examples=(512, SEEDS * BATCH * rounds, None),
        data=toy,
        source=partial(points, toy),
        batch_size=SEEDS * BATCH * rounds,
        study=STUDY,
        weights=False,
        film=partial(film, toy, max(1, steps // (FRAMES - 1))),
    )


SETTINGS = {
    "plain": ("non-saturating loss", {"objective": NonSaturating()}),
    "wgan-gp": (
        "Wasserstein, gradient penalty 0.1, five critic steps",
        {"objective": Wasserstein(), "penalty": UnitSlope(0.1), "rounds": 5},
    ),
    "r1-r2": ("relativistic loss, R1 and R2 of 0.02", {"objective": Relativistic(), "penalty": ZeroCentred(0.02, 0.02)}),
}
STEPS = {  # moves of the generator; plain and wgan-gp take about equal time on one core
    "grid": {"plain": 4_500, "wgan-gp": 700, "r1-r2": 16_000},
    "ring": {"plain": 3_000, "wgan-gp": 500, "r1-r2": 9_000},
}


def name(toy: str, setting: str) -> str:
    """The checkpoint's name, which is also the row's name in the study."""
    return f"gans-{toy}-{setting}"


MODES: dict[str, Recipe] = {
    name(toy, setting): _recipe(toy, what, STEPS[toy][setting], **given)
    for toy in TOYS
    for setting, (what, given) in SETTINGS.items()
}


BALANCE_STUDY, FEW_SEEDS = "gan-balance", 5
EASY_RING = toys.Modes(toys.ring, toys.ring_centres(), 0.1)
FAST, SLOW = 1e-2, 5e-5  # learning rates beside the usual 1e-3
FAST_JUDGE, FAST_MAKER = {"rates": {"discriminator": FAST}}, {"rates": {"generator": FAST}}
BALANCE: dict[str, tuple[str, dict[str, Any]]] = {
    "even": ("even", {}),
    "discriminator-fast": ("D: rate × 10", FAST_JUDGE),
    "discriminator-fast-flipped": ("… and flipped labels", {**FAST_JUDGE, "objective": NonSaturating(0.9, 0.1)}),
    "discriminator-fast-smoothed": ("… and smoothed labels", {**FAST_JUDGE, "objective": NonSaturating(0.9, 0.0)}),
    "discriminator-fast-noise": ("… and instance noise", {**FAST_JUDGE, "instance_noise": 0.3}),
    "discriminator-fast-small": ("… and 16 units", {**FAST_JUDGE, "judge": (16,)}),
    "discriminator-fast-r1": ("… and R1", {**FAST_JUDGE, "penalty": ZeroCentred(0.1, 0.0)}),
    "discriminator-10-moves": ("D: 10 moves per round", {"rounds": 10}),
    "generator-fast": ("G: rate × 10", FAST_MAKER),
    "generator-fast-5-moves": ("… and 5 moves of D", {**FAST_MAKER, "rounds": 5}),
    "generator-fast-r1-r2": ("… and R1 + R2", {**FAST_MAKER, "penalty": ZeroCentred(0.1, 0.1)}),
    "discriminator-slow": ("D: rate ÷ 20", {"rates": {"discriminator": SLOW}}),
    "discriminator-small": ("D: 4 units", {"judge": (4,)}),
}
"""Name -> words for a figure, and what differs from an even game: the player that is made too strong, in which way, and the
remedies against it. D is the discriminator, G the generator; a row that begins with "…" adds to the way above it."""


def easy_ring(split: str) -> Tensor:
    """Points of the ring of eight modes with wide modes, (N, 2)."""
    seed, n = (0, 100 * 128 * FEW_SEEDS) if split == "train" else (1, 2_500)
    return toys.ring(n, generator=runtime.generator(seed))


def _balance(
    what: str,
    *,
    rates: dict[str, float] | None = None,
    rounds: int = 1,
    objective: Objective | None = None,
    judge: tuple[int, ...] = (64, 64, 64),
    **given: Any,
) -> Recipe:
    build = partial(
        point_gan, copies=FEW_SEEDS, hidden=(64, 64, 64), judge=judge, objective=objective or NonSaturating(), **given
    )
    return Recipe(
        build,
        f"{FEW_SEEDS} GANs of a ring, balance of the players: {what}",
        (1, 1, 8 * rounds),
        step=Game(lr=1e-3, rates=rates or {}, betas=(0.5, 0.9), discriminator_steps=rounds, averaging=None),
        measure=measures.ModeCounts(EASY_RING, 1.0, copies=FEW_SEEDS),
        examples=(512, 640 * rounds, None),
        data="ring",
        source=easy_ring,
        batch_size=128 * FEW_SEEDS * rounds,
        study=BALANCE_STUDY,
        weights=False,
    )


TOY_GAMES: dict[str, Recipe] = {
    **MODES,
    **{f"gans-balance-{what}": _balance(what, **given) for what, (_, given) in BALANCE.items()},
}
