"""The recipes of adversarial models."""

from __future__ import annotations

from functools import partial

from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import Objective
from course_lib.models.adversarial.penalties import Penalty
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.training import measures
from course_lib.training.optimisers import linear
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import Game

DIGIT = (1, 28, 28)
falling = partial(linear, constant=0.5)  # the rates fall to 0 over the second half of the training


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


ADVERSARIAL: dict[str, Recipe] = {
    "dcgan-mnist": Recipe(
        partial(image_gan, normalisation="batch"),
        "GAN of grey digits: convolutional generator and discriminator, non-saturating loss",
        (1, 1, 11),
        step=Game(lr=1e-3, schedule=falling),
        measure=measures.FrechetDistance("features-mnist"),
        split="train+validation",
        batch_size=64,
        half=True,
    ),
    "dcgan-fashion": Recipe(
        partial(image_gan, normalisation="batch"),
        "GAN of grey clothes: convolutional generator and discriminator, non-saturating loss",
        (1, 1, 75),
        step=Game(lr=1e-3, schedule=falling),
        measure=measures.FrechetDistance("features-fashion"),
        data="fashion",
        batch_size=64,
        half=True,
    ),
}
