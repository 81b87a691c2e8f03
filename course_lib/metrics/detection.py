"""How well a score tells what is odd from what is ordinary."""

from __future__ import annotations

import torch
from torch import Tensor


def auroc(ordinary: Tensor, odd: Tensor) -> float:
    """The area under the ROC curve (Hanley & McNeil 1982) of ordinary scores (N,) and odd ones (M,).

    It is the chance that a random odd score is above a random ordinary one; a tie counts half. 1 is a perfect detector, 0.5 is
    as good as a coin, and below 0.5 the odd examples have the smaller scores. ValueError for scores that are empty, not in one
    row, or NaN. Both are compared on the CPU.
    """
    for name, scores in (("ordinary", ordinary), ("odd", odd)):
        if scores.ndim != 1 or not len(scores) or scores.isnan().any():
            raise ValueError(f"{name} scores have shape {tuple(scores.shape)}; expected numbers in one row, none of them NaN")
    ordinary, odd = ordinary.cpu().double().sort().values, odd.cpu().double()
    below = torch.searchsorted(ordinary, odd)  # ordinary scores below each odd one
    not_above = torch.searchsorted(ordinary, odd, right=True)
    return ((below + not_above).double().mean() / (2 * len(ordinary))).item()
