"""How well numbers are predicted."""

from __future__ import annotations

from torch import Tensor

from course_lib.metrics.inputs import check_rows


def r_squared(predicted: Tensor, true: Tensor) -> Tensor:
    """1 - (mean squared error) / (variance of the true values), of each column: (N, F) and (N, F) -> (F,).

    1 is a perfect prediction, and 0 is no better than the mean of the true values; worse predictions are below 0, without bound.
    Raises ValueError where the shapes differ, for fewer than two rows, and where a column of true values never changes.
    """
    predicted, true = (
        check_rows(values, name, least=2, fix="values[:, None] makes one column")
        for name, values in (("predicted", predicted), ("true", true))
    )
    if predicted.shape != true.shape:
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)} and true {tuple(true.shape)}; expected the same (N, F): "
            "values[:, None] makes one column"
        )
    spread = true.var(0, unbiased=False)
    if not (spread > 0).all():
        raise ValueError(
            f"column {int((spread <= 0).nonzero()[0])} of true never changes; expected columns that vary: leave it out"
        )
    return 1 - (predicted - true).square().mean(0) / spread
