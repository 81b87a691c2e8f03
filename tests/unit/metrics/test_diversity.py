"""The variance within classes, on features whose variance is known."""

import pytest
import torch

from course_lib import runtime
from course_lib.metrics.diversity import within_class_variance


def test_variance_within_classes_does_not_count_what_lies_between_them():
    y = torch.arange(20_000) % 2
    x = torch.randn(20_000, 3, generator=runtime.generator(0)) * torch.tensor([1.0, 2.0, 0.0])
    assert within_class_variance(x, y) == pytest.approx(5.0, rel=0.03)
    assert within_class_variance(x + 100 * y[:, None], y) == pytest.approx(5.0, rel=0.03)
    assert within_class_variance(torch.eye(2)[y], y) == 0


def test_classes_weigh_the_same_and_empty_ones_do_not_count():
    x = torch.tensor([[0.0], [2.0], [0.0], [0.0], [0.0], [0.0]])
    assert within_class_variance(x, torch.tensor([0, 0, 3, 3, 3, 3])) == pytest.approx(1.0)


@pytest.mark.parametrize("y", [torch.zeros(3), torch.zeros(2).long(), torch.tensor([0, 0, 1])])
def test_odd_labels_are_refused(y):
    with pytest.raises(ValueError, match="expected"):
        within_class_variance(torch.zeros(3, 2), y)
