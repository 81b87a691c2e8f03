"""A study of lesson 10: digits written row by row under plans, or pixel by pixel by one flat network of a like size.

The flat network comes twice: it counts the columns by itself, or is told the column of each pixel.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from course_lib.datasets import Data, images
from course_lib.models.sequence import CharacterModel, NestedRNN
from course_lib.training import measures
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

STUDY = "rows-or-pixels"
SIDE, EPOCHS = images.SMALL, 3
SEEDS = {6_000: range(5)}  # training digits -> seeds


def nested() -> nn.Module:
    """Rows over pixels: 58,098 parameters."""
    return NestedRNN(symbols=2, length=SIDE**2, longest=SIDE, upper=96, reader=32, lower=48, embedding=16)


def flat(period: int | None = None) -> nn.Module:
    """One GRU from pixel to pixel: 66,690 parameters; told the place in rows of `period` pixels, 16 more per place."""
    return CharacterModel(symbols=2, length=SIDE**2, cell="gru", hidden=140, embedding=16, period=period)


KINDS = {  # kind -> how it is made, its learning rate (the best of 0.003, 0.006 and 0.012 on validation digits), words
    "rows": (nested, 0.012, "a nested model, rows over pixels"),
    "pixels": (flat, 0.006, "one flat GRU, pixel by pixel"),
    "pixels-told-column": (partial(flat, period=SIDE), 0.012, "one flat GRU that is told the column, pixel by pixel"),
}


def small_digits(split: str) -> Data:
    """Binary digits of 14 x 14 pixels as rows (N, 196) of integers."""
    return Data(images.small_digits(split), None, "mnist", split)


def rows_name(kind: str, digits: int, seed: int) -> str:
    """The name of the row in the study, which is also the checkpoint's. kind: a key of KINDS."""
    return f"{kind}-{digits}-digits-seed-{seed}"


def _recipe(kind: str, digits: int, seed: int) -> Recipe:
    build, rate, about = KINDS[kind]
    return Recipe(
        build,
        f"{about}, on {digits:,} digits of {SIDE} × {SIDE} pixels",
        (1, EPOCHS, EPOCHS),
        step=Gradient(lr=rate, clip=1.0),
        measure=measures.nats,
        examples=(64, digits, digits),
        source=small_digits,
        batch_size=50,
        seed=seed,
        study=STUDY,
        weights=False,
    )


ROWS: dict[str, Recipe] = {
    rows_name(kind, digits, seed): _recipe(kind, digits, seed)
    for digits, seeds in SEEDS.items()
    for seed in seeds
    for kind in KINDS
}
