"""Close-ups are windows of the drawn faces, and each factor left makes a difference in them."""

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import close_ups, faces, load


def test_a_close_up_is_the_middle_of_the_face_that_stands_still():
    factors = close_ups.sample_factors(5, runtime.generator(0))
    whole = faces.draw(torch.cat([factors, torch.zeros(5, 2)], 1), 32)
    assert close_ups.draw(factors).shape == (5, *close_ups.SHAPE)
    torch.testing.assert_close(close_ups.draw(factors), whole[:, :, 9:25, 8:24])


def test_the_large_close_up_shows_the_same_part_in_four_times_as_many_pixels():
    factors = close_ups.sample_factors(5, runtime.generator(0))
    whole = faces.draw(torch.cat([factors, torch.zeros(5, 2)], 1), 64)
    large = close_ups.draw(factors, 32)
    assert large.shape == (5, *close_ups.SHAPES[32])
    assert torch.equal(large, whole[:, :, 18:50, 16:48])
    small = torch.nn.functional.avg_pool2d(large, 2)
    assert (small - close_ups.draw(factors)).abs().mean() < 0.02


def test_every_factor_makes_a_difference_and_the_smile_a_larger_share_than_in_whole_faces():
    g = runtime.generator(1)
    one, other = close_ups.sample_factors(200, g), close_ups.sample_factors(200, g)
    moved = []
    for index in range(len(close_ups.FACTORS)):
        changed = one.clone()
        changed[:, index] = other[:, index]
        moved.append((close_ups.draw(one) - close_ups.draw(changed)).square().mean().item())
    assert min(moved) > 5e-4
    smile = faces.INDEX["smile"]
    whole = faces.sample_factors(200, g)
    changed = whole.clone()
    changed[:, smile] = other[:, smile]
    share = (faces.draw(whole) - faces.draw(changed)).square().mean() / faces.draw(whole).var(0).mean()
    assert moved[smile] / close_ups.draw(one).var(0).mean() > 3 * share


def test_the_splits_are_loaded_by_name():
    x, y = load("close_ups", "test")
    assert x.shape == (1_000, *close_ups.SHAPE)
    assert y.shape == (1_000, 4)
    torch.testing.assert_close(x[:3], close_ups.draw(y[:3]))
    large, same = load("close_ups", "test", size=32)
    assert large.shape == (1_000, *close_ups.SHAPES[32])
    assert torch.equal(same, y)


def test_other_factors_are_refused():
    with pytest.raises(ValueError, match="expected \\(B, 4\\)"):
        close_ups.draw(torch.zeros(2, 6))
    with pytest.raises(ValueError, match="size is 64; expected one of \\(16, 32\\)"):
        close_ups.draw(torch.zeros(2, 4), 64)
