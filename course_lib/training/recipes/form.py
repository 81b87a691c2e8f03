"""What a recipe says: which model, on which data, for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from course_lib import runtime
from course_lib.datasets import Data, load


@dataclass(frozen=True)
class Recipe:
    """A model, its data, and how long it trains in each budget.

    build: makes the untrained model. epochs, examples: by budget (smoke, lesson, full); examples None is all of them.
    data: a data set's name. source: split -> Data, where `load(data, split, binarisation=…)` is not what is wanted;
    then data names the folder of its files.
    optimiser: "adam" or "muon" (training/optimisers.py). clip: largest norm of the gradient. weight_decay: 0 is none.
    mixed_precision: None says yes on CUDA only. half: ship the parameters as float16.
    finish: turns what was trained into the model to keep, where the two differ.
    draws: of z for each example, when a model with latent variables is measured by its importance bound; None leaves that out.
    causes: (sample_factors, draw) of data drawn from known factors, for which disentanglement is measured too.
    study: the study (training/studies.py) in which its numbers are kept; weights: False ships nothing else of it.
    per_symbol: measure nats per symbol of a sequence instead of nats per example; context: the first so many are given.
    """

    build: Callable[[], nn.Module]
    about: str
    epochs: tuple[int, int, int]
    examples: tuple[int | None, int | None, int | None] = (512, 10_000, None)
    data: str = "mnist"
    binarisation: str | None = "resampled"
    source: Callable[[str], Data] | None = None
    batch_size: int = 100
    lr: float = 1e-3
    optimiser: str = "adam"
    clip: float | None = None
    weight_decay: float = 0.0
    seed: int = 0
    mixed_precision: bool | None = None
    half: bool = False
    finish: Callable[[nn.Module], nn.Module] | None = None
    draws: int | None = 1_000
    causes: tuple[Callable[..., Tensor], Callable[[Tensor], Tensor]] | None = None
    study: str | None = None
    weights: bool = True
    per_symbol: bool = False
    context: int = 0

    def training_data(self, budget: str) -> Data:
        """The training set of this budget."""
        limit = runtime.by_budget(**dict(zip(runtime.BUDGETS, self.examples, strict=True)), override=budget)
        data = self.source("train") if self.source else load(self.data, "train", binarisation=self.binarisation)
        return Data(data.x[:limit], None if data.y is None else data.y[:limit], data.name, data.split, data.binarisation)

    def test_data(self) -> Data:
        """The whole test set; grey images as one seeded draw (seed 0)."""
        if self.source:
            return self.source("test")
        return load(self.data, "test", binarisation="fixed" if self.binarisation else None, seed=0)
