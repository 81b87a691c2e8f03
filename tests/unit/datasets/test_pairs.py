"""Pairs of images: edges where the slope is steep, splits that share nothing, coins with the right odds."""

import numpy as np
import pytest
import torch

from course_lib import datasets, runtime
from course_lib.datasets import pairs


def test_edges_stand_where_a_step_is_and_nowhere_else():
    x = torch.zeros(1, 1, 6, 8)
    x[..., 4:] = 0.5
    found = pairs.edges(x)
    assert found.nonzero()[:, 3].unique().tolist() == [3, 4]
    assert found.sum() == 12


def test_edges_do_not_depend_on_brightness_or_contrast():
    x = torch.rand(3, 1, 10, 10, generator=runtime.generator(0))
    assert torch.equal(pairs.edges(x), pairs.edges(0.25 * x + 0.5))
    assert pairs.edges(torch.full((2, 1, 4, 4), 0.3)).sum() == 0


def test_edges_against_numpys_gradient():
    x = torch.rand(2, 3, 9, 7, generator=runtime.generator(1), dtype=torch.double)
    down, across = np.gradient(x.numpy(), axis=(2, 3), edge_order=1)
    down[:, :, [0, -1]] /= 2  # at the border the image goes on with its last value, so that the step is half as steep
    across[..., [0, -1]] /= 2
    slope = np.hypot(down, across).max(1, keepdims=True)
    assert np.array_equal(pairs.edges(x).numpy() > 0, slope > 0.25 * slope.max((1, 2, 3), keepdims=True))


def test_the_splits_are_those_of_fashion_and_share_no_garment():
    found = {split: pairs.edges_to_clothes(split) for split in ("train", "validation", "test")}
    assert [len(y) for _, y in found.values()] == [8_000, 1_000, 1_000]
    for split, (x, y) in found.items():
        assert torch.equal(y, datasets.load("fashion", split).x)
        assert torch.equal(x[:5], pairs.edges(y[:5]))
    with pytest.raises(ValueError, match="expected one of"):
        pairs.edges_to_clothes("all")


def test_grey_is_the_brightness_that_we_see():
    torch.testing.assert_close(pairs.grey(torch.eye(3)[:, :, None, None]).flatten(), torch.tensor(pairs.GREY))
    torch.testing.assert_close(pairs.grey(torch.full((1, 3, 2, 2), 0.4)), torch.full((1, 1, 2, 2), 0.4))
    with pytest.raises(ValueError, match="colour images"):
        pairs.grey(torch.rand(2, 1, 4, 4))


def test_faces_are_new_each_time_and_the_same_by_seed():
    one, two, again = (pairs.edges_to_faces(4, runtime.generator(seed)) for seed in (0, 1, 0))
    assert torch.equal(one[1], again[1])
    assert not torch.equal(one[1], two[1])
    assert one[0].shape == (4, 1, 32, 32)
    assert torch.equal(one[0], pairs.edges(one[1], pairs.FACE_SHARE))


def test_each_filling_has_a_coin_of_its_own():
    _, y = pairs.coin_fills(5_000, 2, runtime.generator(0))
    filled = y > 0
    assert torch.equal(filled[:, 0], filled[:, 1])
    light = y.amax((2, 3)) > 0.6  # (N, 2)
    assert light.float().mean(0).tolist() == pytest.approx([0.4, 0.4], abs=0.03)
    assert light.all(1).float().mean().item() == pytest.approx(0.16, abs=0.02)
    assert set(y.unique().tolist()) == set(torch.tensor([0.0, 0.3, 0.9]).tolist())


def test_outlines_are_the_border_of_their_filling():
    x, y = pairs.coin_fills(200, 1, runtime.generator(1))
    filled = torch.nn.functional.pad((y > 0).float(), (1, 1, 1, 1))
    inner = -torch.nn.functional.max_pool2d(-filled, 3, 1)  # 1 where all eight neighbours are filled as well
    assert torch.equal(x, (y > 0).float() - inner)
    rows = (y[:, 0] > 0).any(2).sum(1)
    assert rows.unique().tolist() == [4, 5, 6, 7, 8]
