"""The one training loop. A step knows how to learn from a batch; the loop knows when."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from course_lib import runtime
from course_lib.datasets.batches import Batches
from course_lib.models.inputs import trusted_values
from course_lib.training import distributed
from course_lib.training.steps.base import size_of

LOOK = 50  # steps between two looks at the values that lie on the device


class History(list):
    """One row, a dict, per epoch: "epoch", "seconds", and the mean over its examples of everything the step returned.

    stopped: whether the run was stopped by hand before its last epoch; look at it before you save the model as finished.
    """

    stopped = False


class TrainingDiverged(ArithmeticError):
    """A loss or a parameter became NaN or infinite. The step was put back to its last good state."""


class _NotFinite(Exception):
    """What became NaN or infinite, and where."""


class _Means:
    """Means over the examples of an epoch. Values stay on the device until `look`, so that no step waits for the device."""

    def __init__(self, device: torch.device):
        self.device, self.waiting, self.sums, self.seen, self.steps = device, [], {}, {}, 0

    def add(self, values: dict[str, Any], size: int) -> None:
        self.waiting.append((values, size))
        if len(self.waiting) == LOOK:
            self.look()

    def look(self) -> None:
        """Fetch all waiting values in one transfer, and add them up. Raises _NotFinite where a value is NaN or infinite."""
        waiting, self.waiting = self.waiting, []
        numbers = iter(_fetch([value for values, _ in waiting for value in values.values()]))
        rows = [({name: next(numbers) for name in values}, size) for values, size in waiting]
        for row, size in _over_processes(rows, self.device):
            self.steps += 1
            for name, value in row.items():
                if not math.isfinite(value):
                    raise _NotFinite(f"{name} became {value} in step {self.steps}")
                self.sums[name] = self.sums.get(name, 0.0) + size * value
                self.seen[name] = self.seen.get(name, 0) + size

    def means(self) -> dict[str, float]:
        return {name: value / self.seen[name] for name, value in self.sums.items()}


def _fetch(values: list[Any]) -> list[float]:
    """The values as floats, tensors among them by one transfer from the device."""
    tensors = [value.detach().reshape(()) for value in values if isinstance(value, torch.Tensor)]
    fetched = iter(torch.stack(tensors).tolist() if tensors else [])
    return [next(fetched) if isinstance(value, torch.Tensor) else float(value) for value in values]


def _over_processes(rows: list[tuple[dict[str, float], int]], device: torch.device) -> list[tuple[dict[str, float], int]]:
    """The rows of all processes, merged row by row: sums of sizes, means over all examples. Each process has as many rows."""
    if distributed.world() == 1 or not rows:
        return rows
    table = torch.tensor([[size, *(size * v for v in row.values())] for row, size in rows], device=device, dtype=torch.double)
    return [
        (dict(zip(row, (v / size for v in sums), strict=True)), int(size))
        for (row, _), (size, *sums) in zip(rows, distributed.total(table).tolist(), strict=True)
    ]


def _epoch(step, batches, watchers: Sequence[Callable[[dict], None]], label: str, interrupted, trusted: bool) -> dict[str, float]:
    """Go through the batches once; the means of what the step returned. Raises _NotFinite.

    trusted: the model does not look at the values of its data again (models/inputs).
    """
    device = runtime.device_of(step.model)
    means = _Means(device)
    for index, batch in enumerate(_shown(batches, label), 1):
        try:
            with trusted_values(trusted):
                values = step(batch)
        except (ValueError, RuntimeError, ArithmeticError):
            if distributed.world() == 1:
                means.look()  # a NaN of an earlier step may have caused the error: then report the NaN
            raise
        means.add(values, size_of(batch))
        for watch in watchers:
            watch(values)
        if index % LOOK == 0:
            interrupted(device)
    means.look()
    trained = [torch.isfinite(p).all() for p in step.model.parameters() if p.requires_grad]
    if trained and not torch.stack(trained).all():  # the last loss was finite, but not the last update
        raise _NotFinite("a parameter became NaN or infinite at the end")
    interrupted(device)
    return means.means()


def _shown(batches, label: str) -> Iterator:
    """The batches, with a progress line in the first process."""
    return runtime.progress(batches, label, total=len(batches)) if distributed.first() else iter(batches)


def _called_here(callbacks: Sequence[Callable[[History], None]]) -> list[Callable[[History], None]]:
    """The callbacks of this process, in their order, but those with `writes = True` first: a checkpoint keeps what they write.

    With several processes, the first one calls them all, the others those with `everywhere = True`.
    """
    own = [call for call in callbacks if distributed.first() or getattr(call, "everywhere", False)]
    return sorted(own, key=lambda call: not getattr(call, "writes", False))


def fit(
    step, batches, epochs: int, callbacks: Sequence[Callable[[History], None]] = (), *, history: Sequence[dict] | None = None
) -> History:
    """Run `step` over `batches` until `epochs` epochs are done; return one row of means per epoch.

    Args:
        step: step(batch) -> {name: mean over the batch}; with state_dict, load_state_dict and model (see steps).
        batches: a sized iterable of batches, gone through once per epoch. The model checks the values of its data in the first
            epoch that is run here; in later ones it trusts those of `Batches` and of lists, which have the same examples again.
        callbacks: each is called with the history after every epoch, and may write into its last row; `after_step(values)`,
            where it has one, after every step. See `_called_here` for their order and for several processes.
        history: rows of the epochs already done, as `Checkpoint.resume` returns them.

    An interrupt (Ctrl-C, or the stop button) ends training and keeps the model and the history, whose `stopped` is then
    True. A loss or a parameter that is not finite raises TrainingDiverged, with the state put back to the last epoch's end.
    """
    if not len(batches):
        raise ValueError("batches hold no batch; expected at least one per epoch, such as Batches(x, 100)")
    history = history if isinstance(history, History) else History(history or ())
    history.stopped = trusted = False
    callbacks = _called_here(callbacks)
    watchers = [call.after_step for call in callbacks if hasattr(call, "after_step")]
    good = copy.deepcopy(step.state_dict())
    try:
        with distributed.interrupts() as interrupted:
            for epoch in range(len(history) + 1, runtime.check_index(epochs, "epochs") + 1):
                began = time.perf_counter()
                means = _epoch(step, batches, watchers, f"epoch {epoch}/{epochs}", interrupted, trusted)
                trusted = isinstance(batches, (Batches, list, tuple))  # the next epoch has the examples of this one
                history.append({"epoch": epoch, "seconds": time.perf_counter() - began, **means})
                good = copy.deepcopy(step.state_dict())
                for call in callbacks:
                    call(history)
    except _NotFinite as found:
        step.load_state_dict(good)
        raise TrainingDiverged(
            f"{found} of epoch {len(history) + 1}; the model is back as it was after epoch {len(history)}. "
            "Likely fixes: a smaller learning rate, clip=1.0, or a look for bad values in the data"
        ) from None
    except KeyboardInterrupt:
        history.stopped = True
        if distributed.first():
            whole = "1 whole epoch" if len(history) == 1 else f"{len(history)} whole epochs"
            print(f"stopped by hand after {whole}; the model and its history are kept")
    return history
