"""Figures of games: every number is drawn where it belongs, and every axis has words."""

import pytest
import torch

from course_lib.plots import games

X = torch.linspace(-3, 3, 50)


def test_moves_are_one_panel_each():
    bell = torch.exp(-X.square() / 2)
    made = games.moves(X, bell, {"first": (bell, bell), "last": (bell / 2, bell)}, title="t", alt="a")
    assert [axes.get_title(loc="left") for axes in made.axes] == ["first", "last"]
    assert all(axes.get_xlabel() for axes in made.axes)
    assert made.axes[1].get_lines()[0].get_ydata() == pytest.approx((bell / 2).numpy())


def test_clouds_show_all_points_and_centres():
    centres, x = torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.rand(30, 2)
    made = games.clouds({"one": x, "two": x[:5]}, centres, title="t", alt="a")
    assert [len(line.get_xdata()) for axes in made.axes for line in axes.get_lines()] == [2, 30, 2, 5]
    assert made.axes[0].get_xlim() == made.axes[1].get_xlim() == pytest.approx((-2.7, 2.7))


def test_every_seed_has_a_dot_and_every_row_its_mean():
    rows = {"a": {"x": [1, 1, 4], "y": [0.1, 0.2, 0.3]}, "… and more": {"x": [2, 2, 2], "y": [1.0, 1.0, 1.0]}}
    made = games.every_seed(rows, title="t", alt="a", marks={"y": (0.9, "perfect")}, limits={"x": (0, 5)})
    first, second = made.axes
    dots, bar = first.get_lines()[:2]
    assert list(dots.get_xdata()) == [1, 1, 4]
    assert len(set(dots.get_ydata())) == 3  # equal numbers do not hide each other
    assert list(bar.get_xdata()) == [2, 2]
    assert first.get_xlim() == (0, 5)
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "… and more"]
    assert second.get_title(loc="left") == "perfect"
    assert dots.get_color() == first.get_lines()[2].get_color()  # a row that adds to another has its colour


def test_a_loss_and_a_figure_of_merit_share_their_steps():
    made = games.over_time({"run": ([1, 2], [0.5, 0.9], [3, 8])}, title="t", labels=("loss", "modes"), alt="a")
    loss, merit = made.axes
    assert (loss.get_ylabel(), merit.get_ylabel()) == ("loss", "modes")
    assert list(merit.get_lines()[0].get_ydata()) == [3, 8]
