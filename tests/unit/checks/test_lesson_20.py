"""Lesson 20: the right answers pass, in other styles and types too, and each likely mistake is told what it is."""

import itertools
import math

import numpy as np
import pytest
import torch
from frame import frame
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks import lesson_20 as check


def all_h(n):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)))


def right_free_energy(x, W, b, c):
    h = all_h(len(c))
    return -torch.logsumexp(x @ W @ h.T + (x @ b)[:, None] + h @ c, 1)


def right_conditionals(x, h, W, b, c):
    return 1 / (1 + torch.exp(-(x @ W + c))), torch.einsum("vh,bh->bv", W, h).add(b).sigmoid()


def right_log_partition(W, b, c):
    total = torch.tensor(-math.inf)
    for h in all_h(len(c)):
        total = torch.logaddexp(total, h @ c + torch.logaddexp(torch.zeros(()), W @ h + b).sum())
    return total


def right_step(log_weights, x, low, high, W, b, c):
    ratio = [F.softplus(beta * (x @ W + c)).sum(1) + beta * (x @ b) for beta in (low, high)]
    return log_weights + ratio[1] - ratio[0]


def right_swap(e_i, e_j, t_i, t_j):
    return min(1.0, math.exp((e_i - e_j) / t_i - (e_i - e_j) / t_j))


RIGHT = {
    check.free_energy: right_free_energy,
    check.conditionals: right_conditionals,
    check.log_partition: right_log_partition,
    check.annealing_step: right_step,
    check.swap: right_swap,
}

softplus, sigmoid = F.softplus, torch.sigmoid


def terms(W, b, c):
    return all_h(len(c)) @ c + softplus(all_h(len(c)) @ W.T + b).sum(1)


def twin(new=None, old=None):
    """20.4 with another log f at the next beta, or at the present one."""

    def usual(x, beta, W, b, c):
        return beta * (x @ b) + softplus(beta * (x @ W + c)).sum(1)

    new, old = new or usual, old or usual
    return lambda w, x, low, high, *machine: w + new(x, high, *machine) - old(x, low, *machine)


def no_b(x, beta, W, b, c):
    return softplus(beta * (x @ W + c)).sum(1)


def no_c(x, beta, W, b, c):
    return beta * (x @ b) + softplus(beta * (x @ W)).sum(1)


def outside(x, beta, W, b, c):
    return beta * (x @ b + softplus(x @ W + c).sum(1))


SLIPS = [
    (check.free_energy, lambda x, W, b, c: -(x @ b) - softplus(x @ W + c).sum(), "not over the batch"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - (x @ W + c).exp().sum(1), "h is 0 or 1"),
    (check.log_partition, lambda W, b, c: torch.logsumexp(all_h(len(c)) @ c + softplus(all_h(len(c)) @ W.T).sum(1), 0),
     "visible biases b"),
    (check.log_partition, lambda W, b, c: torch.logsumexp(all_h(len(c)) @ c + (all_h(len(c)) @ W.T + b).sum(1), 0),
     "every pixel to 1"),
    (check.annealing_step, lambda w, x, low, high, W, b, c: w + (high - low) * (x @ b) + softplus(high * (x @ W) + c).sum(1)
     - softplus(low * (x @ W) + c).sum(1), "multiplies the hidden biases"),
    (check.swap, lambda a, b, s, t: min(1.0, math.exp(-a / t - b / s)), "divide it by the one before"),
    (check.swap, lambda a, b, s, t: min(1.0, math.exp((1 / s + 1 / t) * (a - b))), "*minus*"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - (1 + (x @ W + c).exp()).log().sum(1), "infinite in single precision"),
    (check.free_energy, lambda *case: -right_free_energy(*case), "minus it"),
    (check.free_energy, lambda x, W, b, c: x @ b - softplus(x @ W + c).sum(1), "sign of b x"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) + softplus(x @ W + c).sum(1), "sign of the sum"),
    (check.free_energy, lambda x, W, b, c: -softplus(x @ W + c).sum(1), "term b x"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - softplus(x @ W).sum(1), "hidden biases"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - (x @ W + c).sum(1), "not the exponential of a sum"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - (sigmoid(x @ W + c) * (x @ W + c)).sum(1), "entropy"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - F.relu(x @ W + c).sum(1), "best h alone"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - F.logsigmoid(x @ W + c).sum(1), "−log σ(−t)"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - softplus(x @ W + c).mean(1), "summed, not averaged"),
    (check.free_energy, lambda *case: right_free_energy(*case).sum(), "one number per example"),
    (check.free_energy, lambda *case: right_free_energy(*case).mean(), "one number per example"),
    (check.free_energy, lambda *case: right_free_energy(*case) / math.log(2), "not bits"),
    (check.free_energy, lambda x, W, b, c: -(x @ b) - softplus(-x @ W - c).sum(1), "sign inside"),
    (check.conditionals, lambda *case: right_conditionals(*case)[::-1], "order"),
    (check.conditionals, lambda x, h, W, b, c: (x @ W + c, h @ W.T + b), "log odds"),
    (check.conditionals, lambda *case: tuple(1 - p for p in right_conditionals(*case)), "probabilities of 0"),
    (check.conditionals, lambda x, h, W, b, c: (sigmoid(x @ W), sigmoid(h @ W.T)), "the biases"),
    (check.conditionals, lambda x, h, W, b, c: (sigmoid(x @ W + c), sigmoid(h @ W.T)), "visible biases b"),
    (check.conditionals, lambda x, h, W, b, c: (sigmoid(x @ W), sigmoid(h @ W.T + b)), "hidden biases c"),
    (check.conditionals, lambda x, h, W, b, c: (sigmoid(x @ W + c), sigmoid(h @ W.view(len(c), -1) + b)), "no transpose"),
    (check.conditionals, lambda x, h, W, b, c: ((x @ W + c).softmax(1), (h @ W.T + b).softmax(1)), "coin of its own"),
    (check.conditionals, lambda *case: tuple(p.round() for p in right_conditionals(*case)), "rounded"),
    (check.log_partition, lambda W, b, c: terms(W, b, c).exp().sum().log(), "logsumexp"),
    (check.log_partition, lambda W, b, c: right_log_partition(W, b, c) - len(c) * math.log(2), "not their mean"),
    (check.log_partition, lambda *case: -right_log_partition(*case), "sign"),
    (check.log_partition, lambda W, b, c: softplus(all_h(len(c)) @ W.T + b).sum(1).logsumexp(0), "exp(c h)"),
    (check.log_partition, lambda W, b, c: terms(W, b, c).max(), "largest term alone"),
    (check.log_partition, lambda W, b, c: terms(W, b, c).sum(), "adds up logarithms"),
    (check.log_partition, lambda W, b, c: softplus(b).sum() + softplus(c).sum(), "without weights"),
    (check.log_partition, lambda *case: right_log_partition(*case) / math.log(2), "not bits"),
    (check.log_partition, lambda *case: right_log_partition(*case).exp(), "not Z"),
    (check.annealing_step, lambda w, x, low, high, *m: right_step(w, x, high, low, *m), "upside down"),
    (check.annealing_step, lambda w, *case: right_step(0 * w, *case), "so far is missing"),
    (check.annealing_step, twin(old=lambda x, *case: 0 * x[:, 0]), "factor is a ratio"),
    (check.annealing_step, twin(outside, outside), "inside each log"),
    (check.annealing_step, twin(no_b, no_b), "visible biases b"),
    (check.annealing_step, twin(no_c, no_c), "hidden biases c"),
    (check.annealing_step, lambda w, *case: w * right_step(0 * w, *case), "logarithms are added"),
    (check.annealing_step, lambda w, *case: w * right_step(0 * w, *case).exp(), "logarithms are added"),
    (check.annealing_step, lambda w, *case: w + right_step(0 * w, *case).exp(), "stay in logarithms"),
    (check.annealing_step, lambda *case: right_step(*case).exp(), "no exp"),
    (check.annealing_step, lambda *case: right_step(*case).mean(), "one weight per chain"),
    (check.swap, lambda e_i, e_j, t_i, t_j: right_swap(e_j, e_i, t_i, t_j), "lower energy belongs to the colder"),
    (check.swap, lambda e_i, e_j, t_i, t_j: math.exp((1 / t_i - 1 / t_j) * (e_i - e_j)), "at most 1"),
    (check.swap, lambda e_i, e_j, t_i, t_j: min(1, math.exp((t_i - t_j) * (e_i - e_j))), "inverse temperatures"),
    (check.swap, lambda e_i, e_j, t_i, t_j: min(1, math.exp((t_j - t_i) * (e_i - e_j))), "inverse temperatures"),
    (check.swap, lambda e_i, e_j, t_i, t_j: min(1, math.exp((e_i - e_j) / t_i)), "rule of Metropolis"),
    (check.swap, lambda e_i, e_j, t_i, t_j: min(1, math.exp((e_j - e_i) / t_i)), "rule of Metropolis"),
    (check.swap, lambda e_i, e_j, t_i, t_j: 1 / (1 + math.exp((1 / t_j - 1 / t_i) * (e_i - e_j))), "swaps less often"),
    (check.swap, lambda *case: math.log(right_swap(*case)), "the exponential is missing"),
    (check.swap, lambda e_i, e_j, t_i, t_j: min(1, (1 / t_i - 1 / t_j) * (e_i - e_j)), "the exponential is missing"),
]  # fmt: skip

TestLesson20 = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize(
    ("exercise", "attempt"),
    [
        (check.free_energy, lambda x, W, b, c: -(x.double() @ b.double()) - softplus((x @ W + c).double()).sum(-1)),
        (check.free_energy, lambda x, W, b, c: -x.numpy() @ b.numpy() - np.logaddexp(0, (x @ W + c).numpy()).sum(1)),
        (check.conditionals, lambda *case: list(right_conditionals(*case))),
        (check.log_partition, lambda *case: right_log_partition(*case).item()),
        (check.annealing_step, lambda *case: right_step(*case).double()),
        (check.swap, lambda e_i, e_j, t_i, t_j: torch.exp(torch.tensor((1 / t_i - 1 / t_j) * (e_i - e_j)).clamp(max=0))),
    ],
)
def test_other_styles_and_types_pass(exercise, attempt):
    assert exercise(attempt, record=False).status == "right"


def test_the_mean_weight_of_steps_by_a_right_answer_is_the_ratio_of_two_z():
    """The exercise's function, with Gibbs steps between, on a machine of 4 x 3: within three standard errors."""
    g = runtime.generator(0)
    W, b, c = torch.randn(4, 3, generator=g), torch.randn(4, generator=g), torch.randn(3, generator=g)
    n, betas = 20_000, torch.linspace(0, 1, 6).tolist()
    x, weights = (torch.rand(n, 4, generator=g) < 0.5).float(), torch.zeros(n)
    for low, high in itertools.pairwise(betas):
        weights = right_step(weights, x, low, high, W, b, c)
        h = (torch.rand(n, 3, generator=g) < sigmoid(high * (x @ W + c))).float()
        x = (torch.rand(n, 4, generator=g) < sigmoid(high * (h @ W.T + b))).float()
    ratio = weights.exp() / torch.exp(right_log_partition(W, b, c) - 7 * math.log(2))
    assert abs(ratio.mean() - 1) < 3 * ratio.std() / math.sqrt(n)
