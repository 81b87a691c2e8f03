"""One step of persistent contrastive divergence against scikit-learn's BernoulliRBM on the same data, sizes and type."""

import time

import torch
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits
from torch import nn

from course_lib import runtime
from course_lib.training import ContrastiveDivergenceStep

VISIBLE, HIDDEN, BATCH, ROUNDS = 784, 256, 100, 40


class Machine(nn.Module):
    """The parameters of a restricted Boltzmann machine, as the step needs them."""

    def __init__(self):
        super().__init__()
        self.W = nn.Parameter(0.01 * torch.randn(VISIBLE, HIDDEN, generator=runtime.generator(0)))
        self.b, self.c = nn.Parameter(torch.zeros(VISIBLE)), nn.Parameter(torch.zeros(HIDDEN))


def seconds(function, x):
    """The shortest CPU time of one call: other programs on the machine make a call longer, never shorter."""
    took = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        function(x)
        took.append(time.thread_time() - began)
    return min(took)


def test_a_step_takes_about_as_long_as_scikit_learns():
    torch.set_num_threads(1)
    x = (torch.rand(BATCH, VISIBLE, generator=runtime.generator(1)) < 0.2).float()
    theirs = BernoulliRBM(n_components=HIDDEN, learning_rate=0.01, batch_size=BATCH, random_state=0)
    with threadpool_limits(1):
        oracle = seconds(theirs.partial_fit, x.numpy())
    for centre in (None, 0.01):
        ours = seconds(ContrastiveDivergenceStep(Machine(), lr=0.01, persistent=True, centre=centre), x)
        print(f"\nRBM, {'centred' if centre else 'plain'} step: {1e3 * ours:.2f} ms; scikit-learn {1e3 * oracle:.2f} ms: "
              f"{oracle / ours:.2f} times its speed")  # fmt: skip
        assert ours < 2 * oracle
