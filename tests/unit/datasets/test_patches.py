"""Patches: cut where they should be, one an image, and the same each time."""

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import load
from course_lib.datasets.patches import cut_patches


def test_every_patch_lies_in_the_window_and_every_place_is_used():
    places = torch.arange(28 * 28.0).reshape(1, 1, 28, 28).repeat(3_000, 1, 1, 1)
    cut = cut_patches(places, generator=runtime.generator(0)).long()  # (3000, 1, 3, 3): flat indices of its pixels
    top, left = cut[:, 0, 0, 0] // 28, cut[:, 0, 0, 0] % 28
    assert sorted(top.unique().tolist()) == sorted(left.unique().tolist()) == list(range(7, 19))
    steps = cut[0, 0] - cut[0, 0, 0, 0]
    assert steps.tolist() == [[0, 1, 2], [28, 29, 30], [56, 57, 58]]


def test_the_patch_of_an_image_comes_from_that_image():
    images = torch.arange(10.0)[:, None, None, None].expand(10, 2, 8, 6)
    cut = cut_patches(images, size=2, window=5)
    assert cut.shape == (10, 2, 2, 2)
    assert (cut == images[:, :, :2, :2]).all()


def test_the_data_set():
    data = load("mnist_patches", "test")
    assert data.x.shape == (10_000, 1, 3, 3)
    assert data.y.shape == (10_000,)
    assert set(data.x.unique().tolist()) == {0.0, 1.0}
    assert 0.2 < (data.x.sum((1, 2, 3)) == 0).float().mean() < 0.4  # most patches have ink on them
    assert torch.equal(data.x, load("mnist_patches", "test").x)


@pytest.mark.parametrize(
    ("shape", "options", "word"),
    [((4, 28, 28), {}, "N, C, H, W"), ((4, 1, 28, 28), {"window": 29}, "<= 28"), ((4, 1, 28, 28), {"size": 0}, "1 <= size")],
)
def test_bad_input(shape, options, word):
    with pytest.raises(ValueError, match=word):
        cut_patches(torch.zeros(shape), **options)
