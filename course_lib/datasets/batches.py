"""Batches: an index into tensors that already lie in memory (or on the GPU), never a loop over examples."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib import runtime

BINARISATIONS = (None, "fixed", "resampled")


def binarise(grey: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Draw each pixel as 1 with its grey value in [0, 1] as the probability (Salakhutdinov & Murray 2008)."""
    if grey.numel() and (grey.min() < 0 or grey.max() > 1):
        raise ValueError(f"grey values lie in [{grey.min():.4g}, {grey.max():.4g}]; expected [0, 1]: divide by 255")
    drawn_on = generator.device if generator is not None else grey.device
    noise = torch.rand(grey.shape, generator=generator, device=drawn_on).to(grey.device)
    return (noise < grey).to(grey.dtype)


class Batches:
    """One pass after another over data in memory, shuffled anew each time; `state_dict` lets a run be resumed.

    Args:
        data: a tensor (N, …), or what `load` returns (then its own binarisation is used).
        batch_size: examples a batch; the last batch of a pass may be smaller.
        seed: of the shuffling and the binarisation.
        binarisation: "resampled" draws every pixel anew in every pass; None leaves the data as they are.
        shuffle: False keeps the order.
        device: where the tensors are kept; None leaves them where they are.
    """

    def __init__(self, data, batch_size: int, *, seed: int = 0, binarisation: str | None = None, shuffle=True, device=None):
        x = data if isinstance(data, Tensor) else data.x
        own = getattr(data, "binarisation", None)
        if binarisation == "fixed" and own != "fixed":
            raise ValueError("a fixed draw is made once, by load(…, binarisation='fixed'); Batches can only draw 'resampled'")
        binarisation = binarisation or own
        if binarisation not in BINARISATIONS:
            raise ValueError(f"binarisation is {binarisation!r}; expected one of {BINARISATIONS}")
        if batch_size < 1 or len(x) == 0:
            raise ValueError(f"batch_size is {batch_size} and there are {len(x)} examples; expected at least 1 of each")
        self.x = x if device is None else x.to(device)
        self.batch_size = batch_size
        self.resampled = binarisation == "resampled"
        self.shuffle = shuffle
        self.generator = runtime.generator(seed, self.x.device)

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        count = len(self.x)
        if self.shuffle:
            order = torch.randperm(count, generator=self.generator, device=self.x.device)
        else:
            order = torch.arange(count, device=self.x.device)
        for chosen in order.split(self.batch_size):
            batch = self.x[chosen]
            yield binarise(batch, generator=self.generator) if self.resampled else batch

    def state_dict(self) -> dict[str, Tensor]:
        """The generator's state, a tensor of bytes: enough to go on between two passes as if never stopped."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.generator.set_state(state["generator"].cpu())
