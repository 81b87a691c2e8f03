"""Figures of scores: every number is drawn where it belongs, and every axis has words."""

import pytest
import torch

from course_lib.plots import evaluation


def test_lines_over_1_over_n_end_at_their_limit():
    line = evaluation.Line((100, 200), (12.0, 7.0), 2.0, 1_000.0)
    made = evaluation.over_counts({"a": line}, title="t", alt="a")
    straight, dots = made.axes[0].get_lines()
    assert straight.get_xdata()[0] == 0
    assert straight.get_ydata()[0] == 2
    assert dots.get_xdata() == pytest.approx([0.01, 0.005])
    assert [label.get_text() for label in made.axes[0].get_xticklabels()] == ["∞", "100", "200"]
    assert made.axes[0].get_legend().get_texts()[0].get_text() == "a: 2.0 at n = ∞"


def test_changes_are_sorted_and_keep_their_pictures():
    pictures = torch.stack([torch.full((1, 8, 8), shade) for shade in (0.0, 0.5, 1.0)])
    made = evaluation.changes(pictures, {"far": 90.0, "near": 1.5, "between": 20.0}, title="t", alt="a", marked=("far",))
    axes = made.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["near", "between", "far"]
    assert [text.get_text() for text in axes.texts] == ["1.5", "20.0", "90.0"]
    assert [int(child.get_images()[0].get_array().mean()) for child in axes.child_axes] == [128, 255, 0]
    assert axes.patches[0].get_facecolor() == axes.patches[1].get_facecolor() != axes.patches[2].get_facecolor()


def test_each_kind_has_its_sign_and_each_source_its_name():
    rows = [evaluation.Scored("p", 1.0, 90.0, "exact"), evaluation.Scored("q", 5.0, 80.0, "bound"),
            evaluation.Scored("r", 7.0, 85.0, "exact")]  # fmt: skip
    made = evaluation.two_scores(rows, title="t", alt="a", xlabel="x", ylabel="y")
    exact, bound = made.axes[0].get_lines()
    assert list(exact.get_xdata()) == [1, 7]
    assert list(bound.get_ydata()) == [80]
    assert exact.get_marker() != bound.get_marker()
    assert {text.get_text() for text in made.axes[0].texts} == {"p", "q", "r"}
    assert made.axes[0].get_xlabel() == "x"
