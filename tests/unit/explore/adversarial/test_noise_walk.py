"""The walk through the noise: shares of the corners, and where a distance lies on its dial."""

import numpy as np
import pytest
import torch

from course_lib.explore.adversarial.noise_walk import CELLS, CORNERS, Dial, weights_of


def cell_of(point):
    return tuple(int(share * CELLS) for share in point[::-1])


@pytest.mark.parametrize("corner", [0, 1, 2])
def test_a_corner_is_nearly_all_of_its_own_picture(corner):
    weights = weights_of(cell_of(CORNERS[corner]))
    assert weights.argmax() == corner
    assert weights[corner] > 0.95


def test_the_middle_has_equal_shares_and_every_cell_has_shares():
    assert torch.allclose(weights_of(cell_of(CORNERS.mean(0))), torch.full((3,), 1 / 3), atol=0.03)
    for place in ((0, 0), (0, CELLS - 1), (CELLS - 1, 0), (CELLS - 1, CELLS - 1), (30, 30)):
        weights = weights_of(place)
        assert weights.sum() == pytest.approx(1.0, abs=1e-6)
        assert (weights >= 0).all()


def test_inside_the_triangle_the_shares_give_the_place_back():
    for place in ((20, 30), (40, 25), (45, 38)):
        found = weights_of(place).double().numpy() @ CORNERS
        assert np.allclose(found, [(place[1] + 0.5) / CELLS, (place[0] + 0.5) / CELLS], atol=1e-6)


def test_a_dial_counts_the_test_examples_that_are_closer(monkeypatch):
    said = []
    monkeypatch.setattr("PIL.ImageDraw.ImageDraw.text", lambda self, at, text, **_: said.append(text))
    dial = Dial(torch.arange(1, 101).float(), "pixels")
    for distance in (0.0, 50.5, 1_000.0):
        said.clear()
        dial.draw(distance)
        assert said == [f"pixels: {distance:.2f}, {min(distance // 1, 100):.0f}% of test digits closer"]
