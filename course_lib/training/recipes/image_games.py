"""The recipes of lesson 16's studies: small GANs of digits, each remedy with several seeds, and three losses side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import NonSaturating, RandomLabels, Relativistic, Wasserstein
from course_lib.models.adversarial.penalties import UnitSlope, ZeroCentred
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.training import measures
from course_lib.training.averaging import ExponentialAverage
from course_lib.training.recipes.adversarial import DIGIT, digits_film
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import FALLING, Game

REMEDIES, LOSSES = "gan-remedies", "gan-losses"  # the studies
SEEDS = (0, 1, 2, 3, 4)
BATCH = 32
REMEDY_STEPS, EPOCH, FRAMES = 600, 300, 12  # moves of the generator; in an epoch of the losses; moments of each film
RATE = 1e-3


def small_gan(
    *,
    channels: tuple[int, int] = (16, 32),
    normalisation: str = "none",
    dropout: float = 0.0,
    **settings: Any,
) -> GAN:
    """A GAN of digits with half the channels of dcgan-mnist; channels, normalisation, dropout: of its discriminator."""
    return GAN(
        generator=ImageGenerator(noise=64, event_shape=DIGIT, channels=(32, 16)),
        discriminator=ImageDiscriminator(event_shape=DIGIT, normalisation=normalisation, dropout=dropout, channels=channels),
        event_shape=DIGIT,
        noise=64,
        **settings,
    )


@dataclass(frozen=True)
class Remedy:
    """What a row of the table changes: arguments of `small_gan`, and rates of the players."""

    about: str
    model: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)


TABLE = {
    "plain": Remedy("nothing changed"),
    "dropout": Remedy("dropout of 0.3 in the discriminator", {"dropout": 0.3}),
    "slow": Remedy("a quarter of the rate for the discriminator", rates={"discriminator": RATE / 4}),
    "few-filters": Remedy("half the filters in the discriminator", {"channels": (8, 16)}),
    "noisy-labels": Remedy("noisy labels, up to 0.3 off", {"objective": RandomLabels(spread=0.3)}),
    "flipped-labels": Remedy("5 % of the labels flipped", {"objective": RandomLabels(flipped=0.05)}),
    "smooth-labels": Remedy("one-sided label smoothing, 0.9", {"objective": NonSaturating(0.9, 0.0)}),
    "instance-noise": Remedy("instance noise of 0.2", {"instance_noise": 0.2}),
    "r1": Remedy("R1 penalty of 1", {"penalty": ZeroCentred(1.0, 0.0)}),
    "batch-norm": Remedy("batch normalisation, two batches", {"normalisation": "batch"}),
    "batch-norm-mixed": Remedy("batch normalisation, one mixed batch", {"normalisation": "batch", "one_batch": True}),
}


def remedy_name(remedy: str, seed: int = 0) -> str:
    """The name of the row in the study, which is also the checkpoint's."""
    return f"gan-{remedy}" + (f"-seed-{seed}" if seed else "")


def _remedy(remedy: Remedy, seed: int) -> Recipe:
    return Recipe(
        partial(small_gan, **remedy.model),
        f"small GAN of digits: {remedy.about}",
        (1, 1, 1),
        step=Game(lr=RATE, rates=remedy.rates, averaging=ExponentialAverage(0.99)),
        measure=measures.FrechetDistance("features-mnist", samples=2_000),
        examples=(512, 3_200, REMEDY_STEPS * BATCH),
        batch_size=BATCH,
        seed=seed,
        study=REMEDIES,
        weights=False,
    )


def _loss(about: str, steps: int, *, rounds: int = 1, betas: tuple[float, float] = (0.5, 0.999), **model: Any) -> Recipe:
    """steps: moves of the generator, each after `rounds` moves of the discriminator; all losses take about equally long."""
    return Recipe(
        partial(small_gan, **model),
        f"small GAN of digits: {about}",
        (1, 1, steps // EPOCH),
        step=Game(lr=RATE, betas=betas, discriminator_steps=rounds, averaging=ExponentialAverage(0.99)),
        measure=measures.FrechetDistance("features-mnist", samples=2_000),
        examples=(512, 3_200, EPOCH * rounds * BATCH),
        batch_size=rounds * BATCH,
        study=LOSSES,
        weights=False,
        film=partial(digits_film, every=steps // FRAMES, shown=12),
    )


RELATIVISTIC = {"objective": Relativistic(), "penalty": ZeroCentred(0.1, 0.1)}
IMAGE_GAMES: dict[str, Recipe] = {
    **{remedy_name(name, seed): _remedy(remedy, seed) for name, remedy in TABLE.items() for seed in SEEDS},
    "gan-loss-non-saturating": _loss("non-saturating loss, batch normalisation", 2_400, normalisation="batch"),
    "gan-loss-r1-r2": _loss("relativistic loss, R1 and R2 of 0.1", 2_100, **RELATIVISTIC),
    "gan-loss-wgan-gp": _loss(
        "Wasserstein loss, gradient penalty of 10, two critic steps", 1_200,
        rounds=2, betas=(0.5, 0.9), objective=Wasserstein(), penalty=UnitSlope(10.0),
    ),
    "r1gan-mnist": Recipe(
        partial(small_gan, **RELATIVISTIC),
        "GAN of grey digits: relativistic loss with R1 and R2, no normalisation in the discriminator",
        (1, 1, 6),
        step=Game(lr=RATE, schedule=FALLING),
        measure=measures.FrechetDistance("features-mnist"),
        split="train+validation",
        batch_size=BATCH,
        half=True,
    ),
}  # fmt: skip
