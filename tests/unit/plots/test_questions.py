"""Figures of lesson 01: the maps are those of the joint that was given."""

import numpy as np
import torch

from course_lib.plots import questions


def log_joint(x):
    return torch.stack([-x.square().sum(1), -(x - 1).square().sum(1) - 1], 1)


def test_three_maps_of_one_joint():
    x, y = torch.randn(6, 2), torch.tensor([0, 1, 0, 1, 1, 0])
    made = questions.three_distributions(log_joint, [(-1, 1), (-1, 1)], x, y, title="t", alt="a")
    marginal, joint, posterior = (axes.collections[0].get_array() for axes in made.axes[:3])
    assert posterior.max() <= 1
    assert np.allclose(np.asarray(joint) / np.asarray(marginal), np.asarray(posterior), rtol=1e-4)


def test_learners_and_scores_are_all_drawn():
    found = {"data": {"one": torch.rand(3, 2), "two": torch.rand(3, 2)}}
    made = questions.accuracies([10, 100], found, title="t", alt="a")
    assert [text.get_text() for text in made.axes[0].get_legend().get_texts()] == ["one", "two"]
    scores = {"others": torch.randn(30) - 80, "ones": torch.randn(10) - 40}
    made = questions.scores_by_kind(scores, -13.8, "blank", title="t", alt="a")
    assert sum(patch.get_height() for patch in made.axes[0].containers[-1]) >= 10
    assert made.axes[0].lines[0].get_xdata()[0] == -13.8
