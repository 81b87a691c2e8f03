"""The one table of configurations: every model that the course has, small. Add a row, and the whole suite runs it."""

import torch

from course_lib import runtime
from course_lib.models.autoregressive import (
    FVSBN,
    MADE,
    NADE,
    AnyOrderMADE,
    DiagonalBiLSTM,
    GatedPixelCNN,
    LinearAutoregression,
    MixtureNADE,
    OrderlessNADE,
    PixelCNN,
    RowLSTM,
)
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.models.probability.tables import BayesianNetwork, ChainRuleTable, FullTable, IndependentTable, MarkovTable

SHUFFLED = [3, 0, 5, 1, 4, 2]
SHUFFLED_12 = [7, 2, 11, 0, 4, 9, 1, 6, 3, 10, 5, 8]

BUILD = {
    "nade": lambda: NADE(event_shape=(6,), hidden=7),
    "nade-shuffled-chunked": lambda: NADE(event_shape=(6,), hidden=7, order=SHUFFLED, chunk=4),
    "nade-one": lambda: NADE(event_shape=(1,), hidden=3),
    "nade-image": lambda: NADE(event_shape=(1, 4, 3), hidden=9, chunk=5),
    "nade-image-shuffled": lambda: NADE(event_shape=(1, 4, 3), hidden=9, order=SHUFFLED_12, chunk=1),
    "nade-two-channels": lambda: NADE(event_shape=(2, 2, 2), hidden=5, order=[7, 1, 3, 5, 0, 2, 6, 4]),
    "fvsbn": lambda: FVSBN(event_shape=(6,)),
    "fvsbn-one": lambda: FVSBN(event_shape=(1,)),
    "fvsbn-image-shuffled": lambda: FVSBN(event_shape=(1, 4, 3), order=SHUFFLED_12),
    "made": lambda: MADE(event_shape=(6,), hidden=(40,)),
    "made-shuffled-deep": lambda: MADE(event_shape=(6,), hidden=(17, 12, 15), order=SHUFFLED),
    "made-direct": lambda: MADE(event_shape=(6,), hidden=(12,), direct=True, order=SHUFFLED),
    "made-residual": lambda: MADE(event_shape=(6,), hidden=(13, 13, 13), residual=True),
    "made-any-order": lambda: AnyOrderMADE(event_shape=(6,), hidden=(16, 16), direct=True, residual=True, order=SHUFFLED),
    "made-with-order": lambda: AnyOrderMADE(event_shape=(6,), hidden=(16, 16)).with_order(SHUFFLED),
    "made-image": lambda: MADE(event_shape=(1, 4, 3), hidden=(40, 40), order=SHUFFLED_12),
    "made-one": lambda: MADE(event_shape=(1,), hidden=(3,)),
    "orderless": lambda: OrderlessNADE(event_shape=(6,), hidden=(9,)),
    "orderless-image-shuffled": lambda: OrderlessNADE(event_shape=(1, 4, 3), hidden=(9, 8), order=SHUFFLED_12, chunk=5),
    "orderless-with-order": lambda: OrderlessNADE(event_shape=(6,), hidden=(24, 20, 16)).with_order(SHUFFLED),
    "linear": lambda: LinearAutoregression(event_shape=(5,), lags=4),
    "linear-one": lambda: LinearAutoregression(event_shape=(1,), lags=3),
    "pixel-row-lstm": lambda: RowLSTM(event_shape=(1, 2, 3), features=12, layers=2, mean=0.2, spread=0.4),
    "pixel-diagonal-bilstm": lambda: DiagonalBiLSTM(event_shape=(1, 2, 3), features=12, layers=2),
    "pixel-diagonal-tall": lambda: DiagonalBiLSTM(event_shape=(1, 4, 2), features=8, layers=1),
    "pixel-cnn": lambda: PixelCNN(event_shape=(1, 2, 3), features=12, layers=2),
    "pixel-cnn-larger": lambda: PixelCNN(event_shape=(1, 3, 4), features=6, layers=1),
    "pixel-gated": lambda: GatedPixelCNN(event_shape=(1, 3, 2), features=12, layers=2, mean=0.3, spread=0.5),
    "pixel-row-positions": lambda: RowLSTM(event_shape=(1, 2, 3), features=8, layers=1, positions=True),
    "pixel-cnn-positions": lambda: PixelCNN(event_shape=(1, 3, 4), features=6, layers=1, mean=0.2, positions=True),
    "pixel-gated-positions": lambda: GatedPixelCNN(event_shape=(1, 2, 3), features=12, layers=2, positions=True),
    "pixel-row-wide": lambda: RowLSTM(event_shape=(1, 3, 4), features=8, layers=1, kernel=5, mean=0.3),
    "pixel-cnn-wide": lambda: PixelCNN(event_shape=(1, 4, 3), features=16, layers=1, kernel=5),
    "pixel-gated-wide": lambda: GatedPixelCNN(event_shape=(1, 3, 4), features=6, layers=1, kernel=5),
    "pixel-one": lambda: DiagonalBiLSTM(event_shape=(1, 1, 1), features=4, layers=1),
    "mixture-nade": lambda: MixtureNADE(event_shape=(4,), hidden=8, components=3),
    "mixture-nade-shuffled": lambda: MixtureNADE(event_shape=(1, 2, 3), hidden=8, components=2, order=SHUFFLED),
    "mixture-gaussian-full": lambda: GaussianMixture(event_shape=(4,), components=3),
    "mixture-gaussian-diagonal": lambda: GaussianMixture(event_shape=(1, 2, 3), components=2, covariance="diagonal"),
    "mixture-gaussian-spherical": lambda: GaussianMixture(event_shape=(1,), components=3, covariance="spherical"),
    "table-independent": lambda: IndependentTable(event_shape=(6,)),
    "table-markov": lambda: MarkovTable(event_shape=(6,), order=SHUFFLED, memory=2),
    "table-chain-rule": lambda: ChainRuleTable(event_shape=(1, 2, 3), order=SHUFFLED),
    "table-full": lambda: FullTable(event_shape=(2, 3)),
    "table-network": lambda: BayesianNetwork(event_shape=(5,), parents=[[], [0], [0], [1, 2], [3]]),
}
REAL = [name for name in BUILD if name.startswith(("linear", "mixture"))]
GAUSSIAN = [name for name in BUILD if name.startswith("mixture-gaussian")]
BINARY = [name for name in BUILD if name not in REAL]
ORDERED = [name for name in BUILD if name != "table-full" and name not in GAUSSIAN]
TABLES = [name for name in BUILD if name.startswith("table")]


def build(name, device="cpu", dtype=torch.float32):
    """The model of this name with weights far from their start, so that every dependency shows."""
    runtime.seed(0)
    model = BUILD[name]()
    generator = runtime.generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if name in TABLES:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 0.8 + 0.1)
            else:
                strength = 0.15 if name in REAL else 0.7  # the exponential of a scale grows fast
                parameter.add_(strength * torch.randn(parameter.shape, generator=generator))
        if name in GAUSSIAN:
            model.probs.copy_(model.probs.abs() / model.probs.abs().sum())
            model.scale.copy_(model.scale.tril() if model.covariance == "full" else model.scale)
        if name == "table-full":
            model.probs.div_(model.probs.sum())
    return model.to(device=device, dtype=torch.double if name in GAUSSIAN else dtype).eval()  # mixtures stay in doubles


def examples(model, name, n, seed=2, dtype=None):
    """n arbitrary examples that the model accepts, (n, *event_shape)."""
    generator = runtime.generator(seed)
    x = torch.randn(n, *model.event_shape, generator=generator)
    weight = next(model.parameters())
    return (x if name in REAL else (x > 0).float()).to(device=weight.device, dtype=dtype or weight.dtype)
