"""The recipes of adversarial models."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from course_lib import datasets, runtime
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import Objective, Wasserstein
from course_lib.models.adversarial.penalties import Penalty, UnitSlope
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.training import checkpoints, measures
from course_lib.training.films import Film
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import FALLING, Game

DIGIT = (1, 28, 28)


def image_gan(
    *,
    objective: Objective | None = None,
    penalty: Penalty | None = None,
    normalisation: str = "none",
    dropout: float = 0.0,
    channels: tuple[int, int] = (32, 64),
    instance_noise: float = 0.0,
) -> GAN:
    """A GAN of grey images of 28 x 28, with noise of 64 numbers; the arguments are those of GAN and of its discriminator."""
    return GAN(
        generator=ImageGenerator(noise=64, event_shape=DIGIT),
        discriminator=ImageDiscriminator(event_shape=DIGIT, normalisation=normalisation, dropout=dropout, channels=channels),
        event_shape=DIGIT,
        noise=64,
        objective=objective,
        penalty=penalty,
        instance_noise=instance_noise,
    )


def _of_noise(noise: Tensor, model: nn.Module) -> Tensor:
    return model.generate(noise)


def digits_film(step: Any, *, every: int, shown: int = 16, judged: int = 1_000) -> Film:
    """A film of `shown` digits of one fixed noise, with the Fréchet distance of `judged` samples to 2,000 validation digits."""
    device = runtime.device_of(step.model)
    judge = checkpoints.load("features-mnist")
    real = features(judge, datasets.load("mnist", "validation").x[:2_000])
    noise, more = (step.model.draw_noise(n, generator=runtime.generator(0, device)) for n in (shown, judged))

    def fid(model: nn.Module) -> dict[str, float]:
        return {"fid": frechet_distance(features(judge, model.generate(more).cpu()), real)}

    return Film(
        step,
        partial(_of_noise, noise),
        every=every,
        scalars=["discriminator_loss", "generator_loss"],
        span=(0.0, 1.0),
        measure=fid,
    )


def _dcgan(what: str, data: str, epochs: int, split: str) -> Recipe:
    """The recipe of a DCGAN of grey images, judged by the features of the classifier of its data set."""
    return Recipe(
        partial(image_gan, normalisation="batch"),
        f"GAN of grey {what}: convolutional generator and discriminator, non-saturating loss",
        (1, 1, epochs),
        step=Game(lr=1e-3, schedule=FALLING),
        measure=measures.FrechetDistance(f"features-{data}"),
        data=data,
        split=split,
        batch_size=64,
        half=True,
    )


ADVERSARIAL: dict[str, Recipe] = {
    "dcgan-mnist": _dcgan("digits", "mnist", 60, "train+validation"),
    "dcgan-fashion": _dcgan("clothes", "fashion", 120, "train"),
    "wgan-mnist": Recipe(
        partial(image_gan, objective=Wasserstein(), penalty=UnitSlope(10.0)),
        "Wasserstein GAN of grey digits: gradient penalty of 10, one critic step per generator step, at twice the rate",
        (1, 1, 4),
        step=Game(lr=1e-3, rates={"discriminator": 2e-3}, betas=(0.5, 0.9), schedule=FALLING),
        measure=measures.FrechetDistance("features-mnist"),
        batch_size=64,
        half=True,
        film=partial(digits_film, every=145),
    ),
}
