"""The recipes of autoregressive models of images, one variable after another."""

from __future__ import annotations

from dataclasses import replace

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
from course_lib.training.recipes.form import Recipe
from course_lib.training.whitening import Whitened

MNIST = (1, 28, 28)
INK = {"mean": 0.13, "spread": 0.34}  # of binarised digits


def small_faces(split: str) -> Data:
    """The drawn faces at 16 x 16, each colour rounded to one of 256 levels."""
    faces = load("faces", split, size=16)
    return replace(faces, x=(faces.x * 255).round() / 255)


def _fvsbn(order: str) -> Recipe:
    """All orders train alike, so that they can be compared."""
    return Recipe(
        lambda: Whitened(FVSBN(event_shape=MNIST, order=orders(MNIST[1:])[order]), load("mnist", "train").x),
        f"FVSBN, a logistic regression for every pixel; order: {order}",
        (1, 3, 30),
        batch_size=200,
        lr=1e-2,
        finish=Whitened.plain,
        half=True,
    )


AUTOREGRESSIVE: dict[str, Recipe] = {
    "fvsbn-mnist": _fvsbn("rows"),
    "fvsbn-mnist-columns": _fvsbn("columns"),
    "fvsbn-mnist-spiral": _fvsbn("spiral, from inside"),
    "fvsbn-mnist-random": _fvsbn("random"),
    "nade-mnist": Recipe(
        lambda: NADE(event_shape=MNIST, hidden=500), "NADE, 500 hidden units, raster order", (1, 3, 70), lr=5e-3, half=True
    ),
    "made-mnist": Recipe(
        lambda: MADE(event_shape=MNIST, hidden=(1000, 1000), direct=True, residual=True),
        "MADE, 2 x 1000 hidden units, raster order",
        (1, 3, 100),
        lr=5e-3,
        mixed_precision=True,
        half=True,
    ),
    "nade-any-order-mnist": Recipe(
        lambda: OrderlessNADE(event_shape=MNIST, hidden=(500, 500)),
        "orderless NADE, 2 x 500 hidden units, every order: erase anything, complete it",
        (1, 3, 36),
        lr=1e-3,
        mixed_precision=True,
        half=True,
    ),
    "diagonal-bilstm-mnist": Recipe(
        lambda: DiagonalBiLSTM(event_shape=MNIST, features=64, layers=2, positions=True, **INK),
        "Diagonal BiLSTM, two layers of 32 units, raster order",
        (1, 1, 5),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=1e-2,
        optimiser="muon",
        mixed_precision=True,
        half=True,
    ),
    "row-lstm-mnist": Recipe(
        lambda: RowLSTM(event_shape=MNIST, features=64, layers=3, kernel=9, positions=True, **INK),
        "Row LSTM, three layers of 32 units, 9 wide over the row above, raster order",
        (1, 1, 5),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=1e-2,
        optimiser="muon",
        mixed_precision=True,
        half=True,
    ),
    "pixelcnn-mnist": Recipe(
        lambda: PixelCNN(event_shape=MNIST, features=64, layers=4, kernel=7, positions=True, **INK),
        "PixelCNN, four residual blocks of 32 features with 7 x 7 kernels, raster order",
        (1, 1, 7),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=1e-2,
        optimiser="muon",
        mixed_precision=True,
        half=True,
    ),
    "gated-pixelcnn-faces": Recipe(
        lambda: GatedPixelCNN(event_shape=(3, 16, 16), features=36, layers=4, output="logistic", components=3, positions=True),
        "gated PixelCNN, four layers of 36 features, red then green then blue, faces of 16 x 16",
        (1, 1, 28),
        examples=(64, 1_000, None),
        data="faces",
        binarisation=None,
        source=small_faces,
        batch_size=32,
        lr=5e-3,
        optimiser="muon",
        mixed_precision=True,
        half=True,
    ),
}
