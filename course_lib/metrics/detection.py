"""How well a score tells what is odd from what is ordinary."""

from __future__ import annotations

import torch
from torch import Tensor


def auroc(ordinary: Tensor, odd: Tensor) -> float:
    """The area under the ROC curve: the chance that a random odd score (M,) is above a random ordinary one (N,), ties half.

    1 is a perfect detector, 0.5 a coin, below 0.5 one that finds the odd less odd (Hanley & McNeil 1982). ValueError for
    scores that are empty or not in one row, or NaN.
    """
    for name, scores in (("ordinary", ordinary), ("odd", odd)):
        if scores.ndim != 1 or not len(scores) or scores.isnan().any():
            raise ValueError(f"{name} scores have shape {tuple(scores.shape)}; expected numbers in one row, none of them NaN")
    ordinary = ordinary.double().sort().values
    below = torch.searchsorted(ordinary, odd.double())  # ordinary scores below each odd one
    not_above = torch.searchsorted(ordinary, odd.double(), right=True)
    return ((below + not_above).double().mean() / (2 * len(ordinary))).item()
