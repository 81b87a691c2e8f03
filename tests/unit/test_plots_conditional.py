"""Figures of conditional models: every point where it belongs, words on the axes, a text alternative."""

import numpy as np
import torch

from course_lib.plots import conditional


def test_the_runs_lie_at_their_share_beside_their_weight():
    lines = {1: [0.4, 0.1, 0.0], 4: [0.4, 0.3, 0.2]}
    made = conditional.tosses([0.0, 20.0, 40.0], lines, {1: [0.0, 0.0], 4: [0.25, 0.3]}, at=20.0, due=0.4)
    axes = made.axes[0]
    drawn = {line.get_label(): np.asarray(line.get_xydata()) for line in axes.lines}
    assert drawn["packing of 4: rests here"].tolist() == [[0.0, 0.4], [20.0, 0.3], [40.0, 0.2]]
    runs = drawn["packing of 4: 2 runs"]
    assert runs[:, 1].tolist() == [0.25, 0.3]
    assert (abs(runs[:, 0] - 20) < 2).all()
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert "1, 4" in made.alt


def test_each_label_has_a_sign_of_its_own_in_every_plane():
    points = torch.arange(9.0)[:, None, None].expand(9, 2, 2) / 10
    made = conditional.asked_points({"one": points, "two": points + 0.1})
    assert [axes.get_title("left") for axes in made.axes] == ["one", "two"]
    for axes in made.axes:
        looks = {(line.get_marker(), line.get_color()) for line in axes.lines}
        assert len(looks) == len(axes.lines) == 9
    np.testing.assert_allclose(made.axes[1].lines[4].get_xdata(), [0.5, 0.5], atol=1e-6)
    assert "one, two" in made.alt


def test_a_u_net_is_drawn_with_a_skip_for_each_size_but_the_smallest():
    made = conditional.unet(["8 × 8", "4 × 4", "2 × 2"], inputs="in", output="out", noise="z", title="A U-Net", alt="drawn")
    words = [text.get_text() for text in made.axes[0].texts]
    assert words.count("skip") == 2
    assert words.count("8 × 8") == words.count("4 × 4") == 2
    assert words.count("2 × 2") == 1
    assert made.alt == "drawn"
