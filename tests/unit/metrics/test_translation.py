"""Cycle error, disturbances, what a crescent's points tell, R² against scikit-learn, and the enumeration of pairings."""

import math

import pytest
import torch
from sklearn.metrics import r2_score

from course_lib import runtime
from course_lib.datasets import unpaired
from course_lib.metrics import pairings, translation
from course_lib.metrics.regression import r_squared


class Dimmer:
    """There and back loses a tenth of the grey range."""

    def there_and_back(self, x, *, to):
        return x, x - 0.1


def test_the_cycle_error_is_in_grey_levels():
    found = translation.cycle_error(Dimmer(), torch.rand(5, 1, 4, 4), to="b")
    assert found.mean == pytest.approx(25.5, rel=1e-4)
    assert found.n == 5


def test_rounding_and_noise():
    x = torch.linspace(0, 1, 101)
    assert len(translation.rounded(x, 16).unique()) == 16
    assert (translation.rounded(x, 16) - x).abs().max() <= 0.5 / 15 + 1e-6
    assert torch.equal(translation.rounded(x, 2), (x > 0.5).float())
    with pytest.raises(ValueError, match="at least 2"):
        translation.rounded(x, 1)
    grey = torch.full((20_000,), 0.5)
    change = 255 * (translation.disturbed(grey, 2.0, generator=runtime.generator(0)) - grey)
    assert change.std().item() == pytest.approx(2.0, rel=0.03)
    assert translation.disturbed(torch.ones(100), 8.0).max() <= 1


def test_pairs_are_found_only_where_every_point_has_a_partner_of_its_own():
    targets = torch.tensor([[0.0, 0], [1, 0], [0, 1]])
    assert translation.found_pairs(targets[[2, 0, 1]] + 0.05, targets, within=0.3) == [2, 0, 1]
    assert translation.found_pairs(targets[[2, 2, 1]], targets, within=0.3) is None
    assert translation.found_pairs(targets + torch.tensor([0.0, 0.4]), targets, within=0.3) is None


@pytest.mark.parametrize(("side", "upwards"), [("a", 1), ("b", -1)])
def test_the_place_along_a_crescent_is_the_label(side, upwards):
    points, labels = unpaired.crescents(200, scale=0.0, generator=runtime.generator(0))
    found = translation.along_crescent(getattr(points, side), upwards=upwards)
    torch.testing.assert_close(found, getattr(labels, side), atol=1e-5, rtol=0)


def test_the_share_covered():
    assert translation.covered(torch.rand(10_000, generator=runtime.generator(0))) == 1
    assert translation.covered(torch.full((100,), 0.31)) == pytest.approx(1 / 20)
    assert translation.covered(torch.rand(10_000, generator=runtime.generator(0)) / 2) == pytest.approx(0.5)


def test_r_squared_agrees_with_scikit_learn():
    g = runtime.generator(0)
    true = torch.randn(50, 3, generator=g)
    predicted = true + torch.tensor([0.1, 1.0, 3.0]) * torch.randn(50, 3, generator=g)
    expected = torch.tensor(r2_score(true.numpy(), predicted.numpy(), multioutput="raw_values"))
    torch.testing.assert_close(r_squared(predicted, true), expected.float(), atol=1e-5, rtol=1e-5)
    assert (r_squared(true, true) == 1).all()


@pytest.mark.parametrize(
    ("predicted", "true", "words"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 1), "same"),
        (torch.zeros(3), torch.zeros(3), "one column"),
        (torch.zeros(3, 2), torch.ones(3, 2), "never changes"),
    ],
)
def test_r_squared_refuses_what_has_none(predicted, true, words):
    with pytest.raises(ValueError, match=words):
        r_squared(predicted, true)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_maps_that_win_the_game_are_the_pairings_and_each_is_undone_by_one_other(k):
    maps, matchings = pairings.all_maps(k), pairings.all_pairings(k)
    assert len(maps) == k**k
    assert len(matchings) == math.factorial(k)
    assert torch.equal(maps[pairings.unlike(maps) == 0], matchings)
    there, back = matchings.repeat_interleave(len(matchings), 0), matchings.repeat(len(matchings), 1)
    closed = pairings.not_undone(there, back) == 0
    assert closed.sum() == math.factorial(k)
    assert (closed.view(len(matchings), -1).sum(1) == 1).all()


def test_the_total_variation_distance_of_maps_by_hand():
    maps = torch.tensor([[0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 0, 0], [0, 0, 1, 1]])
    torch.testing.assert_close(pairings.unlike(maps), torch.tensor([0.0, 0.25, 0.75, 0.5]))


def test_the_identity_loss_and_the_stretching_of_pairings():
    a, b = torch.tensor([[0.0, 0], [1, 0], [0, 3]]), torch.tensor([[0.0, 0], [1, 0], [5, 5]])
    every = pairings.all_pairings(3)
    assert (pairings.moved(every, a, b, 0) == 0).all()
    two = pairings.moved(every, a, b, 2)
    assert (two == 0).tolist() == [row[:2] == [0, 1] for row in every.tolist()]
    assert two[every.tolist().index([1, 0, 2])].item() == pytest.approx(0.5)  # (1, 0) and (-1, 0): mean absolute change
    turned = torch.stack([-a[:, 1], a[:, 0]], 1)[[1, 2, 0]]  # a rotation keeps distances
    lengths = pairings.stretched(every, a, turned)
    assert every[lengths.argmin()].tolist() == [2, 0, 1]
    assert lengths.min().item() == pytest.approx(0.0, abs=1e-6)
    assert (lengths > 0.1).sum() == 5
