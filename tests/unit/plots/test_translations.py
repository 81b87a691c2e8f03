"""Figures of translations: what is shown, at which size, in which colours."""

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import unpaired
from course_lib.plots import png_bytes, translations


def test_rows_of_pictures_have_names_and_the_same_width():
    grey, colour = torch.rand(4, 1, 8, 8), torch.rand(4, 3, 8, 8)
    made = translations.named_rows({"grey": grey, "in colour": colour}, title="Rows", alt="two rows")
    assert [axes.get_ylabel() for axes in made.axes] == ["grey", "in colour"]
    shapes = {axes.images[0].get_array().shape for axes in made.axes}
    assert shapes == {(8, 4 * 8 + 3, 3)}
    assert made.alt == "two rows"
    assert png_bytes(made).startswith(b"\x89PNG")


def test_points_have_the_colour_of_their_label_and_two_sets_two_sizes():
    points, labels = unpaired.crescents(30, generator=runtime.generator(0))
    panels = {"one": [(points.a, labels.a)], "both": [(points.a, labels.a), (points.b, labels.b)]}
    made = translations.labelled_points(panels, title="Points", alt="points", colour="place")
    one, both, bar = made.axes
    assert [len(one.collections), len(both.collections)] == [1, 2]
    first, second = (group.get_sizes()[0] for group in both.collections)
    assert first < second == one.collections[0].get_sizes()[0]
    torch.testing.assert_close(torch.as_tensor(one.collections[0].get_array()).float(), labels.a)
    assert bar.get_ylabel() == "place"


def test_no_change_is_white_and_both_signs_reach_equally_far():
    change = torch.zeros(4, 4)
    change[0, 0] = -6.0
    image = translations.message(change, title="Changes", alt="a map").axes[0].images[0]
    assert image.get_clim() == (-6.0, 6.0)
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.02)


def test_the_cycle_names_every_network_and_both_losses():
    made = translations.cycle(title="Cycle", alt="a cycle")
    words = [text.get_text() for text in made.axes[0].texts]
    assert words.count("to_a") == words.count("to_b") == 2
    assert {"discriminator of a", "discriminator of b"} <= set(words)
    assert sum("cycle loss" in text for text in words) == 2
