"""The recipes of lesson 19: CycleGANs of shoes, of faces and sketches, of points in the plane, and the reader of factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import Unpaired, close_ups, unpaired
from course_lib.models.adversarial.cycle import CycleGAN
from course_lib.models.factors import FactorReader
from course_lib.nn.patches import PatchDiscriminator
from course_lib.nn.replicas import PointNetworks
from course_lib.nn.residual import ResidualTranslator
from course_lib.training import translation_measures as measures
from course_lib.training.averaging import ExponentialAverage
from course_lib.training.films import Film
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.game import FALLING, Game
from course_lib.training.recipes.gradient import Gradient


def image_cycle(*, event_shapes: Sequence[Sequence[int]], cycle: float = 10.0, identity: float = 0.0) -> CycleGAN:
    """A CycleGAN of images: a generator of 70,000 and a patch discriminator of 34,000 parameters for each direction."""
    a, b = (shape[0] for shape in event_shapes)
    return CycleGAN(
        to_a=ResidualTranslator(channels_in=b, channels_out=a),
        to_b=ResidualTranslator(channels_in=a, channels_out=b),
        discriminator_a=PatchDiscriminator(channels_in=a),
        discriminator_b=PatchDiscriminator(channels_in=b),
        event_shapes=event_shapes,
        cycle=cycle,
        identity=identity,
    )


def _of_images(
    source: Callable[[str], Unpaired],
    about: str,
    epochs: int,
    measure: Callable[..., dict[str, Any]],
    *,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    data: str,
    cycle: float = 10.0,
) -> Recipe:
    return Recipe(
        partial(image_cycle, event_shapes=shapes, cycle=cycle),
        about,
        (1, 1, epochs),
        step=Game(lr=1e-3, schedule=FALLING, averaging=ExponentialAverage(0.99)),
        measure=measure,
        examples=(32, 160, None),
        data=data,
        source=source,
        batch_size=16,
        half=True,
    )


SHOE, COLOUR, PENCIL = (1, 28, 28), close_ups.SHAPE, (1, 16, 16)

IMAGES: dict[str, Recipe] = {
    "cycle-shoes": _of_images(
        unpaired.shoes,
        "CycleGAN between sneakers and ankle boots",
        30,
        measures.TargetClass("features-fashion", (unpaired.SNEAKER, unpaired.BOOT), ("sneaker", "boot")),
        shapes=(SHOE, SHOE),
        data="fashion",
        cycle=5.0,
    ),
    "cycle-faces": _of_images(
        unpaired.faces,
        "CycleGAN between frowning and laughing faces",
        18,
        measures.partners,
        shapes=(COLOUR, COLOUR),
        data="close_ups",
    ),
    "cycle-sketches": _of_images(
        unpaired.sketches,
        "CycleGAN between faces in colour and pencil sketches",
        8,
        measures.smuggled,
        shapes=(COLOUR, PENCIL),
        data="close_ups",
    ),
}

READER = Recipe(
    partial(FactorReader, event_shape=close_ups.SHAPE, ranges=[close_ups.RANGES[name] for name in close_ups.FACTORS]),
    "reader of a face's factors, two convolutions and two dense layers; it judges translated faces",
    (1, 2, 16),
    step=Gradient(lr=2e-3),
    measure=measures.factors_read,
    data="close_ups",
    labels=True,
    half=True,
)

ABLATION, SEEDS = "cycle-ablation", 5  # the study of crescents; translators of each setting, trained at once
SETTINGS = {"game": (0.0, 0.0), "identity": (0.0, 5.0), "cycle": (10.0, 0.0), "both": (10.0, 5.0)}  # cycle and identity weights
POINTS_PER_STEP, STEPS_PER_EPOCH, SHOWN = 128, 50, 60  # of each translator; SHOWN points of each set stand in a film
SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
DIAMOND = ((0.0, -1.4), (1.4, 0.0), (0.0, 1.4), (-1.4, 0.0))
MATCHES = 40  # translators between the corners of a square and of a diamond, trained at once


def point_cycle(*, copies: int, hidden: Sequence[int], cycle: float, identity: float = 0.0) -> CycleGAN:
    """Several CycleGANs of points in the plane at once (nn/replicas.py); hidden: units of all four networks of each."""
    to_a, to_b = (PointNetworks(copies=copies, inputs=2, hidden=hidden, outputs=2) for _ in "ab")
    one, other = (PointNetworks(copies=copies, inputs=2, hidden=hidden) for _ in "ab")
    return CycleGAN(
        to_a=to_a,
        to_b=to_b,
        discriminator_a=one,
        discriminator_b=other,
        event_shapes=((2,), (2,)),
        cycle=cycle,
        identity=identity,
    )


def crescents(split: str) -> Unpaired:
    """Points of both crescents for all translators of a setting."""
    n = SEEDS * POINTS_PER_STEP * STEPS_PER_EPOCH
    return unpaired.crescents(n if split == "train" else SEEDS * 500, generator=runtime.generator(0 if split == "train" else 1))[
        0
    ]


def corners(split: str) -> Unpaired:
    """The corners of the square and of the diamond, each many times, with a little noise."""
    n, generator = 32 * MATCHES * STEPS_PER_EPOCH, runtime.generator(0 if split == "train" else 1)
    sets = (torch.tensor(points).repeat(n // 4, 1) for points in (SQUARE, DIAMOND))
    return Unpaired(*(x + 0.05 * runtime.standard_normal(x.shape, x, generator) for x in sets))


def film(step: Any) -> Film:
    """A film of the translations of SHOWN points of a per translator, then of b: there and back, (2 SEEDS SHOWN, 4)."""
    points, _ = unpaired.crescents(SEEDS * SHOWN, generator=runtime.generator(2))

    def draw(model: nn.Module) -> Tensor:
        each = (torch.cat(model.there_and_back(x, to=to), 1) for x, to in ((points.a, "b"), (points.b, "a")))
        return torch.cat(list(each)).clamp(-2, 2)

    return Film(step, draw, every=25, span=(-2.0, 2.0))


def _of_points(source, build, about: str, epochs: int, measure, *, batch_size: int, **more: Any) -> Recipe:
    return Recipe(
        build,
        about,
        (1, 1, epochs),
        step=Game(lr=2e-3, betas=(0.5, 0.9), schedule=FALLING, averaging=None),
        measure=measure,
        examples=(batch_size, 4 * batch_size, None),
        data="crescents",
        source=source,
        batch_size=batch_size,
        weights=False,
        **more,
    )


POINTS: dict[str, Recipe] = {
    **{
        f"cycle-crescents-{name}": _of_points(
            crescents,
            partial(point_cycle, copies=SEEDS, hidden=(64, 64), cycle=cycle, identity=identity),
            f"{SEEDS} CycleGANs between two crescents, weights: cycle {cycle:.0f}, identity {identity:.0f}",
            20,
            measures.Crescents(SEEDS),
            batch_size=SEEDS * POINTS_PER_STEP,
            study=ABLATION,
            film=film,
        )
        for name, (cycle, identity) in SETTINGS.items()
    },
    "cycle-corners": _of_points(
        corners,
        partial(point_cycle, copies=MATCHES, hidden=(32, 32), cycle=10.0),
        f"{MATCHES} CycleGANs between the corners of a square and of a diamond",
        20,
        measures.Pairings(SQUARE, DIAMOND, MATCHES),
        batch_size=32 * MATCHES,
        study="cycle-pairings",
    ),
}

CYCLE: dict[str, Recipe] = {"factors-close-ups": READER, **IMAGES, **POINTS}
