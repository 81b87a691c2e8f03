"""The recipes of conditional adversarial models: digits of a class that is asked for, and clothes from their edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from course_lib import runtime
from course_lib.datasets import load, pairs
from course_lib.metrics import classification
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.adversarial.conditional import ConditionalGAN
from course_lib.models.adversarial.translation import PairedTranslator
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.nn.conditional import LabelledGenerator, PairDiscriminator, ProjectionDiscriminator
from course_lib.nn.unet import UNet
from course_lib.training import checkpoints
from course_lib.training.measures import SMOKE_EXAMPLES
from course_lib.training.recipes.form import Recipe, first
from course_lib.training.recipes.game import FALLING, Game
from course_lib.training.recipes.gradient import Gradient

GREY_IMAGE, FACE = (1, 28, 28), (3, 32, 32)
NOISE, EMBEDDING, CLASSES = 64, 32, 10


@dataclass(frozen=True)
class LabelsRecognised:
    """How often a judge finds the class that was asked for, in per cent, beside its own rate on real examples; and the FID.

    judge: name of a shipped FeatureClassifier. samples: how many, equally many of each class, fewer below the full budget.
    """

    judge: str = "features-mnist"
    samples: int = 10_000

    def __call__(self, model: ConditionalGAN, recipe: Recipe, budget: str) -> dict[str, Any]:
        n = {"smoke": SMOKE_EXAMPLES, "lesson": 2_000, "full": self.samples}[budget]
        judge, real = checkpoints.load(self.judge), first(recipe.measured_data(), SMOKE_EXAMPLES if budget == "smoke" else None)
        y, generator = torch.arange(n) % model.classes, runtime.generator(0, runtime.device_of(model))
        made = torch.cat([model.given(part).sample(len(part), generator=generator).cpu() for part in y.split(500)])
        found, own = classification.accuracy(judge, made, y), classification.accuracy(judge, real.x, real.y)
        fid = frechet_distance(features(judge, made), features(judge, real.x))
        return {
            "percent_recognised": round(found.mean, 4),
            "standard_error": round(found.standard_error, 4),
            "percent_of_real_recognised": round(own.mean, 4),
            f"{recipe.measured}_fid": round(fid, 4),
            "judge": self.judge,
            "n": n,
        }


@dataclass(frozen=True)
class TranslationError:
    """The mean absolute error per pixel on held-out pairs, and how often a judge finds the garment's class in the translation.

    judge: name of a shipped FeatureClassifier.
    """

    judge: str = "features-fashion"

    def __call__(self, model: PairedTranslator, recipe: Recipe, budget: str) -> dict[str, Any]:
        device, judge = runtime.device_of(model), checkpoints.load(self.judge)
        some = SMOKE_EXAMPLES if budget == "smoke" else None
        x, y = first(recipe.measured_data(), some)
        made = model.translate(x.to(device), generator=runtime.generator(0, device)).cpu()
        labels = load(recipe.data, recipe.measured).y[:some]
        found, own = classification.accuracy(judge, made, labels), classification.accuracy(judge, y, labels)
        return {
            f"{recipe.measured}_absolute_error": round((made - y).abs().mean().item(), 4),
            "percent_recognised": round(found.mean, 4),
            "standard_error": round(found.standard_error, 4),
            "percent_of_real_recognised": round(own.mean, 4),
            f"{recipe.measured}_fid": round(frechet_distance(features(judge, made), features(judge, y)), 4),
            "judge": self.judge,
            "n": len(y),
        }


def labelled_digits() -> ConditionalGAN:
    """A conditional GAN of grey digits: the label beside the noise, a projection discriminator."""
    images = ImageGenerator(noise=NOISE + EMBEDDING, event_shape=GREY_IMAGE)
    judge = ImageDiscriminator(event_shape=GREY_IMAGE, normalisation="batch")
    return ConditionalGAN(
        generator=LabelledGenerator(generator=images, classes=CLASSES, embedding=EMBEDDING),
        discriminator=ProjectionDiscriminator(discriminator=judge, classes=CLASSES),
        event_shape=GREY_IMAGE,
        noise=NOISE,
        classes=CLASSES,
    )


def edges_to_clothes(*, adversarial: float, l1: float) -> PairedTranslator:
    """A U-Net from edges to clothes, with a discriminator of pairs where adversarial is above 0."""
    unet = UNet()
    return PairedTranslator(
        generator=unet,
        discriminator=PairDiscriminator() if adversarial else None,
        input_shape=GREY_IMAGE,
        event_shape=GREY_IMAGE,
        noise=unet.noise,
        adversarial=adversarial,
        l1=l1,
    )


def faces_translator() -> PairedTranslator:
    """A small U-Net from pictures of one channel to colour faces of 32 x 32, which learns by the mean absolute error alone."""
    unet = UNet(outputs=3, channels=(8, 16, 32), sides=FACE[1:])
    return PairedTranslator(generator=unet, input_shape=(1, *FACE[1:]), event_shape=FACE, noise=unet.noise, adversarial=0.0)


def _clothes(about: str, step: Gradient | Game, epochs: int, **weights: float) -> Recipe:
    return Recipe(
        partial(edges_to_clothes, **weights),
        f"U-Net from edges to clothes, {about}",
        (1, 1, epochs),
        step=step,
        measure=TranslationError(),
        examples=(128, 2_000, None),
        data="fashion",
        source=pairs.edges_to_clothes,
        batch_size=32,
        half=True,
    )


GAME = Game(lr=1e-3, rates={"discriminator": 2e-3}, schedule=FALLING)


CONDITIONAL: dict[str, Recipe] = {
    "cgan-mnist": Recipe(
        labelled_digits,
        "conditional GAN of grey digits: the label beside the noise, a projection discriminator, non-saturating loss",
        (1, 1, 4),
        step=Game(lr=1e-3, schedule=FALLING),
        measure=LabelsRecognised(),
        labels=True,
        split="train+validation",
        batch_size=64,
        finish=ConditionalGAN.without_discriminator,
        half=True,
    ),
    "edges-to-clothes-l1": _clothes("mean absolute error alone", Gradient(lr=2e-3), 10, adversarial=0.0, l1=1.0),
    "edges-to-clothes-both": _clothes("mean absolute error and a discriminator of pairs", GAME, 7, adversarial=1.0, l1=20.0),
    "edges-to-clothes-adversarial": _clothes("a discriminator of pairs alone", GAME, 7, adversarial=1.0, l1=0.0),
}
