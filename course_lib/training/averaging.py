"""Running averages of a model's parameters while it trains: the average is often better than any single step's parameters.

A rule says which share the newest parameters get; `RunningAverage` keeps the average, by torch's `AveragedModel`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from course_lib.runtime import check_index


class Rule(Protocol):
    """How to average. `before` says whether a step's parameters are taken before the step changes them, or after."""

    before: bool

    def share(self, t: int) -> float:
        """The share in (0, 1] that the t-th parameters get, t = 1, 2, …; the average of those before them keeps the rest."""


@dataclass(frozen=True)
class ExponentialAverage:
    """Step t of T ends up with a share proportional to decay^(T - t): the usual average for generators and diffusion models.

    The shares sum to 1 from the first step on, so that the initial parameters leave no trace: the same correction as in Adam
    (Kingma & Ba 2015, section 3). decay: in [0, 1); about the last 1 / (1 - decay) steps count.
    """

    decay: float = 0.999
    before: ClassVar[bool] = False

    def __post_init__(self):
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay is {self.decay!r}; expected a number in [0, 1), such as 0.999")

    def share(self, t: int) -> float:
        return (1 - self.decay) / (1 - self.decay**t)


@dataclass(frozen=True)
class PolynomialAverage:
    """Step t of T ends up with a share of about (power + 1) t^power / T^(power + 1) (Shamir & Zhang 2013, section 4).

    As in the paper, what is averaged are the parameters at which the gradients were computed, the initial ones included.
    """

    power: int = 4
    before: ClassVar[bool] = True

    def __post_init__(self):
        check_index(self.power, "power")

    def share(self, t: int) -> float:
        return (self.power + 1) / (t + self.power)


@dataclass(frozen=True)
class TailAverage:
    """The plain mean of the parameters after every step beyond the first `after` steps; until then, the newest parameters."""

    after: int
    before: ClassVar[bool] = False

    def __post_init__(self):
        check_index(self.after, "after")

    def share(self, t: int) -> float:
        return 1 / max(t - self.after, 1)


def _whole(model: nn.Module) -> nn.Module:
    return model


class RunningAverage:
    """A copy of a model whose parameters are the running average of the model's own.

    The running means and variances of batch normalisation are averaged in the same way: those of a single step do not fit the
    averaged weights. All other buffers are those of the newest step.

    Args:
        model: what is being trained.
        rule: which share the newest parameters get.
        part: picks the part of a model to average, such as the generator; outside it, the copy follows the model.
    """

    def __init__(self, model: nn.Module, rule: Rule, part: Callable[[nn.Module], nn.Module] = _whole):
        self.model, self.rule, self.part = model, rule, part
        self.kept = copy.deepcopy(model).requires_grad_(False).eval()
        self.average = AveragedModel(part(model), multi_avg_fn=self._mix)
        self.average.module = part(self.kept)
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the model's present parameters into the average."""
        self.steps += 1
        old = [value.clone() for value in _statistics(self.part(self.kept))]
        self.average.update_parameters(self.part(self.model))
        for before, value in zip(old, _statistics(self.part(self.kept)), strict=True):
            value.copy_(torch.lerp(before, value, self.rule.share(self.steps)))

    def _mix(self, kept: list[Tensor], new: list[Tensor], _: Any) -> None:
        """One call of AveragedModel for all tensors of one type; whole numbers have no average."""
        if kept[0].is_floating_point():
            torch._foreach_lerp_(kept, new, self.rule.share(self.steps))
        else:
            torch._foreach_copy_(kept, new)

    @torch.no_grad()
    def result(self) -> nn.Module:
        """The copy with the averaged parameters, in eval mode. It is one object that later updates change."""
        averaged = {id(value) for value in _tensors(self.part(self.kept))}
        for kept, new in zip(_tensors(self.kept), _tensors(self.model), strict=True):
            if id(kept) not in averaged:
                kept.copy_(new)
        return self.kept

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on averaging as if never stopped."""
        return {"kept": self.kept.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept.load_state_dict(state["kept"])
        self.steps = int(state["steps"])
        self.average.n_averaged.fill_(self.steps)


def check_averaging(averaging: Any) -> None:
    """ValueError unless this is None or a rule."""
    rule = not isinstance(averaging, type) and callable(getattr(averaging, "share", None)) and hasattr(averaging, "before")
    if averaging is not None and not (rule and math.isfinite(averaging.share(1))):
        raise ValueError(f"averaging is {averaging!r}; expected None or a rule such as ExponentialAverage(decay=0.999)")


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _statistics(module: nn.Module) -> list[Tensor]:
    """The running means and variances of all batch normalisation layers."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._NormBase)]
    return [value for layer in layers for value in (layer.running_mean, layer.running_var) if value is not None]
