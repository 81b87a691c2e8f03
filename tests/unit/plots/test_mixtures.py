"""Figures of mixtures: an ellipse lies where its component has its standard deviations."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.plots import mixtures


def a_mixture(n: int):
    means = torch.tensor([[0.0, 1.0], [3.0, 0.0]])
    covariances = torch.stack([torch.diag(torch.tensor([4.0, 1.0])), torch.eye(2)])
    return means, covariances, torch.full((n, 2), 0.5)


def test_ellipses_reach_one_and_two_standard_deviations():
    made = mixtures.components(torch.randn(5, 2), a_mixture(5), title="t", alt="a")
    first, second = made.axes[0].lines[:2]
    assert max(first.get_xdata()) == pytest.approx(2.0)
    assert max(second.get_ydata()) == pytest.approx(1 + 2.0, abs=1e-2)


def test_six_frames_stand_in_two_rows_and_end_after_the_last_step():
    x = torch.randn(9, 2)
    model, other = (GaussianMixture(event_shape=(2,), components=2).start(x, generator=runtime.generator(0)) for _ in range(2))
    made = mixtures.em_frames(x, model, (0, 1, 2, 3, 4, 6), labels=("a", "b"), title="t", alt="a")
    assert len(made.axes) == 6
    assert [axes.get_xlabel() for axes in made.axes] == ["", "", "", "a", "a", "a"]
    for _ in range(6):
        other.em_step(x)
    assert torch.equal(model.mean, other.mean)
    assert made.axes[5].get_title(loc="left") == f"after 6 steps: {other.log_prob(x).mean():.3f} nats"
