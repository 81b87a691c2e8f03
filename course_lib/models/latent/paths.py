"""Ways from one code to another."""

from __future__ import annotations

import torch
from torch import Tensor


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The straight line from a to b, (…, L), at t in [0, 1]."""
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Along the great circle from a to b, (…, L), at t in [0, 1] (Shoemake 1985): where their norms are equal, it stays.

    (sin((1 - t) w) a + sin(t w) b) / sin w, with w the angle between a and b; the straight line where w is 0 or π.
    """
    angle = torch.cosine_similarity(a, b, dim=-1).clamp(-1, 1).arccos()[..., None]  # (…, 1)
    sine = angle.sin()
    flat = sine < 1e-3
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.where(flat, 1.0, sine)
    return torch.where(flat, lerp(a, b, t), arc)
