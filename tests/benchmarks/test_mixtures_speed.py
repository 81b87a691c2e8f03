"""One step of EM against scikit-learn's: 10,000 points in 50 dimensions, 20 full covariances, on 2 threads."""

from __future__ import annotations

import statistics
import time
import warnings

import numpy as np
import torch
from sklearn.mixture import GaussianMixture as Oracle
from threadpoolctl import threadpool_limits

from course_lib import runtime
from course_lib.models.probability.mixtures import GaussianMixture

POINTS, DIMENSIONS, COMPONENTS, STEPS, ROUNDS = 10_000, 50, 20, 3, 4


def data() -> torch.Tensor:
    g = runtime.generator(0)
    centres = 0.3 * torch.randn(COMPONENTS, DIMENSIONS, generator=g, dtype=torch.double)
    which = torch.randint(COMPONENTS, (POINTS,), generator=g)
    return centres[which] + torch.randn(POINTS, DIMENSIONS, generator=g, dtype=torch.double)


def their_seconds(model: GaussianMixture, x: np.ndarray) -> tuple[float, Oracle]:
    """Seconds a step: a run of STEPS + 1 steps less a run of 1, so that neither set-up nor checks are counted."""
    times, oracle = [], None
    for steps in (1, STEPS + 1):
        oracle = Oracle(
            COMPONENTS, reg_covar=0, tol=0, max_iter=steps, weights_init=model.probs.numpy(), means_init=model.mean.numpy(),
            precisions_init=torch.linalg.inv(model.covariances()).numpy(), init_params="random", random_state=0,
        )  # fmt: skip
        began = time.perf_counter()
        oracle.fit(x)
        times.append(time.perf_counter() - began)
    return (times[1] - times[0]) / STEPS, oracle


def test_a_step_is_twice_as_fast_as_scikit_learns():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    x = data()
    start = GaussianMixture(event_shape=(DIMENSIONS,), components=COMPONENTS, min_variance=1e-9)
    start.start(x, generator=runtime.generator(0))
    ours, theirs = [], []
    with threadpool_limits(2), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few steps do not converge
        for _ in range(ROUNDS):  # side by side, so that a busy machine disturbs both alike
            model = GaussianMixture(event_shape=(DIMENSIONS,), components=COMPONENTS, min_variance=1e-9)
            model.load_state_dict(start.state_dict())
            model.em_step(x)
            began = time.perf_counter()
            for _ in range(STEPS):
                model.em_step(x)
            ours.append((time.perf_counter() - began) / STEPS)
            took, oracle = their_seconds(start, x.numpy())
            theirs.append(took)
    torch.set_num_threads(before)
    ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
    print(f"\nEM, {POINTS:,} points in {DIMENSIONS} dimensions, {COMPONENTS} full covariances: medians of {ROUNDS} paired rounds")
    mine, other = (1e3 * statistics.median(seconds) for seconds in (ours, theirs))
    print(f"  ours {mine:.1f} ms a step, scikit-learn {other:.1f} ms: {ratio:.1f} times ours")
    assert abs(model.log_prob(x).mean().item() / oracle.score(x.numpy()) - 1) < 1e-6
    assert ratio >= 2
