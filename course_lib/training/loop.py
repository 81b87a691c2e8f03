"""The one training loop. A step knows how to learn from a batch; the loop knows when."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from course_lib import runtime
from course_lib.training import checkpoints

History = list[dict[str, float]]  # one row an epoch: "epoch", "seconds", and the mean of everything the step returned


class TrainingDiverged(ArithmeticError):
    """The loss became NaN or infinite. The model was put back to its last good state."""


class Checkpoint:
    """A callback that saves everything a run needs to go on, after every `every` epochs, whole or not at all.

    Args:
        path: of the .safetensors file; a .json lies beside it.
        step, batches: what is being trained, on what.
        every: epochs between two saves.
    """

    def __init__(self, path: Path | str, step, batches, *, every: int = 1):
        self.path, self.step, self.batches, self.every = Path(path), step, batches, every

    def __call__(self, history: History) -> None:
        if history[-1]["epoch"] % self.every == 0:
            state = {"step": self.step.state_dict(), "batches": self.batches.state_dict()}
            checkpoints.write_state(self.path, state, {"history": history})

    def resume(self) -> History:
        """Load the last save, if there is one, into step and batches; return its history (empty if none)."""
        if not self.path.exists():
            return []
        state, extra = checkpoints.read_state(self.path)
        self.step.load_state_dict(state["step"])
        self.batches.load_state_dict(state["batches"])
        return extra["history"]


def fit(
    step, batches, epochs: int, callbacks: Sequence[Callable[[History], None]] = (), *, history: History | None = None
) -> History:
    """Run `step` over `batches` until `epochs` passes are done; return one row of means an epoch.

    Args:
        step: step(batch) -> dict of floats; with state_dict, load_state_dict and model (see steps).
        batches: a sized iterable of batches, gone through once an epoch.
        callbacks: called with the history after every epoch.
        history: rows of the epochs already done, as `Checkpoint.resume` returns them; grows in place.

    An interrupt (Ctrl-C, or the stop button) ends training and keeps the model and the history. A loss that is not
    finite raises TrainingDiverged, with the state put back to the last epoch's end.
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
                        step.load_state_dict(good)
                        raise TrainingDiverged(
                            f"{name} became {value} in epoch {epoch}; the model is back as it was after epoch {epoch - 1}. "
                            "Likely mends: a smaller learning rate, clip=1.0, or a look for bad values in the data"
                        )
                    sums[name] = sums.get(name, 0.0) + size * value
            means = {name: total / seen for name, total in sums.items()}
            history.append({"epoch": epoch, "seconds": time.perf_counter() - began, **means})
            good = copy.deepcopy(step.state_dict())
            for callback in callbacks:
                callback(history)
    except KeyboardInterrupt:
        print(f"stopped by hand after {len(history)} whole epochs; the model and its history are kept")
    return history
