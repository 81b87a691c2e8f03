"""What models ask of their inputs: infinity, whole numbers, shares, pseudo-counts and what is known."""

import math

import numpy as np
import pytest
import torch

from course_lib.models.inputs import (
    check_events,
    check_known,
    check_numbers,
    check_share,
    check_smoothing,
    check_whole,
)
from course_lib.models.latent.pca import PCA
from course_lib.models.probability.mixtures import GaussianMixture


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_no_finite_number(value):
    x = torch.tensor([[0.0, value]])
    with pytest.raises(ValueError, match="x has infinity in it; expected finite numbers"):
        check_events(x, (2,))
    assert check_numbers(x, (2,)) is x
    with pytest.raises(ValueError, match="x has NaN in it"):
        check_numbers(torch.full((1, 2), math.nan), (2,))
    with pytest.raises(ValueError, match="x has NaN in it"):
        check_events(torch.tensor([[math.nan, value]]), (2,))


def test_infinity_has_density_0_where_that_is_defined_and_is_refused_where_it_is_learnt_from():
    x = torch.tensor([[0.0, math.inf], [1.0, 0.0], [0.0, 1.0]])
    model = GaussianMixture(event_shape=(2,), components=1)
    assert model.log_prob(x)[0].item() == -math.inf
    for learn in (model.start, model.em_step, PCA(event_shape=(2,), latent=1).estimate):
        with pytest.raises(ValueError, match="infinity"):
            learn(x)


@pytest.mark.parametrize("n", [0, 3, np.int64(3), torch.tensor(3), np.uint8(7)])
def test_whole_numbers_become_pythons(n):
    assert type(check_whole(n, "n")) is int
    assert check_whole(n, "n") == int(n)


@pytest.mark.parametrize("n", [-1, 1.0, True, "1", None, np.float32(1), torch.tensor([1, 2])])
def test_what_is_no_whole_number_is_refused(n):
    with pytest.raises(ValueError, match="order is"):
        check_whole(n, "order")


def test_shares_and_pseudo_counts():
    assert check_share(0, "dropout") == 0.0
    assert type(check_smoothing(np.float32(0.5))) is float
    for bad in (math.nan, -0.1, 1.0, math.inf):
        with pytest.raises(ValueError, match="dropout is"):
            check_share(bad, "dropout")
    for bad in (math.nan, -0.1, math.inf):
        with pytest.raises(ValueError, match="smoothing is"):
            check_smoothing(bad)


def test_known_is_booleans_of_the_batch_or_of_one_example():
    x = torch.zeros(3, 2)
    one = torch.tensor([True, False])
    assert torch.equal(check_known(one, x), one.expand(3, 2))
    assert torch.equal(check_known(one.expand(3, 2), x), one.expand(3, 2))
    for bad, words in (
        (one.float(), r"known is torch\.float32"),
        (one[:1], r"of shape \(1,\)"),
        ([True, False], "known is a list"),
    ):
        with pytest.raises(ValueError, match=words):
            check_known(bad, x)
