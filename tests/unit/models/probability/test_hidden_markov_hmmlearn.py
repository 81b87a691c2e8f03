"""Hidden Markov models against hmmlearn: equal starts, equal iterations, equal likelihoods and paths."""

import math

import numpy as np
import pytest
import torch
from hmmlearn import hmm
from small_hmms import K, M, categorical, gaussian, ragged

from course_lib import runtime


def hmmlearn_log_likelihoods(oracle, X, lengths) -> list[float]:
    oracle.fit(X, lengths)
    return list(oracle.monitor_.history)


@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_categorical_equals_hmmlearn_after_equal_iterations(implementation):
    start = categorical(seed=5)
    rows, x = ragged(categorical(seed=2), lengths=(40, 25, 1, 33, 12))
    oracle = hmm.CategoricalHMM(K, init_params="", n_iter=30, tol=-np.inf, implementation=implementation, n_features=M)
    oracle.startprob_, oracle.transmat_ = start.initial.numpy().copy(), start.transition.numpy().copy()
    oracle.emissionprob_ = start.emission.numpy().copy()
    X = torch.cat(rows)[:, None].numpy()
    theirs = hmmlearn_log_likelihoods(oracle, X, [len(row) for row in rows])
    ours = [start.em_step(x) * len(x) for _ in range(30)]
    assert len(theirs) == 30
    assert np.allclose(ours, theirs, rtol=1e-6, atol=0)
    assert np.allclose(start.emission, oracle.emissionprob_, atol=1e-6)
    assert np.allclose(start.log_prob(x).sum(), oracle.score(X, [len(row) for row in rows]), rtol=1e-6)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_gaussian_equals_hmmlearn_after_equal_iterations(dimensions):
    start = gaussian(dimensions)
    rows, x = ragged(start, lengths=(60, 35, 1, 48, 22))
    start.mean.data += 0.4
    oracle = hmm.GaussianHMM(
        K,
        "diag",
        init_params="",
        n_iter=30,
        tol=-np.inf,
        means_weight=0,
        covars_prior=0,
        covars_weight=1,
        min_covar=0,
        implementation="scaling",
    )  # a prior that counts for nothing: hmmlearn divides by max(weight - 1, 0) + counts
    oracle.startprob_, oracle.transmat_ = start.initial.numpy().copy(), start.transition.numpy().copy()
    oracle.means_, oracle.covars_ = start.mean.numpy().copy(), (2 * start.log_scale).exp().numpy().copy()
    X = torch.cat(rows).reshape(-1, dimensions).numpy()
    theirs = hmmlearn_log_likelihoods(oracle, X, [len(row) for row in rows])
    ours = [start.em_step(x) * len(x) for _ in range(30)]
    assert len(theirs) == 30
    assert np.allclose(ours, theirs, rtol=1e-6, atol=0)
    assert np.allclose(start.mean, oracle.means_, atol=1e-5)


def test_viterbi_equals_hmmlearn():
    model = categorical()
    x = model.sample(4, length=200, generator=runtime.generator(3))
    oracle = hmm.CategoricalHMM(K, n_features=M)
    oracle.startprob_, oracle.transmat_, oracle.emissionprob_ = (
        p.numpy().copy() for p in (model.initial, model.transition, model.emission)
    )
    path, log_joint = model.viterbi(x)
    for b in range(4):
        theirs, theirs_path = oracle.decode(x[b, :, None].numpy())
        assert math.isclose(log_joint[b].item(), theirs, rel_tol=1e-9)
        other = torch.as_tensor(theirs_path)[None].long()
        assert math.isclose(model.log_joint(x[b : b + 1], path[b : b + 1]).item(), model.log_joint(x[b : b + 1], other).item())
