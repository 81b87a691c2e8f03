"""Whether a model copies: do its samples lie nearer to the training examples than new real examples do?"""

from __future__ import annotations

from torch import Tensor

from course_lib.metrics.detection import auroc
from course_lib.metrics.neighbours import nearest


def copying(samples: Tensor, training: Tensor, held_out: Tensor) -> float:
    """The probability that a random sample is nearer to the training set than a random held-out example is; a tie counts half.

    This is the Mann-Whitney statistic of Meehan et al. (2020, section 3), divided by the number of pairs. 0.5 is that of new
    real examples, and 1 that of copies. Samples that are smoother than real examples exceed 0.5 without copying, and noisy copies
    stay below it: the distance is Euclidean, of pixels where images are given and of features where features are given.

    Args:
        samples, training, held_out: (N, …), (T, …) and (M, …), of the same shape per example.
    """
    return auroc(nearest(samples, training)[0], nearest(held_out, training)[0])
