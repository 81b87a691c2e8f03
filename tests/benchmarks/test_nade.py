"""How fast NADE-500 trains and samples, as ratios to plain implementations that give the same losses and samples.

Paired runs: in each round every implementation works once on the same real batch, in turn, so that whatever else the
machine does falls on all of them. Reported are medians, and the median over rounds of the ratio within a round.
"""

import statistics
import time

import pytest
import torch
from torch.nn import functional as F

from course_lib import runtime
from course_lib.datasets import Batches, load
from course_lib.models.autoregressive import MADE, NADE, AutoregressiveModel

ROUNDS = 7


def cumulative_sum_loss(model, x):
    """All D hidden layers at once, (B, D, H), from one cumulative sum."""
    flat = x.flatten(1)
    steps = flat[:, :-1, None] * model.W[:-1]
    activation = torch.cat([model.c.expand(len(x), 1, -1), steps], 1).cumsum(1)
    logits = torch.einsum("bdh,dh->bd", torch.sigmoid(activation), model.V) + model.b
    return F.binary_cross_entropy_with_logits(logits, flat, reduction="none").sum(1).mean()


def seconds(work, *args, clock=time.perf_counter):
    began = clock()
    work(*args)
    return clock() - began


@pytest.fixture(scope="module", autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    runtime.threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def batches():
    return list(Batches(load("mnist", "train", binarisation="resampled").x[:2000], 100, binarisation="resampled"))


def test_training(batches):
    runtime.seed(0)
    model = NADE(event_shape=(1, 28, 28), hidden=500)
    losses = {
        "course_lib": model.loss,
        "step by step": lambda x: -model.log_prob_in_a_loop(x).mean(),
        "cumulative sum": lambda x: cumulative_sum_loss(model, x),
    }
    optimiser = torch.optim.Adam(model.parameters(), lr=0.0)  # its work is timed, but the model stays the same for all

    def train(loss, x):
        optimiser.zero_grad(set_to_none=True)
        loss(x).backward()
        optimiser.step()

    gradients = {}
    for name, loss in losses.items():  # equal before they are timed; also the warm-up
        train(loss, batches[0])
        gradients[name] = loss(batches[0]).detach(), model.W.grad.clone()
        torch.testing.assert_close(gradients[name], gradients["course_lib"], rtol=1e-3, atol=1e-5)
    times = {name: [] for name in losses}
    for x in batches[1 : ROUNDS + 1]:
        for name, loss in losses.items():
            times[name].append(seconds(train, loss, x))
    print("\n\nNADE-500, training on batches of 100 resampled MNIST digits, 2 threads (medians)")
    print(f"{'implementation':<16}{'images/s':>10}{'course_lib is faster by':>26}")
    ratios = {}
    for name, took in times.items():
        ratios[name] = statistics.median(t / ours for t, ours in zip(took, times["course_lib"], strict=True))
        print(f"{name:<16}{100 / statistics.median(took):>10.0f}{ratios[name]:>25.1f}x")
    assert ratios["step by step"] >= 4
    assert ratios["cumulative sum"] >= 1.5


@pytest.mark.parametrize("build", [lambda: NADE(event_shape=(1, 28, 28), hidden=500), lambda: MADE(event_shape=(1, 28, 28))])
def test_sampling(build, batches):
    runtime.threads(1)  # a pixel is too little work to share; so its processor time is its time alone
    runtime.seed(0)
    model = build()
    if isinstance(model, NADE):  # near the data, so that as many pixels are 1 as in digits
        optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
        for x in batches[:10]:
            optimiser.zero_grad()
            model.loss(x).backward()
            optimiser.step()
    with torch.no_grad():
        noise = model.noise(100, runtime.generator(1))
        few = noise[:2]
        same = (model.sample_from_noise(few) == AutoregressiveModel.sample_from_noise(model, few)).float().mean().item()
        assert same > 0.999
        fast = [seconds(model.sample_from_noise, noise, clock=time.thread_time) for _ in range(15)]
        slow = seconds(AutoregressiveModel.sample_from_noise, model, few, clock=time.thread_time)
    name, best = type(model).__name__, statistics.median(fast)
    print(f"\n\n{name}: 100 samples in {1000 * best:.0f} ms of one core (median)")
    print(f"{name}: cached sampling is {50 * slow / best:.0f} times as fast an image as one whole pass a pixel")
    assert 50 * slow / best > 20
    if isinstance(model, NADE):
        assert best <= 0.05
