"""Figures of autoregressive models: every curve has its numbers, and a pixel stands in the middle of its weights."""

import torch

from course_lib.plots import autoregression


def test_the_parts_of_a_series_share_no_colour():
    years = torch.arange(10)
    parts = {"learn": slice(0, 5), "choose": slice(4, 8), "judge": slice(7, None)}
    made = autoregression.series_parts(years, years.square(), parts, title="t", unit="spots", alt="a")
    lines = made.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[0, 1, 4, 9, 16], [16, 25, 36, 49], [49, 64, 81]]
    assert len({line.get_color() for line in lines}) == 3


def test_futures_are_thin_lines_and_their_mean_is_a_thick_one():
    known, ahead = (torch.arange(3), torch.arange(3)), torch.arange(3, 7)
    drawn = torch.rand(5, 4)
    made = autoregression.futures(known, ahead, drawn, drawn.mean(0), title="t", unit="spots", alt="a")
    first, *lines, mean = made.axes[0].get_lines()
    assert list(first.get_xdata()) == [0, 1, 2]
    assert len(lines) == 5
    assert mean.get_linewidth() > lines[0].get_linewidth()
    assert list(mean.get_ydata()) == drawn.mean(0).tolist()


def test_a_pixel_stands_in_the_middle_of_its_weights():
    weights = torch.zeros(6, 6, 6, 6)
    weights[0, 1, 0, 0] = 3.0  # the pixel in row 0, column 1 looks at its left neighbour
    made = autoregression.weights_around(weights, [(0, 1), (3, 3)], reach=2, title="t", alt="a")
    shown = made.axes[0].images[0].get_array()
    assert shown.shape == (5, 5)
    assert shown[2, 1] == 3.0
    assert not made.axes[1].images[0].get_array().any()
