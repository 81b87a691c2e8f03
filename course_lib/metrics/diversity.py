"""How much the examples of one class differ among themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_labels, check_rows


def within_class_variance(features: Tensor, y: Tensor) -> float:
    """The total variance of features (N, F) around the mean of their class, y (N,) integers: the plain mean over classes.

    The total variance is the trace of the covariance of one class, with n - 1 in the denominator. 0 says that all examples of a
    class are alike. ValueError where a class has a single example, or the shapes do not fit.
    """
    features = check_rows(features, "features")
    y = check_labels(y, len(features))
    classes, counts = y.unique(return_counts=True)
    if (counts == 1).any():
        raise ValueError(f"class {int(classes[counts == 1][0])} has one example; expected two at least, or none")
    found = [features[y == k].double().var(0).sum() for k in classes]
    return torch.stack(found).mean().item()
