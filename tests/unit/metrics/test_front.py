"""The front: by comparison with all pairs, ties and all."""

import pytest
import torch

from course_lib import runtime
from course_lib.metrics.front import front


def test_ties_stay_together_and_what_is_beaten_in_both_goes():
    costs = torch.tensor([[1.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 1.0], [1.0, 6.0], [4.0, 4.0]])
    assert front(costs).tolist() == [True, True, False, True, False, False]


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_it_is_the_set_that_nobody_dominates(columns):
    costs = torch.randint(0, 5, (40, columns), generator=runtime.generator(0)).float()
    rows = costs.tolist()

    def dominated(row):
        return any(all(a <= b for a, b in zip(other, row, strict=True)) and other != row for other in rows)

    assert front(costs).tolist() == [not dominated(row) for row in rows]


def test_one_column_keeps_the_best_alone():
    assert front(torch.tensor([[3.0], [1.0], [2.0]])).tolist() == [False, True, False]


@pytest.mark.parametrize("costs", [torch.zeros(3), torch.tensor([[1.0, float("nan")]])])
def test_odd_input_is_refused(costs):
    with pytest.raises(ValueError, match="expected"):
        front(costs)
