"""Small squares cut from the middle of images: few enough binary variables for a table of every state."""

from __future__ import annotations

import torch
from torch import Tensor


def cut_patches(images: Tensor, *, size: int = 3, window: int = 14, generator: torch.Generator | None = None) -> Tensor:
    """One patch of every image, at a uniformly drawn place within the central window: (N, C, size, size).

    One patch per image keeps the patches independent of each other, as a standard error supposes. The border of a digit is
    blank, so that patches from anywhere would be mostly empty.

    images: (N, C, H, W). window: side of the central square that holds every patch, size <= window <= min(H, W).
    Raises ValueError for another shape, size or window.
    """
    if images.ndim != 4:
        raise ValueError(f"images have shape {tuple(images.shape)}; expected (N, C, H, W): images[:, None] may do")
    height, width = images.shape[2:]
    if not 1 <= size <= window <= min(height, width):
        raise ValueError(f"size {size} and window {window}: expected 1 <= size <= window <= {min(height, width)}")
    drawn_on = generator.device if generator is not None else images.device
    corner = torch.randint(window - size + 1, (len(images), 2), generator=generator, device=drawn_on).to(images.device)
    corner = corner + torch.tensor([(height - window) // 2, (width - window) // 2], device=images.device)  # (N, 2)
    inside = torch.arange(size, device=images.device)
    rows = (corner[:, 0, None] + inside)[:, :, None]  # (N, size, 1)
    columns = (corner[:, 1, None] + inside)[:, None, :]  # (N, 1, size)
    example = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[example, rows, columns].permute(0, 3, 1, 2)
