"""Lesson 02: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_02 as check


def right_sampler(n, generator):
    u = torch.rand(n, generator=generator)
    return (u[:, None] >= torch.tensor([0.1, 0.3, 0.6])).sum(1)


def right_entropy(p):
    some = p[p > 0]
    return -(some * some.log()).sum()


def right_kl(p, q):
    some = p > 0
    return (p[some] * (p[some] / q[some]).log()).sum()


def right_smoothed(counts, alpha):
    return (counts + alpha) / (counts.sum() + len(counts) * alpha)


RIGHT = {
    check.sampler: right_sampler,
    check.entropy: right_entropy,
    check.kl: right_kl,
    check.smoothed: right_smoothed,
}


WRONG = [
    (check.sampler, lambda n, generator: torch.randint(4, (n,), generator=generator), "equally often"),
    (check.sampler, lambda n, generator: 3 - right_sampler(n, generator), "backwards"),
    (check.sampler, lambda n, generator: (torch.rand(n, 1, generator=generator) >= check.TABLE).sum(1), "running sums"),
    (check.sampler, lambda n, generator: 1 + right_sampler(n, generator), "one too high"),
    (check.sampler, lambda n, generator: 4 - right_sampler(n, generator), "running sums above u"),
    (check.sampler, lambda n, generator: torch.multinomial(check.TABLE, n, replacement=True), "generator"),
    (check.entropy, lambda p: -(p * p.log()).sum(), "NaN"),
    (check.entropy, lambda p: (p * p.log()).sum(), "sign is turned around, and"),
    (check.entropy, lambda p: -p[p > 0].log().sum(), "weighed"),
    (check.entropy, lambda p: -p[p > 0].log().mean(), "averages the states"),
    (check.entropy, lambda p: right_entropy(p) / len(p), "mean over the states"),
    (check.entropy, lambda p: (p * p).sum(), "log is missing"),
    (check.entropy, lambda p: -right_entropy(p), "sign"),
    (check.entropy, lambda p: right_entropy(p) / torch.tensor(2.0).log(), "nats"),
    (check.kl, lambda p, q: right_kl(q, p), "KL(q || p)"),
    (check.kl, lambda p, q: -(p * q.log())[p > 0].sum(), "cross-entropy"),
    (check.kl, lambda p, q: (p * (p / q).log()).sum(), "NaN"),
    (check.kl, lambda p, q: (p[p > 0] / q[p > 0]).log().sum(), "weighed"),
    (check.kl, lambda p, q: right_kl(p[q > 0], q[q > 0]), "left out"),
    (check.smoothed, lambda counts, alpha: counts / counts.sum() + alpha, "before anything is divided"),
    (check.kl, lambda p, q: (p * (p - q)).sum(), "log is missing"),
    (check.kl, lambda p, q: (right_kl(p, (p + q) / 2) + right_kl(q, (p + q) / 2)) / 2, "Jensen"),
    (check.smoothed, lambda c, a: c / c.sum(), "nothing was smoothed"),
    (check.smoothed, lambda c, a: (c + a) / c.sum(), "does not sum to 1"),
    (check.smoothed, lambda c, a: (c + a) / (c.sum() + a), "K times"),
    (check.smoothed, lambda c, a: c + a, "those are counts"),
    (check.smoothed, lambda c, a: (c + 1) / (c.sum() + len(c)), "alpha = 1"),
]

TestLesson02 = frame(check, RIGHT, WRONG)
