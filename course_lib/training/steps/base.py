"""What all steps share: the model, its optimisers and schedules, a random generator, a running average, and their state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from course_lib import runtime
from course_lib.datasets.batches import move
from course_lib.models.inputs import check_number
from course_lib.training import distributed
from course_lib.training.averaging import Rule, RunningAverage, check_averaging

Batch = Tensor | tuple[Tensor, ...]
Schedule = Callable[[Optimizer], LRScheduler]  # such as `cosine(total_steps)` in course_lib.training.optimisers
PRECISIONS = ("float32", "bfloat16")


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on this device: tensors on the CPU are copied there. ValueError where a tensor is on another accelerator."""
    for tensor in (batch,) if isinstance(batch, Tensor) else batch:
        if tensor.device.type != "cpu" and tensor.device != device:
            raise ValueError(
                f"the batch is on {tensor.device} and the model on {device}; "
                f"expected one device: Batches(…, device={str(device)!r})"
            )
    return move(batch, device)


def size_of(batch: Batch) -> int:
    """How many examples a batch holds."""
    return len(batch[0]) if isinstance(batch, (tuple, list)) else len(batch)


def check_precision(precision: str, device: torch.device) -> str:
    """The precision, where this device computes in it; otherwise ValueError with the fix."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; expected one of {PRECISIONS}")
    if precision == "bfloat16" and not runtime.bf16_supported(device):
        raise ValueError(f"precision is 'bfloat16', but {device} does not compute in it; use precision='float32'")
    return precision


def _check_parameters(optimisers: Mapping[str, Optimizer], model: nn.Module) -> None:
    """ValueError where an optimiser holds parameters of another model: that one would change, and this one would not."""
    own = {id(parameter) for parameter in model.parameters()}
    for name, optimiser in optimisers.items():
        if not isinstance(optimiser, Optimizer):
            raise ValueError(
                f"the optimiser {name!r} is {optimiser!r}; expected one of torch.optim, made from model.parameters()"
            )
        if not {id(p) for group in optimiser.param_groups for p in group["params"]} <= own:
            raise ValueError(
                f"the optimiser {name!r} holds parameters of another model; expected those of this one: make the optimiser "
                "after the model, from model.parameters()"
            )


def _check_kind(optimiser: Optimizer, state: dict[str, Any]) -> None:
    """ValueError where the state is that of another kind of optimiser, which torch takes without a word and then fails in a step.

    Kinds differ in the names of their settings. A version of torch may add one or drop one, and that is no other kind.
    """
    for own, kept in zip(optimiser.param_groups, state["param_groups"], strict=False):
        missing, unknown = own.keys() - kept.keys() - {"initial_lr"}, kept.keys() - own.keys() - {"initial_lr"}
        if missing and unknown:
            raise ValueError(f"the optimiser has {sorted(missing)}, its kept state {sorted(unknown)}")


def _numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The numbers among the settings of one group of parameters; others say how a step is computed, not what it does."""
    whole = {**group, "lr": group.get("initial_lr", group.get("lr"))}
    numbers = {name: value for name, value in whole.items() if name not in ("params", "initial_lr")}
    return {name: value for name, value in numbers.items() if isinstance(value, (int, float, tuple)) and type(value) is not bool}


class Step(ABC):
    """A callable step(batch) -> {name: mean over the batch, ()}, which owns everything that training changes.

    A subclass defines `move(batch)`, which changes the model once. `state_dict` holds the whole state, so that a run that
    resumes from it equals one that was never stopped. A model's `before_step(batch, steps)`, where there is one, is called
    before each move, without gradient, with the number of steps already done.

    Args:
        model: what is trained.
        optimisers: by name.
        seed: of the generator from which the step and the model's loss draw.
        schedule: makes each optimiser's learning-rate scheduler, which moves once per step; None keeps the rates.
        clip: largest norm of a gradient; None leaves it as it is.
        precision: of the forward pass. "bfloat16" is used where torch's autocast allows it; parameters stay float32.
        averaging: the rule of a running average of the parameters (course_lib.training.averaging); None keeps none.
        part: which part of the model is averaged; None is the whole model.
    """

    can_spread = False  # whether several processes may share its work (distributed.spread)

    def __init__(
        self,
        model: nn.Module,
        optimisers: Mapping[str, Optimizer],
        *,
        seed: int = 0,
        schedule: Schedule | None = None,
        clip: float | None = None,
        precision: str = "float32",
        averaging: Rule | None = None,
        part: Callable[[nn.Module], nn.Module] | None = None,
    ):
        if clip is not None:
            clip = check_number(clip, "clip", "None or the largest norm of the gradient", above=0)
        check_averaging(averaging)
        _check_parameters(optimisers, model)
        self.model, self.optimisers, self.clip = model, dict(optimisers), clip
        self.device = runtime.device_of(model)
        self.precision = check_precision(precision, self.device)
        self.generator = runtime.generator(seed, self.device)
        self.schedulers = {name: schedule(optimiser) for name, optimiser in self.optimisers.items()} if schedule else {}
        self.average = RunningAverage(model, averaging, *([part] if part else [])) if averaging else None
        self.parallel: dict[str, nn.Module] = {}  # by loss: the same loss over several processes (distributed.spread)
        self.steps = 0

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from one batch. The values stay on the device, so that nothing waits for it."""
        batch = to_device(batch, self.device)
        self.model.train()
        self._prepare(batch)
        if self.average and self.average.rule.before:
            self.average.update()
        values = self.move(batch)
        for scheduler in self.schedulers.values():
            scheduler.step()
        self.steps += 1
        if self.average and not self.average.rule.before:
            self.average.update()
        return values

    @abstractmethod
    def move(self, batch: Batch) -> dict[str, Tensor]:
        """Change the model once; return what is to be averaged over the epoch."""

    def losses(self) -> dict[str, tuple[nn.Module, Callable[..., Tensor]]]:
        """Name -> a loss whose gradient this step goes down, and the module that it changes."""
        return {}

    def _prepare(self, batch: Batch) -> None:
        """Call the model's `before_step`, if it has one, with the same result in all processes."""
        if hasattr(self.model, "before_step"):
            with torch.no_grad():
                self.model.before_step(batch, self.steps)
            distributed.follow_first(self.model)

    def descend(self, name: str, batch: Batch, optimisers: Iterable[str]) -> Tensor:
        """One step of the named optimisers down the gradient of one of `losses`; that loss, without gradient."""
        module, loss_of = self.losses()[name]
        loss_of, parameters = self.parallel.get(name, loss_of), list(module.parameters())
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            loss = loss_of(batch, generator=self.generator)
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(parameters, self.clip)
        for key in optimisers:
            self.optimisers[key].step()
        return loss.detach()

    def result(self) -> nn.Module:
        """The module to keep: the running average where there is one, otherwise the model itself."""
        return self.average.result() if self.average else self.model

    def settings(self) -> dict[str, Any]:
        """What a run that goes on must have in common with this one: the optimisers' numbers, clip and precision.

        Of a rate that a schedule moves, this is the full one.
        """
        return {
            "optimisers": {name: [_numbers(group) for group in o.param_groups] for name, o in self.optimisers.items()},
            "clip": self.clip,
            "precision": self.precision,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes. With several processes, each has to call this."""
        return {
            "model": self.model.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "schedulers": {name: scheduler.state_dict() for name, scheduler in self.schedulers.items()},
            "generator": distributed.gathered(runtime.generator_state(self.generator)),
            "average": self.average.state_dict() if self.average else None,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        for name, optimiser in self.optimisers.items():
            _check_kind(optimiser, state["optimisers"][name])
            optimiser.load_state_dict(state["optimisers"][name])
        for name, scheduler in self.schedulers.items():
            scheduler.load_state_dict(state["schedulers"][name])
        runtime.restore_generator(self.generator, distributed.own_part(state["generator"]))
        if self.average:
            self.average.load_state_dict(state["average"])
        self.steps = int(state["steps"])
