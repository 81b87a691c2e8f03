"""The recipes of autoregressive models of images, one variable after another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from course_lib.datasets import Data, load
from course_lib.models.autoregressive import (
    FVSBN,
    MADE,
    NADE,
    DiagonalBiLSTM,
    GatedPixelCNN,
    OrderlessNADE,
    PixelCNN,
    RowLSTM,
    orders,
)  # fmt: skip
from course_lib.runtime import device_of
from course_lib.training import measures
from course_lib.training.averaging import PolynomialAverage
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient
from course_lib.training.steps import GradientStep
from course_lib.training.whitening import Whitened

MNIST = (1, 28, 28)
INK = {"mean": 0.13, "spread": 0.34}  # of binarised digits
DIGITS = {"binarisation": "resampled", "split": "train+validation", "half": True}  # the settings are fixed: all 60,000 are used


def small_faces(split: str) -> Data:
    """The drawn faces at 16 x 16, each channel rounded to one of 256 levels."""
    faces = load("faces", split, size=16)
    return replace(faces, x=(faces.x * 255).round() / 255)


def fvsbn(order: str) -> FVSBN:
    """An FVSBN in this order of the pixels (models/autoregressive/orders)."""
    return FVSBN(event_shape=MNIST, order=orders(MNIST[1:])[order])


class WhitenedGradient(Gradient):
    """A `Gradient` on whitened inputs, whose means and covariances are those of the split that the recipe trains on."""

    def __call__(self, model: FVSBN, recipe: Recipe, total_steps: int) -> GradientStep:
        whitened = Whitened(model, recipe.load(recipe.split).x).to(device_of(model))
        return super().__call__(whitened, recipe, total_steps)


def _fvsbn(order: str, *, weights: bool = True) -> Recipe:
    """All orders are trained alike, so that their numbers can be compared."""
    return Recipe(
        partial(fvsbn, order),
        f"FVSBN, a logistic regression for every pixel; order: {order}",
        (1, 3, 30),
        step=WhitenedGradient(lr=1e-2, averaging=PolynomialAverage()),
        measure=measures.NatsByOrder(against="fvsbn-mnist"),
        batch_size=200,
        finish=Whitened.plain,
        study="fvsbn-orders",
        weights=weights,
        **DIGITS,
    )


on_digits = partial(Recipe, measure=measures.nats, **DIGITS)
by_muon = partial(on_digits, step=Gradient(lr=1e-2, optimiser="muon"), examples=(128, 5_000, None), batch_size=50)

AUTOREGRESSIVE: dict[str, Recipe] = {
    "fvsbn-mnist": _fvsbn("rows"),
    "fvsbn-mnist-columns": _fvsbn("columns", weights=False),
    "fvsbn-mnist-spiral": _fvsbn("spiral, from inside"),
    "fvsbn-mnist-random": _fvsbn("random", weights=False),
    "nade-mnist": on_digits(
        partial(NADE, event_shape=MNIST, hidden=500),
        "NADE, 500 hidden units, raster order",
        (1, 3, 70),
        step=Gradient(lr=5e-3),
        precision="float32",
    ),
    "made-mnist": on_digits(
        partial(MADE, event_shape=MNIST, hidden=(500, 500), direct=True, residual=True),
        "MADE, 2 x 500 hidden units, raster order",
        (1, 3, 60),
        step=Gradient(lr=5e-3),
        precision="float32",
    ),
    "nade-any-order-mnist": on_digits(
        partial(OrderlessNADE, event_shape=MNIST, hidden=(500, 500)),
        "orderless NADE, 2 x 500 hidden units, every order",
        (1, 3, 36),
        step=Gradient(lr=1e-3),
        precision="bfloat16",
    ),
    "diagonal-bilstm-mnist": by_muon(
        partial(DiagonalBiLSTM, event_shape=MNIST, features=64, layers=2, positions=True, **INK),
        "Diagonal BiLSTM, two layers of 32 units, raster order",
        (1, 1, 5),
        precision="bfloat16",
    ),
    "row-lstm-mnist": by_muon(
        partial(RowLSTM, event_shape=MNIST, features=64, layers=3, kernel=9, positions=True, **INK),
        "Row LSTM, three layers of 32 units, 9 wide over the row above, raster order",
        (1, 1, 5),
        precision="bfloat16",
    ),
    "pixelcnn-mnist": by_muon(
        partial(PixelCNN, event_shape=MNIST, features=64, layers=4, kernel=7, positions=True, **INK),
        "PixelCNN, four residual blocks of 32 features with 7 x 7 kernels, raster order",
        (1, 1, 7),
        precision="bfloat16",
    ),
    "gated-pixelcnn-faces": Recipe(
        partial(
            GatedPixelCNN, event_shape=(3, 16, 16), features=36, layers=4, output="logistic", components=3, positions=True
        ),
        "gated PixelCNN, four layers of 36 features, red then green then blue, faces of 16 x 16",
        (1, 1, 28),
        step=Gradient(lr=5e-3, optimiser="muon"),
        measure=measures.nats,
        examples=(64, 1_000, None),
        data="faces",
        source=small_faces,
        batch_size=32,
        precision="float32",  # bfloat16 cannot hold 256 levels
        half=True,
    ),
}  # fmt: skip
