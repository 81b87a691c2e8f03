"""Through a line: the error of every direction, and the toggle that goes to PCA's."""

import pytest
import torch
from small_models import digits

from course_lib import runtime
from course_lib.explore.latent.lines import lost_by_direction, through_a_line
from course_lib.models.latent.autoencoder import squared_error


def points():
    x = torch.randn(40, 2, generator=runtime.generator(0)) @ torch.tensor([[2.0, 0.5], [0.0, 0.7]])
    return x - x.mean(0)


def test_the_error_is_that_of_projecting():
    x, u = points(), torch.tensor([0.5, 3**0.5 / 2])  # 60 degrees
    direct = squared_error(x, (x @ u)[:, None] * u).mean()
    torch.testing.assert_close(lost_by_direction(x, torch.tensor([60.0]))[0], direct)


def test_no_whole_degree_loses_less_than_the_closed_form():
    x = points()
    panel = through_a_line(x, names=("a", "b"))
    at_best = panel.render(angle=0.0, closed_form=True).axes[1].get_title(loc="left")
    lost = float(at_best.split()[2])
    assert lost <= lost_by_direction(x, torch.arange(180.0)).min() + 5e-4
    assert panel.render(angle=90.0, closed_form=False).axes[1].get_title(loc="left") != at_best


@pytest.mark.parametrize("x", [digits(), points() + 1.0], ids=["pictures", "not centred"])
def test_other_points_are_refused(x):
    with pytest.raises(ValueError, match="mean 0"):
        through_a_line(x, names=("a", "b"))
