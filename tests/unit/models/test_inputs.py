"""What models ask of their inputs: infinity, whole numbers, shares, pseudo-counts and what is known."""

import math

import numpy as np
import pytest
import torch

from course_lib.models.autoregressive import PixelCNN
from course_lib.models.inputs import (
    check_binary,
    check_events,
    check_known,
    check_numbers,
    check_share,
    check_smoothing,
    check_whole,
    trusted_values,
)
from course_lib.models.latent.pca import PCA
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM
from course_lib.models.probability.markov_chain import check_states
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


IMAGE = (1, 2, 2)
VALUES = {  # each with a wrong value, and with a wrong shape
    "numbers": (lambda x: check_numbers(x, (2,)), torch.full((1, 2), math.nan), torch.zeros(1, 3)),
    "events": (lambda x: check_events(x, (2,)), torch.full((1, 2), math.inf), torch.zeros(1, 3)),
    "binary": (lambda x: check_binary(x, (2,)), torch.full((1, 2), 0.5), torch.zeros(1, 3)),
    "grey": (
        PixelCNN(event_shape=IMAGE, features=4, layers=1, output="logistic").check,
        torch.full((1, *IMAGE), 2.0),
        torch.zeros(4),
    ),
    "states": (lambda x: check_states(x, 2), torch.full((1, 2), 7), torch.zeros(2).long()),
    "padding": (lambda x: check_states(x, 2), torch.tensor([[-1, 0]]), torch.zeros(1, 2)),
    "reals": (GaussianHMM(states=2, length=3).check, torch.full((1, 2), math.nan), torch.zeros(2)),
}


@pytest.mark.parametrize("kind", VALUES)
def test_trusted_values_are_not_looked_at_but_shapes_are(kind):
    check, wrong_value, wrong_shape = VALUES[kind]
    with pytest.raises(ValueError, match=r"x has|sequences \[0\]"):
        check(wrong_value)
    with trusted_values():
        assert check(wrong_value).shape == wrong_value.shape
        with pytest.raises(ValueError, match="expected"):
            check(wrong_shape)
        with trusted_values(False), pytest.raises(ValueError, match=r"x has|sequences \[0\]"):
            check(wrong_value)
    with pytest.raises(ValueError, match=r"x has|sequences \[0\]"):
        check(wrong_value)


@pytest.mark.parametrize("place", [0, 1_500, 2_499])
def test_a_value_between_0_and_1_is_found_anywhere_in_a_large_set(place):
    x = torch.zeros(2_500, 3)
    assert check_binary(x, (3,)) is x
    x[place, 1] = 0.5
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        check_binary(x, (3,))
