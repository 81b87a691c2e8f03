"""Markov chains of every order: counts, sums, stationary distributions, samples and bad input."""

import itertools
import json
import math

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.models.probability.markov_chain import MarkovChain, pad, stationary
from course_lib.models.protocols import configuration

A = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], dtype=torch.double)


def chain() -> MarkovChain:
    return MarkovChain(states=3, length=4).set_probs(initial=[0.2, 0.3, 0.5], transition=A)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_probabilities_of_all_sequences_sum_to_one(order):
    g = runtime.generator(order)
    model = MarkovChain(states=3, length=5, order=order).estimate(torch.randint(3, (20, 9), generator=g), smoothing=0.5)
    x = torch.tensor(list(itertools.product(range(3), repeat=5)))
    assert math.isclose(model.log_prob(x).exp().sum().item(), 1, rel_tol=1e-12)


def test_free_numbers_are_counted_with_the_first_steps():
    assert MarkovChain(states=27, length=5, order=0).parameter_count == 26
    assert MarkovChain(states=27, length=5).parameter_count == 26 + 27 * 26
    assert MarkovChain(states=3, length=5, order=2).parameter_count == 2 + 3 * 2 + 9 * 2


def test_log_prob_is_the_product_and_padding_adds_nothing():
    x = pad([torch.tensor([0, 1, 2]), torch.tensor([2])])
    assert torch.allclose(chain().log_prob(x).exp(), torch.tensor([0.2 * 0.1 * 0.3, 0.5], dtype=torch.double))
    assert chain().log_conditionals(x)[1].tolist() == [pytest.approx(math.log(0.5)), 0, 0]
    impossible = chain().log_prob(torch.tensor([[0, 2]]))
    assert impossible.item() == -math.inf


def test_estimate_counts_by_hand():
    x = torch.tensor([[0, 1, 0, 1, 1], [1, 0, -1, -1, -1]])
    model = MarkovChain(states=2, length=5).estimate(x)
    assert model.initial.tolist() == [0.5, 0.5]
    assert torch.allclose(model.transition, torch.tensor([[0.0, 1.0], [2 / 3, 1 / 3]], dtype=torch.double))
    smooth = MarkovChain(states=2, length=5).estimate(x, smoothing=1.0)
    assert torch.allclose(smooth.transition, torch.tensor([[1 / 4, 3 / 4], [3 / 5, 2 / 5]], dtype=torch.double))
    unseen = MarkovChain(states=3, length=5).estimate(x).transition[2]
    assert torch.allclose(unseen, torch.full((3,), 1 / 3, dtype=torch.double))


def test_estimate_is_the_maximum_and_finds_the_truth():
    x = chain().sample(3000, length=30, generator=runtime.generator(0))
    found = MarkovChain(states=3, length=30).estimate(x)
    assert torch.allclose(found.transition, A, atol=0.01)
    assert torch.allclose(found.initial, chain().initial, atol=0.04)
    assert found.log_prob(x).mean() >= chain().log_prob(x).mean()


@pytest.mark.parametrize("order", [0, 2])
def test_samples_follow_the_model(order):
    g = runtime.generator(4)
    model = MarkovChain(states=3, length=3, order=order).estimate(torch.randint(3, (5, 9), generator=g), smoothing=0.5)
    x = model.sample(40_000, generator=g)
    cells = torch.tensor(list(itertools.product(range(3), repeat=3)))
    expected = model.log_prob(cells).exp() * len(x)
    found = torch.bincount(x[:, 0] * 9 + x[:, 1] * 3 + x[:, 2], minlength=27)
    assert ((found - expected) ** 2 / expected).sum() < 60  # 26 degrees of freedom: P < 0.0002
    assert model.sample(2, length=7, generator=g).shape == (2, 7)


def test_stationary_distribution_is_left_unchanged_and_is_the_limit():
    pi = chain().stationary()
    assert torch.allclose(pi @ A, pi, atol=1e-12)
    assert torch.allclose(torch.linalg.matrix_power(A, 500)[0], pi, atol=1e-10)
    assert stationary(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist() == pytest.approx([0.5, 0.5])  # periodic: it never settles
    slow = torch.tensor([[1 - 1e-6, 1e-6], [2e-6, 1 - 2e-6]], dtype=torch.double)
    assert stationary(slow).tolist() == pytest.approx([2 / 3, 1 / 3], rel=1e-6)
    assert stationary(torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])).tolist() == pytest.approx([0, 0, 1])


def test_stationary_is_refused_where_there_is_more_than_one():
    with pytest.raises(ValueError, match="more than one"):
        stationary(torch.eye(2))


def test_memory_is_the_second_eigenvalue():
    model = MarkovChain(states=2, length=3).set_probs(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.3, 0.7]])
    assert model.memory() == pytest.approx(0.6)
    assert MarkovChain(states=1, length=3).memory() == 0


def test_bad_input_is_explained():
    for x, words in (
        (torch.tensor([[0, 3]]), "unseen"),
        (torch.tensor([[0.0, math.nan]]), "integers"),
        (torch.tensor([[-1, -1]]), "length 0"),
        (torch.tensor([[0, -1, 0]]), "after padding"),
    ):
        for method in (chain().log_prob, chain().estimate):
            with pytest.raises(ValueError, match=words):
                method(x)
    with pytest.raises(ValueError, match=r"sums to 0\.9"):
        chain().set_probs(initial=[0.2, 0.3, 0.4], transition=A)
    with pytest.raises(ValueError, match="shape"):
        chain().set_probs(initial=[0.5, 0.5], transition=A)
    with pytest.raises(ValueError, match="smoothing"):
        chain().estimate(torch.tensor([[0, 1]]), smoothing=-1.0)
    with pytest.raises(ValueError, match="order"):
        MarkovChain(states=3, length=2, order=-1)
    with pytest.raises(ValueError, match="order 1"):
        MarkovChain(states=3, length=2, order=2).stationary()
    with pytest.raises(ValueError, match="length 0"):
        pad([torch.tensor([], dtype=torch.long)])
    with pytest.raises(ValueError, match="length 0"):
        pad([])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_states_of_a_narrow_type_give_the_same_numbers(order, dtype):
    """uint8 would be a mask rather than an index: a table of [1/4] * 4 was counted as [0, 1/3, 1/3, 1/3]."""
    x = torch.tensor([[0, 1, 2, 3, 3, 1]])
    wide = MarkovChain(states=4, length=6, order=order).estimate(x, smoothing=0.1)
    narrow = MarkovChain(states=4, length=6, order=order).estimate(x.to(dtype), smoothing=0.1)
    assert torch.equal(wide.probs, narrow.probs)
    assert torch.equal(wide.log_prob(x), wide.log_prob(x.to(dtype)))


def test_padding_survives_a_type_that_has_no_minus_one():
    rows = [torch.tensor([0, 1, 2], dtype=torch.uint8), torch.tensor([2], dtype=torch.uint8)]
    assert pad(rows).tolist() == [[0, 1, 2], [2, -1, -1]]
    assert torch.equal(chain().log_prob(pad(rows)), chain().log_prob(pad([row.long() for row in rows])))


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.complex64])
def test_what_is_no_integer_is_refused(dtype):
    with pytest.raises(ValueError, match="expected integers"):
        chain().log_prob(torch.ones(1, 3, dtype=dtype))


def test_log_prob_is_differentiable_in_the_table():
    model, x = chain().requires_grad_(), torch.tensor([[0, 0, 1], [2, 1, -1]])
    model.loss(x).backward()
    assert model.probs.grad[0, 0].item() == pytest.approx(-1 / 0.9 / 2)
    assert model.probs.grad[3, 2].item() == pytest.approx(-1 / 0.5 / 2)


def test_the_integers_of_numpy_and_torch_are_taken_and_kept_as_python_ones():
    model = MarkovChain(states=np.int64(3), length=torch.tensor(4), order=np.int32(2))
    assert json.loads(json.dumps(configuration(model))) == {"states": 3, "length": 4, "order": 2}
    assert model.sample(np.int64(2), length=np.int64(5)).shape == (2, 5)
    for bad in ({"order": 1.0}, {"order": 40}, {"order": True}):
        with pytest.raises(ValueError, match="order is"):
            MarkovChain(states=3, length=4, **bad)


def test_estimate_moves_the_data_to_the_models_device(device):
    x = torch.tensor([[0, 1, 2], [1, 0, -1]])
    model = MarkovChain(states=3, length=5).to(device).estimate(x)
    assert model.probs.device.type == device
    assert torch.equal(model.probs.cpu(), MarkovChain(states=3, length=5).estimate(x).probs)


@pytest.mark.parametrize("x", [np.zeros((2, 3), dtype=int), [[0, 1]], None, "01"])
def test_what_is_no_tensor_gets_a_fix_that_it_can_follow(x):
    with pytest.raises(ValueError, match=rf"x is a {type(x).__name__}; expected a tensor .*torch.as_tensor\(x\)"):
        MarkovChain(states=2, length=3).log_prob(x)
