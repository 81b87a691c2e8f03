"""Figures of receptive fields: counts in the titles, and marks where geometry puts them."""

import torch

from course_lib.plots import receptive


def test_each_title_counts_what_is_seen_of_what_came_before():
    field = torch.zeros(4, 5, dtype=torch.bool)
    field[1, 1:4] = True
    made = receptive.what_is_seen({"one": field, "none": field & False}, (2, 2), title="t", alt="a")
    assert [axes.get_title() or axes.get_title(loc="left") for axes in made.axes[:2]] == ["one: 3 of 12", "none: 0 of 12"]
    shown = made.axes[0].images[0].get_array()
    assert shown[2, 2] == 3
    assert (shown == 2).sum() == 3
    assert (shown == 1).sum() == 9


def test_maps_lines_and_grids_are_drawn_with_their_outlines():
    moved, field = torch.rand(4, 5), torch.zeros(4, 5, dtype=torch.bool)
    field[0, :3] = True
    made = receptive.influences({"one": moved, "two": moved}, {"one": field, "two": field}, title="t", alt="a")
    assert all(axes.images and axes.collections for axes in made.axes[:2])
    lines = receptive.ink_by_row({"one": torch.rand(3), "two": torch.rand(3)}, range(5, 8), title="t", alt="a").axes[0].lines
    assert [list(line.get_xdata()) for line in lines] == [[5, 6, 7], [5, 6, 7]]
    assert len(receptive.masks_and_recurrences().axes) == 4


def test_neighbours_are_numbered_where_they_lie():
    made = receptive.numbered_neighbours([(0, -1), (-1, 0), (-1, 1)], title="t", alt="a")
    found = {text.get_text(): text.get_position() for text in made.axes[0].texts}
    assert found == {"1": (-1, 0), "2": (0, -1), "3": (1, -1)}
