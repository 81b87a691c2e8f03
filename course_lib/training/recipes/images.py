"""The recipes of models of images, one variable after another."""

from __future__ import annotations

from course_lib.models.autoregressive import MADE, NADE, DiagonalBiLSTM, OrderlessNADE, PixelCNN, RowLSTM
from course_lib.training.recipes.form import Recipe

MNIST = (1, 28, 28)
IMAGES: dict[str, Recipe] = {
    "nade-mnist": Recipe(
        lambda: NADE(event_shape=MNIST, hidden=500), "NADE, 500 hidden units, raster order", (1, 3, 70), lr=5e-3
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
        lambda: DiagonalBiLSTM(event_shape=MNIST, features=64, layers=1),
        "Diagonal BiLSTM, one layer of 32 units, raster order",
        (1, 1, 8),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=4e-3,
        mixed_precision=True,
    ),
    "row-lstm-mnist": Recipe(
        lambda: RowLSTM(event_shape=MNIST, features=64, layers=2),
        "Row LSTM, two layers of 32 units, raster order",
        (1, 1, 8),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=4e-3,
        mixed_precision=True,
    ),
    "pixelcnn-mnist": Recipe(
        lambda: PixelCNN(event_shape=MNIST, features=64, layers=5),
        "PixelCNN, five residual blocks of 32 features, raster order",
        (1, 1, 8),
        examples=(128, 5_000, None),
        batch_size=50,
        lr=3e-3,
        mixed_precision=True,
    ),
}
