"""The explorers of evaluation say what the metrics say: the tally, the line to n = ∞, and the clouds."""

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.explore.course.guess_the_score import NEXT, Wall, guess_the_score
from course_lib.explore.course.two_clouds import CELLS, clouds
from course_lib.metrics.coverage import overlap


def walls():
    draw = runtime.generator(0)
    real = torch.rand(70, 1, 8, 8, generator=draw)
    near, far = torch.rand(70, 1, 8, 8, generator=draw), torch.rand(70, 1, 8, 8, generator=draw) ** 4
    return [Wall("near", near, False), Wall("far", far, False, 90.0, "exact"), Wall("third", far, True, 80.0, "bound")], (
        real,
        real,
    )


def game():
    some, real = walls()
    return guess_the_score(some, real, {"pixels": lambda x: x.flatten(1)[:, :9]}, counts=(20, 35))


def test_a_guess_is_told_right_or_wrong_and_counts():
    """One of two answers is right: their pictures differ from each other, and from the one before the guess."""
    panel = game()
    pictures = [np.asarray(panel.render(**(panel.values | {"clicks": clicks}))) for clicks in ((), ("left",), ("right",))]
    assert len({picture.tobytes() for picture in pictures}) == 3
    again = panel.render(**(panel.values | {"clicks": ("left", "right")}))  # the second click of a round changes nothing
    assert np.array_equal(np.asarray(again), pictures[1])
    assert np.asarray(panel.render(**(panel.values | {"clicks": ("left", NEXT)}))).shape == pictures[0].shape


def test_too_few_pictures_are_refused():
    some, real = walls()
    with pytest.raises(ValueError, match="at least the largest count"):
        guess_the_score(some, real, {"pixels": lambda x: x.flatten(1)}, counts=(20, 100))


def test_narrow_clouds_have_precision_and_wide_ones_recall():
    middle = (CELLS // 2, CELLS // 2)
    narrow, wide = (overlap(*clouds(middle, spread, 3, 60, False), k=3) for spread in (0.2, 2.5))
    assert narrow.precision > 0.95 > 0.6 > narrow.recall
    assert wide.recall > 0.95 > 0.8 > wide.precision
    fewer = overlap(*clouds(middle, 1.0, 1, 60, False), k=3)
    assert fewer.recall < 0.6
    real, moved = clouds((0, 0), 1.0, 3, 60, False)
    assert overlap(real, moved, k=3).precision < 0.1
    assert clouds(middle, 1.0, 3, 60, True)[0][0].tolist() == pytest.approx([3.0, 3.4])
