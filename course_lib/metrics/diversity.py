"""How much the examples of one class differ among themselves."""

from __future__ import annotations

import torch
from torch import Tensor


def within_class_variance(features: Tensor, y: Tensor) -> float:
    """The total variance of features (N, F) around the mean of their class, y (N,) integers: the plain mean over classes.

    The total variance is the trace of the covariance of one class, with n - 1 in the denominator. 0 says that all examples of a
    class are alike. ValueError where a class has a single example, or the shapes do not fit.
    """
    if features.ndim != 2 or y.shape != features.shape[:1] or y.is_floating_point() or not len(y):
        raise ValueError(
            f"features have shape {tuple(features.shape)} and y holds {y.dtype} of shape {tuple(y.shape)}; "
            "expected (N, F) and one integer for each example"
        )
    counts = y.bincount()
    if (counts == 1).any():
        raise ValueError(f"class {int((counts == 1).nonzero()[0])} has one example; expected two at least, or none")
    found = [features[y == k].double().var(0).sum() for k in counts.nonzero()[:, 0]]
    return torch.stack(found).mean().item()
