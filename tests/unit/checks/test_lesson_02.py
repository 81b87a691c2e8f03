"""Lesson 02: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame

from course_lib.checks import lesson_02 as check


def right_sampler(theta, n, generator):
    u = torch.rand(n, generator=generator)
    return (torch.log1p(-u) / math.log(1 - theta)).floor().long()


def one_by_one(theta, n, generator):
    failures, waiting = torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.bool)
    while waiting.any():
        waiting &= torch.rand(n, generator=generator) >= theta
        failures += waiting
    return failures


def right_entropy(p):
    some = p[p > 0]
    return -(some * some.log()).sum()


def right_kl(p, q):
    some = p > 0
    return (p[some] * (p[some] / q[some]).log()).sum()


def cost(counts, held_out, alpha):
    table = (counts + alpha) / (counts.sum() + len(counts) * alpha)
    return -(held_out * table.log()).sum().item()


def right_smoothing(counts, held_out, alphas):
    return min(alphas, key=lambda alpha: cost(counts, held_out, alpha))


def chosen(cost_of):
    return lambda counts, held_out, alphas: min(alphas, key=lambda alpha: float(cost_of(counts, held_out, alpha)))


RIGHT = {
    check.sampler: right_sampler,
    check.entropy: right_entropy,
    check.kl: right_kl,
    check.smoothing: right_smoothing,
}


WRONG = [
    (check.sampler, lambda theta, n, generator: 1 + right_sampler(theta, n, generator), "one too high"),
    (check.sampler, lambda theta, n, generator: right_sampler(1 - theta, n, generator), "changed places: k"),
    (check.sampler, lambda theta, n, generator: 1 + right_sampler(1 - theta, n, generator), "changed places, and"),
    (check.sampler, lambda theta, n, generator: (torch.rand(n, generator=generator) >= theta).long(), "one toss"),
    (check.entropy, lambda p: -(p[p > 0] * p[p > 0].log()).mean(), "states that can occur"),
    (check.kl, lambda p, q: (q * (q / p).log()).sum(), "and 0 · log 0"),
    (check.kl, lambda p, q: (p * (p / q).log()).nan_to_num().sum(), "stay infinite"),
    (check.sampler, lambda t, n, g: (torch.rand(n, generator=g).log() / math.log(1 - t)).round().long(), "nearest whole number"),
    (check.kl, lambda p, q: (p * (p / (q + 1e-9)).log()).nansum(), "a small number was added"),
    (check.kl, lambda p, q: (p * ((p + 1e-12) / (q + 1e-12)).log()).sum(), "a small number was added"),
    (check.smoothing, lambda c, h, alphas: alphas.index(right_smoothing(c, h, alphas)), "place of the best alpha"),
    (check.smoothing, lambda c, h, alphas: max(-cost(c, h, a) for a in alphas), "largest log-likelihood"),
    (check.smoothing, lambda c, h, alphas: right_smoothing(c, c, alphas), "also judged it"),
    (check.smoothing, lambda c, h, alphas: max(alphas, key=lambda a: cost(c, h, a)), "worst alpha"),
    (check.smoothing, lambda c, h, alphas: right_smoothing(c, torch.ones_like(h), alphas), "always take the largest"),
    (check.smoothing, chosen(lambda c, h, a: -(h * ((c + a) / c.sum()).log()).sum()), "always take the largest"),
    (check.smoothing, chosen(lambda c, h, a: -(h * ((c + a) / (c.sum() + a)).log()).sum()), "grows by K times alpha"),
    (check.smoothing, chosen(lambda c, h, a: cost(c, (h + a) / (h + a).sum(), a)), "stay as they are"),
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
    (check.kl, lambda p, q: (p * (p - q)).sum(), "log is missing"),
    (check.kl, lambda p, q: (right_kl(p, (p + q) / 2) + right_kl(q, (p + q) / 2)) / 2, "Jensen"),
]

TestLesson02 = frame(check, RIGHT, WRONG)


def test_tosses_one_after_another_are_right_too():
    assert check.sampler(one_by_one, record=False).status == "right"
