"""Figures of models of letters: every number stands where it belongs."""

import pytest
import torch

from course_lib.plots import letters


def test_a_transition_table_names_both_axes():
    table = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    made = letters.transition_table(table, ["a", "b"], title="t", alt="a")
    axes = made.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.images[0].get_array().tolist() == table.tolist()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("next letter", "this letter")


def test_two_states_emit_side_by_side():
    made = letters.emissions({"one": torch.tensor([0.7, 0.3]), "two": torch.tensor([0.2, 0.8])}, ["a", "b"], title="t", alt="a")
    assert [bar.get_height() for bar in made.axes[0].patches] == pytest.approx([0.7, 0.3, 0.2, 0.8])


def test_every_start_is_a_dot_and_the_curve_goes_through_the_means():
    made = letters.nats_by_states({2: [3.0, 2.0], 4: [1.0, 1.5]}, {"2-gram": 2.25}, title="t", alt="a")
    curve, *dots, line = made.axes[0].get_lines()
    assert list(curve.get_ydata()) == [2.5, 1.25]
    assert [list(some.get_ydata()) for some in dots] == [[3.0, 2.0], [1.0, 1.5]]
    assert line.get_label() == "2-gram: 2.250"
