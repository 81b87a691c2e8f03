"""Each refusal says what came, what was expected and the likely mend."""

import math

import pytest
import torch

from course_lib.models.inputs import check_binary, check_count, check_events

REFUSALS = [
    ([0.0, 1.0], "is a list; expected a float tensor .*as_tensor"),
    (torch.zeros(2, 1, 2, dtype=torch.uint8), r"holds torch.uint8; expected floats: x.float\(\)"),
    (torch.zeros(1, 2), r"shape \(1, 2\); expected \(B, 1, 2\).*x\[None\]"),
    (torch.zeros(3, 2), r"x.reshape\(-1, 1, 2\)"),
    (torch.zeros(3, 1, 5), r"expected \(B, 1, 2\)$"),
    (torch.full((1, 1, 2), math.nan), "has NaN in it.*nan_to_num"),
]


@pytest.mark.parametrize(("x", "message"), REFUSALS)
def test_check_events(x, message):
    with pytest.raises(ValueError, match=message):
        check_events(x, (1, 2))


@pytest.mark.parametrize(
    ("value", "mend"), [(255.0, "divide by 255"), (-1.0, "undo the normalisation"), (0.3, "binarisation='fixed'")]
)
def test_check_binary(value, mend):
    x = torch.tensor([[0.0, value]])
    with pytest.raises(ValueError, match=mend):
        check_binary(x, (2,))
    assert check_events(x, (2,)) is x
    assert check_binary(x.sign().abs(), (2,)).tolist() == [[0, 1]]


@pytest.mark.parametrize("n", [0, -3, 2.0, True, "4", None])
def test_check_count(n):
    with pytest.raises(ValueError, match="at least 1"):
        check_count(n)
    assert type(check_count(torch.tensor(2))) is int
