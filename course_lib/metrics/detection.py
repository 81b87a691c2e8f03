"""How well a score separates odd examples from ordinary ones."""

from __future__ import annotations

import torch
from torch import Tensor


def auroc(ordinary: Tensor, odd: Tensor) -> float:
    """The area under the ROC curve (Hanley & McNeil 1982) of ordinary scores (N,) and odd ones (M,).

    The area is the probability that a random odd score is above a random ordinary one; a tie counts as one half. 1 is a perfect
    detector, 0.5 is no better than chance, and below 0.5 the odd examples have the smaller scores. ValueError for scores that
    are empty, not in one row, or NaN. The scores are compared on the CPU.
    """
    for name, scores in (("ordinary", ordinary), ("odd", odd)):
        if scores.ndim != 1 or not len(scores) or scores.isnan().any():
            raise ValueError(f"{name} scores have shape {tuple(scores.shape)}; expected numbers in one row, none of them NaN")
    ordinary, odd = ordinary.cpu().double().sort().values, odd.cpu().double()
    below = torch.searchsorted(ordinary, odd)  # ordinary scores below each odd one
    not_above = torch.searchsorted(ordinary, odd, right=True)
    return ((below + not_above).double().mean() / (2 * len(ordinary))).item()
