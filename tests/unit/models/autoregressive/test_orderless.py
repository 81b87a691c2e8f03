"""Orderless NADE: its loss estimates what it says, one network serves every order, and completions are exact."""

import itertools

import pytest
import torch

from course_lib import runtime
from course_lib.models.autoregressive import OrderlessNADE
from course_lib.models.probability.enumeration import all_states


def small(seed=0, hidden=(9, 8)):
    runtime.seed(seed)
    model = OrderlessNADE(event_shape=(5,), hidden=hidden, chunk=2).requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(0.7 * torch.randn(parameter.shape))
    return model


def test_the_loss_is_an_unbiased_estimate_of_the_mean_over_all_orders():
    model = small()
    x = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]])
    exact = torch.stack([-model.with_order(order).log_prob(x) for order in itertools.permutations(range(5))]).mean()
    generator = runtime.generator(1)
    draws = torch.stack([model.loss(x.expand(64, 5), generator=generator) for _ in range(400)])
    error = draws.std() / len(draws) ** 0.5
    assert (draws.mean() - exact).abs() < 5 * error
    assert error < 0.02


def test_a_conditional_of_any_order_is_what_the_network_says_given_that_part():
    model, order = small(), [3, 0, 4, 2, 1]
    states = all_states(5)
    logits = model.with_order(order).conditionals(states).logits
    for place, d in enumerate(order):
        seen = torch.zeros(5, dtype=torch.bool)
        seen[order[:place]] = True
        expected = model.predict(states, seen.expand_as(states)).logits[:, d]
        torch.testing.assert_close(logits[:, d], expected)


def test_another_order_shares_the_parameters():
    model = small()
    other = model.with_order([4, 3, 2, 1, 0])
    assert other.order == [4, 3, 2, 1, 0]
    assert {p.data_ptr() for p in other.parameters()} == {p.data_ptr() for p in model.parameters()}


def test_completions_follow_the_exact_conditional():
    model = small().with_order([2, 4, 0, 1, 3])
    known = torch.tensor([False, False, True, False, True])
    x = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]])
    states = all_states(5)
    agree = (states[:, known] == x[:, known]).all(1)
    law = torch.where(agree, model.log_prob(states).exp(), 0.0)
    law = law / law.sum()
    n = 20_000
    drawn = model.complete(x.expand(n, 5), known, generator=runtime.generator(3))
    index = (drawn * 2 ** torch.arange(4, -1, -1)).sum(1).long()
    frequency = index.bincount(minlength=32) / n
    assert (frequency - law).abs().max() < 6 * 0.5 / n**0.5


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(ValueError, match="hidden is empty"):
        OrderlessNADE(event_shape=(5,), hidden=())
