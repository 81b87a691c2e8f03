"""The optimisers that recipes name, and the schedules of their learning rates.

A schedule makes the scheduler of one optimiser: `GradientStep(model, schedule=cosine(1_000, warm_up=100))`. Any function that
takes an optimiser and returns one of torch.optim.lr_scheduler's schedulers will do.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import nn
from torch.optim import AdamW, Muon, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from course_lib.runtime import check_index

OPTIMISERS = ("adam", "muon")


def optimisers(model: nn.Module, kind: str = "adam", *, lr: float, weight_decay: float = 0.0) -> dict[str, Optimizer]:
    """Optimisers by name, each parameter of the model in one of them.

    kind: "adam" is AdamW for all (Loshchilov & Hutter 2019; without decay, Adam). "muon" gives the matrices to Muon
        (Jordan et al. 2024): each step's update of a matrix is made nearly orthogonal, so that it moves along weak
        directions of the gradient as far as along strong ones. The update is then scaled to the root mean square of Adam's
        updates (Liu et al. 2025), so that one lr serves both. Matrices have two dimensions, both above 1.
    """
    if kind not in OPTIMISERS:
        raise ValueError(f"optimiser is {kind!r}; expected one of {OPTIMISERS}")
    parameters = list(model.parameters())
    matrices = [p for p in parameters if p.ndim == 2 and min(p.shape) > 1] if kind == "muon" else []
    taken = {id(p) for p in matrices}
    rest = [p for p in parameters if id(p) not in taken]
    made: dict[str, Optimizer] = {}
    if rest:
        made["main"] = AdamW(rest, lr=lr, weight_decay=weight_decay, fused=True)
    if matrices:
        made["matrices"] = Muon(matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    return made


@dataclass(frozen=True)
class _Shares(ABC):
    """A schedule by its share of the full learning rate; the scheduler is torch's LambdaLR, which counts the steps."""

    total_steps: int
    warm_up: int = 0

    def __post_init__(self):
        check_index(self.total_steps, "total_steps", 1)
        if check_index(self.warm_up, "warm_up") >= self.total_steps:
            raise ValueError(f"warm_up is {self.warm_up} of {self.total_steps} steps; expected fewer than all of them")

    def __call__(self, optimiser: Optimizer) -> LambdaLR:
        return LambdaLR(optimiser, lambda step: self.share(step))

    def share(self, step: int) -> float:
        """The share of the full rate in this step, 0, 1, …; in the first `warm_up` steps it rises by equal amounts."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        return self.falling(min((step - self.warm_up) / (self.total_steps - self.warm_up), 1.0))

    @abstractmethod
    def falling(self, done: float) -> float:
        """The share after this part, in [0, 1], of the steps that follow the warm-up."""


@dataclass(frozen=True)
class cosine(_Shares):
    """The rates fall to 0 along half a cosine over `total_steps`, of which the first `warm_up` steps rise linearly.

    Loshchilov & Hutter (2017), eq. 5, without restarts.
    """

    def falling(self, done: float) -> float:
        return (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class linear(_Shares):
    """The rates stay full for the first `constant` of the steps, then fall to 0 on a straight line."""

    constant: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.constant < 1:
            raise ValueError(f"constant is {self.constant!r}; expected a share of the steps in [0, 1)")

    def falling(self, done: float) -> float:
        return min(1.0, (1 - done) / (1 - self.constant))
