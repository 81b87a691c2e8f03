"""Figures of energy models: what they draw, and that every one has words for it."""

import numpy as np
import torch

from course_lib.plots import energies

WORDS = {"title": "title", "alt": "alt"}


def test_a_machine_has_a_line_for_each_weight_and_a_dot_for_each_unit():
    made = energies.machine("pixels", "causes", units=(5, 3), **WORDS)
    axes = made.axes[0]
    assert len(axes.lines) == 15
    assert [len(dots.get_offsets()) for dots in axes.collections] == [5, 3]
    assert {"pixels", "causes"} <= {text.get_text() for text in axes.texts}


def test_likelihood_and_error_are_two_panels_of_the_same_steps():
    made = energies.likelihood_and_error({"a": ([0, 1], [5, 4], [3, 2]), "b": ([0, 1], [5, 6], [3, 1])}, xlabel="x", **WORDS)
    assert [line.get_ydata().tolist() for line in made.axes[1].lines] == [[3, 2], [3, 1]]
    assert [line.get_ydata().tolist() for line in made.axes[0].lines] == [[5, 4], [5, 6]]


def test_seeds_have_thin_lines_and_their_mean_a_thick_one():
    made = energies.seeds({"a": [[1, 2], [3, 6]]}, [0, 10], xlabel="x", ylabel="y", **WORDS)
    lines = made.axes[0].lines
    assert len(lines) == 3
    np.testing.assert_allclose(lines[-1].get_ydata(), [2, 4])
    assert lines[-1].get_linewidth() > lines[0].get_linewidth()


def test_jacobians_show_the_difference_from_the_mirror_image():
    a = torch.tensor([[1.0, 2.0], [0.0, 3.0]])
    made = energies.jacobians({"a": a, "b": a + a.T}, **WORDS)
    np.testing.assert_allclose(made.axes[0].images[0].get_array(), [[0, 2], [-2, 0]])
    np.testing.assert_allclose(made.axes[1].images[0].get_array(), 0)
    assert made.axes[1].images[0].get_clim() == (-2, 2)


def test_survival_draws_a_line_per_machine():
    made = energies.survival({"a": [1.0, 0.5], "b": [1.0, 0.9]}, [0, 10], **WORDS)
    assert [line.get_ydata().tolist() for line in made.axes[0].lines] == [[1.0, 0.5], [1.0, 0.9]]
