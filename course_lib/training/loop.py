"""The one training loop. A step knows how to learn from a batch; the loop knows when."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib import runtime
from course_lib.training import checkpoints

History = list[dict[str, float]]  # one row an epoch: "epoch", "seconds", and the mean of everything the step returned


class TrainingDiverged(ArithmeticError):
    """The loss became NaN or infinite. The model was put back to its last good state."""


class Checkpoint:
    """A callback that saves everything a run needs to go on, after every `every` epochs, whole or not at all.

    Args:
        path: of the .safetensors file, which holds the history too.
        step, batches: what is being trained, on what.
        every: epochs between two saves.
    """

    def __init__(self, path: Path | str, step, batches, *, every: int = 1):
        self.path, self.step, self.batches, self.every = Path(path), step, batches, every

    def __call__(self, history: History) -> None:
        if history[-1]["epoch"] % self.every == 0:
            state = {"step": self.step.state_dict(), "batches": self.batches.state_dict(), "torch": _torch_generators()}
            checkpoints.write_state(self.path, state, {"history": history})

    def resume(self) -> History:
        """Load the last save, if there is one, into step and batches; return its history (empty if none)."""
        if not self.path.exists():
            return []
        state, extra = checkpoints.read_state(self.path)
        self.step.load_state_dict(state["step"])
        self.batches.load_state_dict(state["batches"])
        _restore_torch_generators(**state.get("torch", {}))
        return extra["history"]


def _torch_generators() -> dict[str, Any]:
    """The state of torch's own generators, from which layers such as dropout draw."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def _restore_torch_generators(cpu: torch.Tensor | None = None, cuda: Sequence[torch.Tensor] = ()) -> None:
    if cpu is not None:
        torch.set_rng_state(cpu)
    for index, state in zip(range(torch.cuda.device_count()), cuda, strict=False):
        torch.cuda.set_rng_state(state, index)


def _is_finite(model: torch.nn.Module) -> bool:
    """Whether all that is trained by gradient is finite; tables of log-probabilities may hold -inf."""
    return all(torch.isfinite(value).all() for value in model.parameters() if value.requires_grad)


def _diverged(step, good: dict, what: str, epoch: int) -> TrainingDiverged:
    """Put the step back to its last good state, and say so."""
    step.load_state_dict(good)
    return TrainingDiverged(
        f"{what} in epoch {epoch}; the model is back as it was after epoch {epoch - 1}. "
        "Likely mends: a smaller learning rate, clip=1.0, or a look for bad values in the data"
    )


def fit(
    step, batches, epochs: int, callbacks: Sequence[Callable[[History], None]] = (), *, history: History | None = None
) -> History:
    """Run `step` over `batches` until `epochs` passes are done; return one row of means an epoch.

    Args:
        step: step(batch) -> dict of floats; with state_dict, load_state_dict and model (see steps).
        batches: a sized iterable of batches, gone through once an epoch.
        callbacks: called with the history after every epoch.
        history: rows of the epochs already done, as `Checkpoint.resume` returns them; grows in place.

    An interrupt (Ctrl-C, or the stop button) ends training and keeps the model and the history. A loss or a parameter
    that is not finite raises TrainingDiverged, with the state put back to the last epoch's end.
    """
    history = [] if history is None else history
    good = copy.deepcopy(step.state_dict())
    try:
        for epoch in range(len(history) + 1, epochs + 1):
            began, sums, seen = time.perf_counter(), {}, 0
            for batch in runtime.progress(batches, f"epoch {epoch}/{epochs}", total=len(batches)):
                size = len(batch[0]) if isinstance(batch, (tuple, list)) else len(batch)
                seen += size
                for name, value in step(batch).items():
                    if not math.isfinite(value):
                        raise _diverged(step, good, f"{name} became {value}", epoch)
                    sums[name] = sums.get(name, 0.0) + size * value
            if not _is_finite(step.model):  # the last batch's loss was still finite, what it did to the model is not
                raise _diverged(step, good, "a parameter became NaN or infinite", epoch)
            means = {name: total / seen for name, total in sums.items()}
            history.append({"epoch": epoch, "seconds": time.perf_counter() - began, **means})
            good = copy.deepcopy(step.state_dict())
            for callback in callbacks:
                callback(history)
    except KeyboardInterrupt:
        print(f"stopped by hand after {len(history)} whole epochs; the model and its history are kept")
    return history
