"""Learning by expectation-maximisation."""

from __future__ import annotations

from torch import Tensor, nn

from course_lib.training.steps.base import Batch, Step


class EMStep(Step):
    """One step of expectation-maximisation (Dempster, Laird & Rubin 1977).

    model: has em_step(x) -> mean log-likelihood in nats before the step, which never falls where all steps see the same x.
    """

    def __init__(self, model: nn.Module, *, seed: int = 0):
        super().__init__(model, {}, seed=seed)

    def move(self, batch: Batch) -> dict[str, Tensor]:
        return {"log_likelihood": self.model.em_step(batch)}
