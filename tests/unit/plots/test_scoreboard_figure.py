"""The figure of likelihoods: the kinds show, or all numbers look alike."""

import numpy as np
import pytest

from course_lib.plots import png_bytes
from course_lib.plots.scoreboard import likelihood_ranges

READINGS = [("one", "exact", 80.0, 0.5, None), ("two", "bound", 83.0, 0.5, None), ("three", "estimate", 85.0, 0.3, 84.0)]


def drawn(told):
    return likelihood_ranges(READINGS, told=told, title="Nats", alt="Three lines.", ends=(70.0, 90.0))


def test_without_the_kinds_all_are_dots():
    axes = drawn(False).axes[0]
    assert [float(line.get_xdata()[0]) for line in axes.lines] == [80.0, 83.0, 85.0]
    assert len({line.get_color() for line in axes.lines}) == 1


def test_with_the_kinds_a_bar_a_range_and_an_open_end():
    axes = drawn(True).axes[0]
    bars = [tuple(map(float, line.get_xdata())) for line in axes.lines if len(line.get_xdata()) == 2]
    assert bars == [pytest.approx((79.0, 81.0)), pytest.approx((70.0, 83.0)), pytest.approx((84.0, 85.0))]
    assert len({line.get_color() for line in axes.lines}) == 3
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two", "three"]
    assert png_bytes(drawn(True)) != png_bytes(drawn(False))
    assert np.allclose(axes.get_xlim(), (70, 90))
