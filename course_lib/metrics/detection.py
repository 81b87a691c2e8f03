"""How well a score separates odd examples from ordinary ones."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_row
from course_lib.models.inputs import check_count


def auroc(ordinary: Tensor, odd: Tensor) -> float:
    """The area under the ROC curve (Hanley & McNeil 1982) of ordinary scores (N,) and odd ones (M,).

    The area is the probability that a random odd score is above a random ordinary one; a tie counts as one half. 1 is a perfect
    detector, 0.5 is no better than chance, and below 0.5 the odd examples have the smaller scores. ValueError for scores that
    are empty, not in one row, or NaN. The scores are compared on the CPU.
    """
    ordinary, odd = (
        check_row(scores, name, infinite=True).detach().cpu().double() for name, scores in (("ordinary", ordinary), ("odd", odd))
    )
    ordinary = ordinary.sort().values
    below = torch.searchsorted(ordinary, odd)  # ordinary scores below each odd one
    not_above = torch.searchsorted(ordinary, odd, right=True)
    return ((below + not_above).double().mean() / (2 * len(ordinary))).item()


def auroc_by_draw(ordinary: Tensor, odd: Tensor, *, draws: int = 10) -> Tensor:
    """The areas (draws,) of disjoint parts of ordinary scores (N,) and odd ones (M,), the first with the first and so on.

    Where the scores come in random order, the parts are independent draws, and their mean has an honest standard error. Raises
    ValueError where there are fewer scores than draws.
    """
    draws = check_count(draws, "draws")
    ordinary, odd = (
        check_row(scores, name, least=draws, infinite=True) for name, scores in (("ordinary", ordinary), ("odd", odd))
    )
    pairs = zip(ordinary.tensor_split(draws), odd.tensor_split(draws), strict=True)
    return torch.tensor([auroc(a, b) for a, b in pairs], dtype=torch.double)
