"""Ways from one code to another."""

from __future__ import annotations

import torch
from torch import Tensor


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The point at t in [0, 1] on the straight line from a (…, L) to b (…, L): (…, L). t broadcasts against a."""
    t = _place(t, a)
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The point at t in [0, 1] on the arc from a (…, L) to b (…, L): (…, L) (Shoemake 1985).

    It is (sin((1 - t) w) a + sin(t w) b) / sin w, with w the angle between a and b: where a and b have the same norm, every point
    of the arc has it. Where w is 0 or π the straight line is taken. t broadcasts against a.
    """
    angle = torch.cosine_similarity(a, b, dim=-1).clamp(-1, 1).arccos()[..., None]  # (…, 1)
    sine = angle.sin()
    flat = sine < 1e-3
    t = _place(t, a)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.where(flat, 1.0, sine)
    return torch.where(flat, lerp(a, b, t), arc)


def _place(t: float | Tensor, a: Tensor) -> Tensor:
    """t as a tensor of the type and on the device of a."""
    return torch.as_tensor(t, dtype=a.dtype, device=a.device)
