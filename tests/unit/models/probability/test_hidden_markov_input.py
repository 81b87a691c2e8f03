"""Hidden Markov models meet every kind of bad input: symbols, reals and parameters."""

import json
import math

import numpy as np
import pytest
import torch
from small_hmms import M, categorical, gaussian

from course_lib import runtime
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM
from course_lib.models.protocols import configuration

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


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
@pytest.mark.parametrize("method", ["log_prob", "log_conditionals", "posterior", "filter", "viterbi", "em_step"])
def test_symbols_of_a_narrow_type_give_the_same_numbers(method, dtype):
    x = categorical().sample(5, length=4, generator=runtime.generator(2))
    for expected, found in zip(_answers(method, x), _answers(method, x.to(dtype)), strict=True):
        assert torch.equal(expected, found)


def _answers(method, x):
    found = getattr(categorical(), method)(x)
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32])
def test_paths_of_a_narrow_type_are_counted_alike(dtype):
    many = CategoricalHMM(states=40, symbols=20, length=6)  # 40 * 40 and 40 * 20 do not fit in 8 bits
    h, x = many.sample_joint(30, generator=runtime.generator(3))
    wide, narrow = (CategoricalHMM(states=40, symbols=20, length=6) for _ in range(2))
    wide.estimate(x, h, smoothing=0.5)
    narrow.estimate(x.to(dtype), h.to(dtype), smoothing=0.5)
    for name in ("initial", "transition", "emission"):
        assert torch.equal(getattr(wide, name), getattr(narrow, name))
    assert torch.equal(wide.log_joint(x, h), wide.log_joint(x.to(dtype), h.to(dtype)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_bad_pseudo_counts_and_scales_are_explained(bad):
    with pytest.raises(ValueError, match="smoothing is"):
        categorical().estimate(torch.tensor([[0, 1]]), torch.tensor([[0, 1]]), smoothing=bad)
    with pytest.raises(ValueError, match="smallest_scale is"):
        GaussianHMM(states=2, length=3, smallest_scale=bad)


def test_the_integers_of_numpy_and_torch_are_taken_and_kept_as_python_ones():
    model = CategoricalHMM(states=np.int64(2), symbols=torch.tensor(3), length=np.int32(4), seed=np.int64(1))
    assert json.loads(json.dumps(configuration(model))) == {"states": 2, "symbols": 3, "length": 4, "seed": 1}
    assert GaussianHMM(states=2, length=3, dimensions=np.int64(2)).sample(np.int64(5), length=np.int64(2)).shape == (5, 2, 2)
    with pytest.raises(ValueError, match=r"seed is 1\.5"):
        CategoricalHMM(states=2, symbols=3, length=4, seed=1.5)


def test_check_is_the_rule_of_every_method():
    x = torch.tensor([[0, 1, -1]], dtype=torch.int8)
    assert categorical().check(x).dtype == torch.int64
    assert gaussian().check(torch.zeros(2, 3)).shape == (2, 3)
    assert gaussian(2).check(torch.zeros(2, 3, 2)).shape == (2, 3, 2)
    with pytest.raises(ValueError, match="unseen"):
        categorical().check(torch.tensor([[M]]))
