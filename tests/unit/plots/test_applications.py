"""Figures of lesson 25: every row, group and pixel that is given is drawn."""

import numpy as np
import torch

from course_lib.plots import applications


def test_the_diagrams_have_their_parts():
    for made, words in ((applications.semi_supervised(), "classifier"), (applications.contrastive(), "a view")):
        assert any(words in text.get_text() for text in made.axes[0].texts)
        assert made.alt


def test_marks_show_every_draw_the_mean_and_two_standard_errors():
    rows = {"one": {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.5]}, "two": {"b": [0.0, 1.0, 2.0]}}
    axes = applications.marks(rows, title="t", xlabel="x", alt="a", chance=0.5).axes[0]
    drawn = [tuple(line.get_xdata()) for line in axes.lines]
    assert (1.0, 2.0, 3.0) in drawn
    assert (2.0,) in drawn
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    reach = axes.containers[0].lines[2][0].get_segments()[0][:, 0]
    np.testing.assert_allclose(reach, [2 - 2 / np.sqrt(3), 2 + 2 / np.sqrt(3)])


def test_nats_are_shown_on_one_scale_with_their_sums():
    images, nats = torch.zeros(2, 1, 4, 4), torch.rand(2, 4, 4)
    made = applications.nats_by_pixel(images, [("m", nats), ("n", 2 * nats)], names=["a", "b"], title="t", alt="a")
    titles = [axes.get_title(loc="left") for axes in made.axes]
    assert f"{nats[0].sum():.0f} nats" in titles
    assert len({axes.images[0].get_clim() for axes in made.axes[2:6]}) == 1


def test_fading_has_a_line_where_an_expectation_is_known():
    axes = applications.fading({"a": [1, 0.5], "b": [1, 0.8]}, {"a": [1, 0.6]}, title="t", ylabel="y", alt="a").axes[0]
    assert len(axes.lines) == 3
