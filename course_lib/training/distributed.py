"""Several processes, each with a part of every batch, by torch's own torchrun and DistributedDataParallel.

`torchrun --nproc-per-node 2 --no-python course train NAME` trains a recipe. A script that `torchrun --nproc-per-node 2 script.py`
starts says

    with distributed.group():
        batches = Batches(data, 100, seed=0, rank=distributed.rank(), world=distributed.world())
        step = distributed.spread(GradientStep(model))
        fit(step, batches, epochs)

and the same script, started without torchrun, trains in one process. The parts of a batch are equally large, as `Batches`
makes them; so the mean of the gradients is the gradient on the whole batch, and a loss that draws no noise gives the same
result with any number of processes, up to rounding. A loss that draws noise draws it from a generator seeded for each process,
so that no two examples share theirs; the result is then that of another seed. Batch normalisation sees only the part of
its own process: with nn.SyncBatchNorm.convert_sync_batchnorm(model) it sees all parts.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from course_lib import runtime


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """This process's number, from 0; 0 when it is alone."""
    return dist.get_rank() if _together() else 0


def world() -> int:
    """How many processes train together; 1 when this one is alone."""
    return dist.get_world_size() if _together() else 1


def first() -> bool:
    """Whether this process is the one that saves, prints and measures."""
    return rank() == 0


def started_by_torchrun() -> bool:
    """Whether torchrun, or a program that sets the same environment variables, started this process."""
    return all(name in os.environ for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"))


def join(device: torch.device, *, minutes: float = 30) -> bool:
    """Join the processes that torchrun started, over NCCL on GPUs and gloo elsewhere; whether this call did so.

    It does nothing without torchrun, and where this process has joined already.
    """
    if _together() or not (dist.is_available() and started_by_torchrun()):
        return False
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timedelta(minutes=minutes))
    return True


@contextmanager
def group(device: torch.device | None = None, *, minutes: float = 30) -> Iterator[None]:
    """Inside, this process has joined those that torchrun started (see `join`), and all but the first one print nothing.

    Without torchrun nothing changes. When a process fails, torchrun ends the others.

    Args:
        device: on which this process computes; None is `runtime.device()`.
        minutes: how long one process waits for another before it gives up.
    """
    joined = join(device or runtime.device(), minutes=minutes)
    printed, sys.stdout = sys.stdout, sys.stdout if first() else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        yield
    finally:
        if sys.stdout is not printed:
            sys.stdout.close()
            sys.stdout = printed
        if joined:
            dist.destroy_process_group()


class _Loss(nn.Module):
    """A module whose forward is a loss: DistributedDataParallel averages the gradients of what goes through a forward."""

    def __init__(self, part: nn.Module, loss: Callable[..., Tensor]):
        super().__init__()
        self.part = part
        self.loss = loss

    def forward(self, batch: Any, *, generator: torch.Generator) -> Tensor:
        return self.loss(batch, generator=generator)


def spread(step, *, find_unused_parameters: bool = False):
    """The step, its gradients averaged over all processes from now on; unchanged when this process is alone.

    Every process then has the parameters of process 0, and draws its own noise: the step's generator and torch's own are
    seeded anew by their seed plus the process's number. find_unused_parameters: True where a loss leaves parameters out.
    Raises ValueError for a kind of step whose chains or sums the processes would have to share, too.
    """
    if world() == 1:
        return step
    if not step.can_spread:
        raise ValueError(f"a {type(step).__name__} cannot be spread; expected a GradientStep or an AdversarialStep")
    follow_first(step.model)
    for name, (module, loss) in step.losses().items():
        step.parallel[name] = DistributedDataParallel(_Loss(module, loss), find_unused_parameters=find_unused_parameters)
    step.generator.manual_seed(step.generator.initial_seed() + rank())
    torch.manual_seed(torch.initial_seed() + rank())
    return step


@torch.no_grad()
def follow_first(model: nn.Module) -> None:
    """Give every process the parameters and buffers that process 0 has."""
    if world() > 1:
        for value in (*model.parameters(), *model.buffers()):
            dist.broadcast(value.detach(), 0)


def total(values: Tensor) -> Tensor:
    """The sum of these values over all processes."""
    if world() > 1:
        dist.all_reduce(values)
    return values


def anyone(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process; every process gets the same answer."""
    return bool(total(torch.tensor(float(flag), device=device)).item()) if world() > 1 else flag


def wait_for_all() -> None:
    """Go on when every process has come to this line."""
    if world() > 1:
        dist.barrier()


def from_first(value: Any) -> Any:
    """What this value is in process 0."""
    if world() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, 0)
    return box[0]


def gathered(value: Any) -> Any:
    """The value of every process, in a list by their numbers; when this process is alone, its own value as it is."""
    if world() == 1:
        return value
    every: list[Any] = [None] * world()
    dist.all_gather_object(every, value)
    return every


def own_part(kept: Any) -> dict[str, Any]:
    """This process's state of a generator, out of what `gathered` returned for runtime.generator_state.

    Where the number of processes was another one then, the state is marked as foreign, so that every process seeds anew.
    """
    states = kept if isinstance(kept, list) else [kept]
    if len(states) == world():
        return states[rank()]
    number = torch.tensor([rank()], dtype=torch.uint8)
    return {"device": f"{len(states)} processes", "state": torch.cat([states[0]["state"].cpu(), number])}


@contextmanager
def interrupts() -> Iterator[Callable[[torch.device], None]]:
    """Decide about Ctrl-C together: yields a function that raises KeyboardInterrupt in all processes when one was asked to stop.

    When this process is alone, Ctrl-C raises at once, as always, and the function does nothing.
    """
    asked: list[int] = []
    if world() == 1 or threading.current_thread() is not threading.main_thread():
        before = None
    else:
        before = signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))

    def look(device: torch.device) -> None:
        if anyone(bool(asked), device):
            raise KeyboardInterrupt

    try:
        yield look
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
