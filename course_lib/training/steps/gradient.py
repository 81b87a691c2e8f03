"""Learning down the gradient of a model's loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_number
from course_lib.training.averaging import Rule
from course_lib.training.optimisers import cosine
from course_lib.training.steps.base import Batch, Schedule, Step


class GradientStep(Step):
    """One step down the gradient of `model.loss(batch)`.

    Args:
        model: has loss(x, generator=…) -> mean loss, ().
        optimiser: over the model's parameters, or several by name, each over its part; None makes Adam with `lr`.
        lr: learning rate when optimiser is None.
        total_steps: when given, the learning rates fall to 0 along half a cosine over so many steps; short for
            schedule=cosine(total_steps).
        schedule, clip, precision, averaging, seed: see `Step`.
    """

    can_spread = True

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer | Mapping[str, torch.optim.Optimizer] | None = None,
        *,
        lr: float = 1e-3,
        total_steps: int | None = None,
        schedule: Schedule | None = None,
        clip: float | None = None,
        precision: str = "float32",
        averaging: Rule | None = None,
        seed: int = 0,
    ):
        if total_steps is not None and schedule is not None:
            raise ValueError("total_steps and schedule are both given; expected one of them: total_steps=N is cosine(N)")
        lr = check_number(lr, "lr", "a learning rate, such as 1e-3,", least=0)
        optimiser = optimiser or torch.optim.Adam(model.parameters(), lr=lr)
        super().__init__(
            model,
            optimiser if isinstance(optimiser, Mapping) else {"main": optimiser},
            seed=seed,
            schedule=cosine(total_steps) if total_steps is not None else schedule,
            clip=clip,
            precision=precision,
            averaging=averaging,
        )

    def losses(self) -> dict[str, tuple[nn.Module, Callable[..., Tensor]]]:
        return {"loss": (self.model, self.model.loss)}

    def move(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.descend("loss", batch, self.optimisers)}
