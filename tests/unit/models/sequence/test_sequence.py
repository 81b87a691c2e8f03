"""Temperature and nucleus against their definitions, by brute force."""

import itertools
import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.sequence import nucleus, temper


@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.0, 3.0])
def test_temperature_raises_the_probabilities_to_a_power(temperature):
    logits = torch.randn(4, 6, generator=runtime.generator(0), dtype=torch.double)
    powers = logits.softmax(-1) ** (1 / temperature)
    torch.testing.assert_close(temper(logits, temperature).softmax(-1), powers / powers.sum(-1, keepdim=True))


def test_temperature_0_is_the_limit_and_infinity_is_even():
    logits = torch.randn(5, 6, generator=runtime.generator(1), dtype=torch.double)
    torch.testing.assert_close(temper(logits, 0).softmax(-1), temper(logits, 1e-4).softmax(-1))
    assert temper(torch.tensor([1.0, 3.0, 3.0]), 0).softmax(-1).tolist() == [0, 1, 0]  # at a tie the first
    torch.testing.assert_close(temper(logits, 1e9).softmax(-1), torch.full((5, 6), 1 / 6, dtype=torch.double))


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_temperature_refuses(bad):
    with pytest.raises(ValueError, match="at least 0"):
        temper(torch.zeros(3), bad)


def smallest_set(probs, top_p):
    """The fewest symbols that reach top_p, and among those the most probable: by trying every subset."""
    sets = [s for r in range(1, len(probs) + 1) for s in itertools.combinations(range(len(probs)), r)]
    return set(min((s for s in sets if probs[list(s)].sum() >= top_p), key=lambda s: (len(s), -probs[list(s)].sum())))


@pytest.mark.parametrize("top_p", [0.01, 0.3, 0.5, 0.77, 0.9, 0.99])
def test_nucleus_is_the_smallest_set_that_reaches_top_p(top_p):
    logits = 2 * torch.randn(40, 6, generator=runtime.generator(2), dtype=torch.double)
    probs, found = logits.softmax(-1), nucleus(logits, top_p)
    for row in range(40):
        kept = set(torch.isfinite(found[row]).nonzero()[:, 0].tolist())
        assert kept == smallest_set(probs[row], top_p)
        inside = probs[row] * torch.isfinite(found[row])
        torch.testing.assert_close(found[row].softmax(-1), inside / inside.sum())


def test_nucleus_at_its_edges():
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0]])
    assert torch.isfinite(nucleus(logits, 0.5)).tolist() == [[True, True, False, False]]  # ties: the lower symbols
    assert torch.equal(nucleus(logits, 1.0), logits)
    assert torch.isfinite(nucleus(torch.tensor([9.0, -torch.inf]), 1e-6)).tolist() == [True, False]
    for bad in (0.0, 1.01, math.nan):
        with pytest.raises(ValueError, match="probability"):
            nucleus(logits, bad)
