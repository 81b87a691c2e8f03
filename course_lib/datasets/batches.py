"""Batches: an index into tensors that already lie in memory (or on the GPU), never a loop over examples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets.data import Data, Unpaired

BINARISATIONS = (None, "fixed", "resampled")


def binarise(grey: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Draw each pixel as 1 with its grey value in [0, 1] as the probability (Salakhutdinov & Murray 2008), else as 0.

    The result has the shape, type and device of `grey`. Raises ValueError for values outside [0, 1], and for NaN.
    """
    _check_values(grey, "grey", grey=True)
    return (runtime.uniform(grey.shape, grey, generator) < grey).to(grey.dtype)


def _check_values(x: Tensor, name: str, *, grey: bool = False) -> None:
    """ValueError unless every float is finite, and in [0, 1] where grey values are expected."""
    if not x.numel() or not (grey or x.is_floating_point()):
        return
    low, high = (bound.item() for bound in x.aminmax())  # NaN anywhere makes both NaN
    if not math.isfinite(high - low):
        what = "NaN" if math.isnan(low) else "infinity"
        raise ValueError(f"{name} has {what} in it; expected finite numbers: torch.nan_to_num(x), or drop those examples")
    if grey and not 0 <= low <= high <= 1:
        raise ValueError(f"{name} has values in [{low:.4g}, {high:.4g}]; expected grey values in [0, 1]: divide by 255")


def move(batch: Any, device: str | torch.device) -> Any:
    """A batch with each of its tensors on this device. batch: a tensor, or tuples and lists of batches; None stays None."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        moved = [move(part, device) for part in batch]
        return moved if isinstance(batch, list) else tuple(moved)
    return batch


class Batches:
    """One epoch after another over data in memory, shuffled anew each time; `state_dict` lets a run be resumed.

    The data are checked once, here: every float is finite, and grey values that are to be binarised lie in [0, 1]. A training
    step need not look again. A batch is a tensor where the data are one tensor, otherwise a tuple of tensors.

    Args:
        data: a tensor (N, …); a tuple of tensors of equal length, such as images with their labels, or pairs; `Unpaired(a, b)`;
            or the `Data` that `load` returns, which yields x alone, and whose own binarisation is used.
        batch_size: examples per batch; the last batch of an epoch may be smaller.
        seed: seeds the shuffling and the binarisation.
        binarisation: "resampled" draws every pixel of the first tensor anew in every epoch; None leaves the data as they are.
        shuffle: False keeps the order.
        labels: True yields (x, y) of a `Data`.
        device: where the tensors are kept; None leaves them where they are.
        rank, world: the number of this process and how many share the work. All shuffle alike and draw the same pixels, and
            each takes its contiguous part of every batch. All have the same number of batches of the same sizes: where the
                last batch cannot be divided equally, this epoch leaves the remaining examples out.

    Raises ValueError for data, sizes and arguments that do not fit.
    """

    def __init__(
        self,
        data: Tensor | tuple[Tensor, ...] | Unpaired | Data,
        batch_size: int,
        *,
        seed: int = 0,
        binarisation: str | None = None,
        shuffle: bool = True,
        labels: bool = False,
        device: str | torch.device | None = None,
        rank: int = 0,
        world: int = 1,
    ):
        binarisation = _binarisation(data, binarisation)
        sets = _sets(data, labels)
        self.alone = sum(len(tensors) for tensors in sets) == 1  # a batch is a tensor, not a tuple
        self.count = min(len(tensors[0]) for tensors in sets)  # examples per epoch
        self.batch_size = runtime.check_index(batch_size, "batch_size", 1)
        self.world = runtime.check_index(world, "world", 1)
        self.rank = runtime.check_index(rank, "rank")
        if self.rank >= self.world or self.batch_size % self.world or not len(self):
            raise ValueError(
                f"rank {rank} of {world} processes, batch_size {batch_size}, {self.count} examples; expected 0 <= rank < world, "
                f"a batch_size that is a multiple of {world}, and at least 1 example per process"
            )
        self.resampled, self.shuffle = binarisation == "resampled", shuffle
        for place, tensor in enumerate(tensor for tensors in sets for tensor in tensors):
            _check_values(tensor, "data" if self.alone else f"data[{place}]", grey=self.resampled and place == 0)
        self.sets = sets if device is None else [move(tensors, device) for tensors in sets]
        self.generator = runtime.generator(seed, self.x.device)

    @property
    def x(self) -> Tensor:
        """The first tensor of the data, (N, …), on the batches' device."""
        return self.sets[0][0]

    def __len__(self) -> int:
        """Batches per epoch."""
        whole, left = divmod(self.count, self.batch_size)
        return whole + (left >= self.world)

    def __iter__(self) -> Iterator[Tensor | tuple[Tensor, ...]]:
        orders = [self._order(len(tensors[0])) for tensors in self.sets]
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            size = min(self.batch_size, self.count - start)  # of the batch that all processes share
            share = size // self.world
            own = slice(self.rank * share, (self.rank + 1) * share)
            chosen = [order[start : start + size] for order in orders]
            batch = [tensor[rows[own]] for tensors, rows in zip(self.sets, chosen, strict=True) for tensor in tensors]
            if self.resampled:
                batch[0] = self._binarised(batch[0], size, own)
            yield batch[0] if self.alone else tuple(batch)

    def _order(self, count: int) -> Tensor:
        if not self.shuffle:
            return torch.arange(count, device=self.x.device)
        return torch.randperm(count, generator=self.generator, device=self.x.device)

    def _binarised(self, grey: Tensor, size: int, own: slice) -> Tensor:
        """This process's grey images, binarised by its part of the whole batch's noise, as one process alone would draw them."""
        noise = runtime.uniform((size, *grey.shape[1:]), grey, self.generator)
        return (noise[own] < grey).to(grey.dtype)

    def settings(self) -> dict[str, Any]:
        """What a run that goes on must have in common with this one, the data themselves among it."""
        own = {"batch_size": self.batch_size, "examples": self.count, "shuffle": self.shuffle, "resampled": self.resampled}
        return {**own, "data": self.sets}

    def state_dict(self) -> dict[str, Any]:
        """The generator's state: enough to continue between two epochs as if never stopped."""
        return {"generator": runtime.generator_state(self.generator)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` returned. ValueError where it does not fit.

        A state from another kind of device seeds the generator anew, and a printed line says so (`runtime.restore_generator`).
        """
        kept = state.get("generator") if isinstance(state, dict) else None
        runtime.restore_generator(self.generator, kept, "the order of the batches")


def _binarisation(data: Any, asked: str | None) -> str | None:
    own = data.binarisation if isinstance(data, Data) else None
    if asked == "fixed" and own != "fixed":
        raise ValueError("a fixed draw is made once, by load(…, binarisation='fixed'); Batches can only draw 'resampled'")
    if asked not in BINARISATIONS:
        raise ValueError(f"binarisation is {asked!r}; expected one of {BINARISATIONS}")
    return asked or own


def _sets(data: Any, labels: bool) -> list[tuple[Tensor, ...]]:
    """The data as tuples of tensors of equal length; the tensors of one tuple are shuffled together."""
    if labels and (not isinstance(data, Data) or data.y is None):
        came = f"{data.name}, which has no labels" if isinstance(data, Data) else f"a {type(data).__name__}"
        raise ValueError(f"labels=True and data are {came}; expected what load returns for a set with labels, or a tuple (x, y)")
    if isinstance(data, Data):
        sets = [(data.x, data.y) if labels else (data.x,)]
    elif isinstance(data, Unpaired):
        sets = [(data.a,), (data.b,)]
    else:
        sets = [tuple(data) if isinstance(data, (tuple, list)) else (data,)]
    for tensors in sets:
        for tensor in tensors:
            if not isinstance(tensor, Tensor) or not tensor.ndim:
                raise ValueError(f"data hold {tensor!r:.60}; expected tensors (N, …): torch.as_tensor(x)")
        lengths = {len(tensor) for tensor in tensors}
        if len(lengths) != 1 or 0 in lengths:
            found = [len(tensor) for tensor in tensors]
            raise ValueError(f"data hold tensors of {found} examples; expected equal lengths of at least 1, or Unpaired(a, b)")
    return sets
