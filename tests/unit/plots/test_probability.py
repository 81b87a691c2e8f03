"""Two tables as bars: every probability is drawn once, and long names of states stand upright."""

import pytest
import torch

from course_lib.plots import probability


def test_two_tables_stand_side_by_side():
    rows = {"one": torch.tensor([0.7, 0.3]), "two": torch.tensor([0.2, 0.8])}
    made = probability.paired_bars(rows, ["0011", "1100"], title="t", xlabel="state", ylabel="probability", alt="a")
    axes = made.axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.7, 0.3, 0.2, 0.8])
    assert [label.get_rotation() for label in axes.get_xticklabels()] == [90, 90]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
