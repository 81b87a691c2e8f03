"""One step of Baum-Welch against hmmlearn's: 200 sequences of 50 steps, 50 states, 27 symbols, in one run on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from hmmlearn import hmm

from course_lib import runtime
from course_lib.models.probability.hidden_markov import CategoricalHMM

STATES, SYMBOLS, SEQUENCES, STEPS = 50, 27, 200, 50


def seconds(run: Callable[[], object], repeats: int) -> float:
    """The best of several runs, after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def hmmlearn_step(start: CategoricalHMM, x: torch.Tensor, implementation: str) -> Callable[[], object]:
    X, lengths = x.reshape(-1, 1).numpy(), [STEPS] * SEQUENCES

    def run():
        model = hmm.CategoricalHMM(
            STATES, init_params="", n_iter=1, tol=-np.inf, implementation=implementation, n_features=SYMBOLS
        )
        model.startprob_, model.transmat_, model.emissionprob_ = (
            p.numpy().copy() for p in (start.initial, start.transition, start.emission)
        )
        return model.fit(X, lengths)

    return run


def test_baum_welch_is_ten_times_as_fast_as_hmmlearn():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    x = torch.randint(SYMBOLS, (SEQUENCES, STEPS), generator=runtime.generator(0))
    model = CategoricalHMM(states=STATES, symbols=SYMBOLS, length=STEPS)
    ours = seconds(lambda: model.em_step(x), 10)
    theirs = {kind: seconds(hmmlearn_step(model, x, kind), 3) for kind in ("log", "scaling")}
    torch.set_num_threads(before)
    print(f"\nBaum-Welch, {SEQUENCES} sequences of {STEPS} steps, {STATES} states, one thread: ours {1e3 * ours:.1f} ms a step")
    for kind, words in (("log", "hmmlearn as it comes"), ("scaling", "hmmlearn with implementation='scaling'")):
        print(f"  {words}: {1e3 * theirs[kind]:.1f} ms a step, {theirs[kind] / ours:.1f} times ours")
    assert theirs["log"] >= 10 * ours
