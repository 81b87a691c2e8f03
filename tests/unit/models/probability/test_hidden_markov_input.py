"""Hidden Markov models meet every kind of bad input: symbols, reals and parameters."""

import math

import pytest
import torch
from small_hmms import M, categorical, gaussian

from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM

BAD_SYMBOLS = {
    "floats": (torch.tensor([[0.0, math.nan]]), "integers"),
    "unseen": (torch.tensor([[0, M]]), "unseen"),
    "below": (torch.tensor([[0, -2]]), "unseen"),
    "empty sequence": (torch.tensor([[0, 1], [-1, -1]]), "length 0"),
    "no steps": (torch.zeros(2, 0, dtype=torch.long), "at least 1"),
    "gap": (torch.tensor([[0, -1, 1]]), "after padding"),
    "no batch axis": (torch.tensor([0, 1]), r"x\[None\]"),
    "a list": ([[0, 1]], "integers"),
}


@pytest.mark.parametrize("case", BAD_SYMBOLS)
def test_bad_symbols_are_explained(case):
    x, words = BAD_SYMBOLS[case]
    for method in ("log_prob", "posterior", "filter", "viterbi", "em_step", "messages", "log_conditionals"):
        with pytest.raises(ValueError, match=words):
            getattr(categorical(), method)(x)


BAD_REALS = {
    "nan": (torch.tensor([[0.0, math.nan]]), "NaN"),
    "infinity": (torch.tensor([[0.0, math.inf]]), "infinity"),
    "integers": (torch.tensor([[0, 1]]), "floats"),
    "empty sequence": (torch.tensor([[0.0], [-math.inf]]), "length 0"),
    "gap": (torch.tensor([[0.0, -math.inf, 1.0]]), "after padding"),
    "dimensions": (torch.zeros(2, 3, 2), "shape"),
}


@pytest.mark.parametrize("case", BAD_REALS)
def test_bad_reals_are_explained(case):
    x, words = BAD_REALS[case]
    for method in ("log_prob", "viterbi", "em_step"):
        with pytest.raises(ValueError, match=words):
            getattr(gaussian(), method)(x)


def test_bad_parameters_are_explained():
    good = {"initial": [0.5, 0.5], "transition": [[0.5, 0.5], [0.2, 0.8]], "emission": [[0.5, 0.5], [0.1, 0.9]]}
    model = CategoricalHMM(states=2, symbols=2, length=3).set_probs(**good)
    for name, value, words in (
        ("transition", [[0.5, 0.6], [0.2, 0.8]], "sums to 1.1"),
        ("emission", [[1.5, -0.5], [0.1, 0.9]], "at least 0"),
        ("initial", [math.nan, 1.0], "sums to nan"),
        ("emission", [[1.0], [1.0]], r"shape \(2, 1\)"),
        ("initial", [1.0], "shape"),
    ):
        with pytest.raises(ValueError, match=words):
            model.set_probs(**(good | {name: value}))
    for arguments in ({"states": 0}, {"symbols": 0}, {"length": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            CategoricalHMM(**({"states": 2, "symbols": 2, "length": 3} | arguments))
    with pytest.raises(ValueError, match="smallest_scale"):
        GaussianHMM(states=2, length=3, smallest_scale=0.0)
    with pytest.raises(ValueError, match="above 0"):
        gaussian().set_probs(initial=[1.0, 0, 0], transition=torch.eye(3), mean=torch.zeros(3, 1), scale=torch.zeros(3, 1))
    with pytest.raises(ValueError, match="pad it"):
        model.log_joint(torch.tensor([[0, 1]]), torch.tensor([[0, -1]]))
