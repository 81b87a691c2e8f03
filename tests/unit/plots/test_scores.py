"""Figures of scores: what is drawn is what was given."""

import pytest
import torch

from course_lib import runtime
from course_lib.plots import scores


def test_the_lattice_goes_row_by_row_upwards():
    x = scores.lattice(2.0, 3)
    assert x[0].tolist() == [-2, -2]
    assert x[1].tolist() == [0, -2]
    assert x[-1].tolist() == [2, 2]


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_arrows_keep_their_direction_and_are_at_most_so_long(names):
    vectors = torch.tensor([[1.0, 0.0], [0.0, 30.0], [-3.0, 4.0], [0.0, 0.0]])
    made = scores.fields(dict.fromkeys(names, (torch.rand(5, 5), vectors)), 1.0, title="t", alt="a", longest=3.0)
    drawn = made.axes[-1].collections[0]
    assert drawn.U.tolist() == pytest.approx([1, 0, -1.8, 0])
    assert drawn.V.tolist() == pytest.approx([0, 3, 2.4, 0])
    assert made.alt == "a"
    assert [axes.get_title(loc="left") for axes in made.axes] == (["t"] if len(names) == 1 else names)


def test_the_difference_lies_over_its_own_length():
    made = scores.compared(
        torch.rand(5, 5), lambda x: x, lambda x: x + torch.tensor([3.0, 0.0]), 1.0, title="t", alt="a", longest=6
    )
    assert [axes.get_title(loc="left") for axes in made.axes] == ["exact score", "learned score", "error (yellow: 6 or more)"]
    arrows = made.axes[2].collections[0]
    assert arrows.U.tolist() == pytest.approx([3] * 225)
    assert arrows.V.tolist() == pytest.approx([0] * 225, abs=1e-6)
    assert made.axes[2].images[0].get_array().tolist() == [[0.5] * 5] * 5


def test_dots_lie_at_the_measured_variances_and_histograms_have_mass_1():
    x = torch.randn(500, generator=runtime.generator(0))
    made = scores.bias((0.5, 1.0), (1.1, 1.3), {"A": x, "B": 2 * x}, title="t", alt="a")
    left, right = made.axes
    line = left.lines[0].get_xydata()
    assert line[:, 1] == pytest.approx(4 / (4 - line[:, 0]))
    assert list(left.lines[1].get_ydata()) == [1.1, 1.3]
    labels = [text.get_text() for text in right.get_legend().get_texts()]
    assert labels == ["the target N(0, 1)", "A", "B"]


def test_the_ellipse_holds_95_percent():
    covariance = torch.tensor([[2.0, 0.6], [0.6, 0.5]])
    made = scores.clouds({"A": torch.zeros(3, 2)}, torch.tensor([1.0, 2.0]), covariance, names=("a", "b"), title="t", alt="a")
    ellipse = torch.tensor(made.axes[0].lines[1].get_xydata()).float() - torch.tensor([1.0, 2.0])
    squares = (ellipse @ torch.linalg.inv(covariance) * ellipse).sum(1)
    torch.testing.assert_close(torch.exp(-squares / 2), torch.full((200,), 0.05), rtol=1e-3, atol=1e-4)


def test_each_method_has_a_row_of_dots():
    made = scores.shares({"A": [0.5, 0.6], "B": [0.8, 0.8]}, 0.8, title="t", xlabel="x", alt="a")
    assert [list(line.get_xdata()) for line in made.axes[0].lines[:2]] == [[0.5, 0.6], [0.8, 0.8]]
    assert [tick.get_text() for tick in made.axes[0].get_yticklabels()] == ["A", "B"]


def test_the_diagrams_can_be_drawn():
    for made in (scores.score_network(), scores.deep_energy(784, 100)):
        assert made.alt.strip()
        made.draw_without_rendering()
