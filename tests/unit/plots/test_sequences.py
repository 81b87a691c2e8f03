"""Figures of sequences: every line is drawn where its numbers say."""

from course_lib.plots import sequences

LOSSES = {"a": [[4.0, 3.0], [4.0, 2.8], [5.0, 2.0]], "b": [[4.0, 2.5]]}  # three runs of a, one of b


def test_losses_left_and_norms_right():
    made = sequences.losses_and_norms(LOSSES, {"a": [[1.0, 9.0], [2.0, 5.0], [3.0, 1.0]], "b": [[1.0, 2.0]]}, title="t", alt="a")
    left, right = made.axes
    assert [list(line.get_ydata()) for line in left.lines] == [[4.0, 2.8], [4.0, 2.5]]
    assert [list(line.get_ydata()) for line in right.lines] == [[2.0, 5.0], [1.0, 2.0]]
    band = left.collections[0].get_paths()[0].vertices[:, 1]  # of a, from the least to the greatest
    assert (band.min(), band.max()) == (2.0, 5.0)
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["a", "b"]
    assert list(left.lines[0].get_xdata()) == [1, 2]


def test_memory_on_an_axis_that_has_a_zero():
    made = sequences.memory_gains({0: 3.0, 4: 1.4, 64: 1.1}, {0: 3.1, 4: 1.3}, title="t", alt="a")
    assert list(made.axes[0].lines[0].get_xdata()) == [0, 4, 64]
    assert made.axes[0].get_xscale() == "symlog"
