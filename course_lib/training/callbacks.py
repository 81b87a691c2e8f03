"""What `fit` calls after every epoch: saving what a run needs to go on, and measuring on held-out data."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from course_lib import runtime
from course_lib.training import distributed, states
from course_lib.training.fingerprint import described, differences
from course_lib.training.loop import History
from course_lib.training.steps.base import Batch, size_of, to_device


class Checkpoint:
    """A callback that saves everything a run needs to go on, after every `every` epochs, whole or not at all.

    Where the disk is full or the folder cannot be written, training goes on, and one line says that nothing was saved.

    Args:
        path: of the .safetensors file, which holds the history too.
        step, batches: what is being trained, on what. The `settings()` that each has as it is given are kept under "settings";
            a run with other settings does not go on from here.
        every: epochs between two saves.
        keep: other callbacks with a state_dict, whose state is saved too: `Validation`, `Film`.
        about: a description of this run, as JSON; the file keeps it under "about".
    """

    everywhere = True

    def __init__(
        self, path: Path | str, step, batches, *, every: int = 1, keep: Sequence[Any] = (), about: dict[str, Any] | None = None
    ):
        self.path, self.step, self.batches, self.every = Path(path), step, batches, runtime.check_index(every, "every", 1)
        self.keep, self.about = list(keep), about
        settings = {name: described(getattr(part, "settings", dict)()) for name, part in (("step", step), ("batches", batches))}
        self.settings = json.loads(json.dumps(settings, default=float))  # as it will be read
        self.failed = False

    def __call__(self, history: History) -> None:
        if history[-1]["epoch"] % self.every == 0:
            try:
                self.save(history)
            except (OSError, SafetensorError) as error:
                if not self.failed:
                    print(f"{self.path} could not be written ({error}); training goes on, but cannot be resumed from here")
                self.failed = True

    def save(self, history: History) -> None:
        """Save now. Raises OSError or SafetensorError where the file cannot be written. With several processes, all call this."""
        state = {
            "step": self.step.state_dict(),
            "batches": self.batches.state_dict(),
            "torch": distributed.gathered(runtime.generator_state(_own_generator(self.step.model))),
            "keep": [other.state_dict() for other in self.keep],
        }
        if distributed.first():
            states.write(self.path, state, {"history": list(history), "about": self.about, "settings": self.settings})

    def resume(self) -> History:
        """Load the last save, if there is one, into step and batches; return its history (empty if none).

        Raises ValueError where the state is damaged, or is that of another model, of other optimisers, settings or data.
        """
        if not self.path.exists():
            return History()
        state, extra = states.read(self.path)
        if changed := differences(extra.get("settings", self.settings), self.settings):  # older versions kept no settings
            raise self._misfit("; ".join(changed))
        try:
            self.step.load_state_dict(state["step"])
            self.batches.load_state_dict(state["batches"])
            for other, kept in zip(self.keep, state["keep"], strict=True):
                other.load_state_dict(kept)
            runtime.restore_generator(_own_generator(self.step.model), distributed.own_part(state["torch"]))
            return History(extra["history"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise self._misfit(" ".join(f"{type(error).__name__}: {error}".split())) from error

    def _misfit(self, reason: str) -> ValueError:
        return ValueError(
            f"{self.path} does not fit this run ({reason}); "
            "it was made by other settings: go back to them, or delete the file and begin anew"
        )


def _own_generator(model: nn.Module) -> torch.Generator:
    """Torch's own generator of the model's device, from which layers such as dropout draw."""
    device = runtime.device_of(model)
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[device.index or 0]
    return torch.mps._get_default_mps_generator() if device.type == "mps" else torch.default_generator


class Validation:
    """A callback that measures the model on held-out data, writes the mean into the history row, and remembers the best epoch.

    What is measured is `step.result()`, in eval mode and without gradient. With several processes the first one measures.

    Args:
        step: what is being trained.
        data: held-out examples: one batch (a tensor, or a tuple of tensors), or a list or `Batches` of them, which draw the
            same order and the same pixels in each measurement.
        measure: (model, batch) -> mean over the batch's examples, or one number per example (B,); None is model.loss, with
            noise from a generator seeded anew each time, so that epochs are compared by the same noise.
        every: epochs between two measurements; the last epoch is measured when `every` divides it.
        name: of the number in the history's rows.
        smaller_is_better: which epoch is the best; one whose number is not finite never is.
        keep_best: keep a copy of the best epoch's parameters, for `restore`.
    """

    everywhere = True
    writes = True

    def __init__(
        self,
        step,
        data,
        measure: Callable[[nn.Module, Batch], Tensor | float] | None = None,
        *,
        every: int = 1,
        name: str = "validation",
        smaller_is_better: bool = True,
        keep_best: bool = True,
    ):
        self.step, self.measure, self.name = step, measure or _loss, name
        self.batches = [data] if isinstance(data, (Tensor, tuple)) else data
        self.beginning = copy.deepcopy(data.state_dict()) if hasattr(data, "state_dict") else None
        self.every = runtime.check_index(every, "every", 1)
        self.sign, self.keep_best = 1 if smaller_is_better else -1, keep_best
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.best_state: dict[str, Tensor] | None = None

    def __call__(self, history: History) -> None:
        row = history[-1]
        if row["epoch"] % self.every:
            return
        value = distributed.from_first(self.value() if distributed.first() else None)
        row[self.name] = value
        if math.isfinite(value) and (self.best is None or self.sign * value < self.sign * self.best):
            self.best, self.best_epoch = value, row["epoch"]
            if self.keep_best:
                self.best_state = copy.deepcopy(self.step.result().state_dict())

    @torch.no_grad()
    def value(self) -> float:
        """The present model's mean over all held-out examples."""
        model, total, seen = self.step.result(), 0.0, 0
        training, device = model.training, runtime.device_of(model)
        model.eval()
        with self._from_the_beginning():
            for batch in self.batches:
                batch = to_device(batch, device)
                total += size_of(batch) * float(torch.as_tensor(self.measure(model, batch)).cpu().double().mean())
                seen += size_of(batch)
        model.train(training)
        if not seen:
            raise ValueError("data hold no example to measure on; expected at least one")
        return total / seen

    @contextmanager
    def _from_the_beginning(self) -> Iterator[None]:
        """Inside, held-out `Batches` draw what they drew the first time; afterwards they go on as if not used here."""
        if self.beginning is None:
            yield
            return
        before = copy.deepcopy(self.batches.state_dict())
        self.batches.load_state_dict(self.beginning)
        try:
            yield
        finally:
            self.batches.load_state_dict(before)

    def restore(self) -> nn.Module:
        """`step.result()` with the best epoch's parameters. Raises ValueError where none were kept."""
        if self.best_state is None:
            raise ValueError("no best epoch is kept; expected keep_best=True, and a finite measurement before")
        model = self.step.result()
        model.load_state_dict(self.best_state)
        return model

    def state_dict(self) -> dict[str, Any]:
        """Best number, epoch and parameters."""
        return {"best": self.best, "best_epoch": self.best_epoch, "best_state": self.best_state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch, self.best_state = state["best"], state["best_epoch"], state["best_state"]


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    return model.loss(batch, generator=runtime.generator(0, runtime.device_of(model)))
