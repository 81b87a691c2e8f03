"""A model that copies is told from one that draws anew, and the cases where the number misleads are known."""

import pytest
import torch

from course_lib import runtime
from course_lib.metrics.memorisation import copying


def points(n, seed):
    return torch.randn(n, 1, 6, generator=runtime.generator(seed))


def test_copies_new_draws_and_noise():
    training, held_out = points(500, 0), points(400, 1)
    assert copying(training[:50], training, held_out) == 1
    assert copying(training[:50] + 0.01 * points(50, 2), training, held_out) > 0.99
    assert copying(points(600, 3), training, held_out) == pytest.approx(0.5, abs=0.06)
    assert copying(3 * points(600, 3), training, held_out) < 0.2


def test_smooth_samples_exceed_one_half_without_copying():
    """All samples stand at the mean, which is no training example: near to all of them."""
    assert copying(torch.zeros(5, 1, 6), points(500, 0), points(400, 1)) > 0.7


def test_a_tie_counts_half():
    training = torch.tensor([[0.0]])
    assert copying(torch.tensor([[1.0], [3.0]]), training, torch.tensor([[1.0], [2.0]])) == pytest.approx((0.5 + 1 + 0 + 0) / 4)
