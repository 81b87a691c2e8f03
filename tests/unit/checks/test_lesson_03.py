"""Lesson 03: the right answers pass, and each likely mistake is told what it is."""

import math

import pytest
import torch
from frame import frame

from course_lib.checks import lesson_03 as check


def right_count(n, memory):
    return sum(2 ** min(k, memory) for k in range(n))


def right_posterior(joint):
    return joint[1, :, 1].sum() / joint[:, :, 1].sum()


def right_log_prob(x, first, table):
    total = torch.where(x[:, 0] == 1, math.log(first), math.log(1 - first))
    for d in range(1, x.shape[1]):
        p = table[d - 1][x[:, d - 1].long()]
        total = total + torch.where(x[:, d] == 1, p, 1 - p).log()
    return total


def right_dependence(joint):
    worst = 0.0
    for c in range(2):
        slab = joint[:, :, c] / joint[:, :, c].sum()
        worst = max(worst, (slab - torch.outer(slab.sum(1), slab.sum(0))).abs().max().item())
    return worst


RIGHT = {
    check.count_markov: right_count,
    check.posterior: right_posterior,
    check.markov_log_prob: right_log_prob,
    check.dependence: right_dependence,
}


def markov_terms(x, first, table):
    return torch.stack([right_log_prob(x[:, : d + 1], first, table) for d in range(x.shape[1])], 1).diff(
        dim=1, prepend=torch.zeros(len(x), 1)
    )


def markov_ones(x, first, table):
    return torch.stack([torch.full((len(x),), first), *(table[d][x[:, d].long()] for d in range(x.shape[1] - 1))], 1)


def looks_at_itself(x, first, table):
    total = torch.where(x[:, 0] == 1, math.log(first), math.log(1 - first))
    for d in range(1, x.shape[1]):
        p = table[d - 1][x[:, d].long()]
        total = total + torch.where(x[:, d] == 1, p, 1 - p).log()
    return total


def unconditional(joint):
    pair = joint.sum(2)
    return (pair - torch.outer(pair.sum(1), pair.sum(0))).abs().max()


def without_normaliser(joint):
    return max((joint[:, :, c] - torch.outer(joint[:, :, c].sum(1), joint[:, :, c].sum(0))).abs().max() for c in range(2))


def times_p_of_c(joint):
    return (joint - torch.einsum("ac,bc->abc", joint.sum(1), joint.sum(0) / joint.sum((0, 1)))).abs().max()


def against_marginals(joint):
    apart = torch.outer(joint.sum((1, 2)), joint.sum((0, 2)))
    return (joint / joint.sum((0, 1)) - apart[:, :, None]).abs().max()


SLIPS = [
    (check.count_markov, lambda n, memory: n * memory, "counts the arrows"),
    (check.count_markov, lambda n, m: n * 2**m, "first variables have fewer"),
    (check.count_markov, lambda n, m: right_count(n, m) + 1, "one too many"),
    (check.count_markov, lambda n, m: right_count(n, m) - 1, "one too few"),
    (check.count_markov, lambda n, m: 2 * n - 1, "memory of 1"),
    (check.count_markov, lambda n, m: 1 + m * 2 * (n - 1), "and the first variables"),
    (
        check.markov_log_prob,
        lambda x, first, table: (
            torch.where(x[:, 0] > 0, torch.tensor(first), 1 - torch.tensor(first)).log()
            + (x[:, 1:] * torch.where(x[:, :-1] > 0, table[:, 1], table[:, 0]).log()).sum(1)
        ),
        "first term is right",
    ),
    (check.count_markov, lambda n, m: 2**n - 1, "full table"),
    (check.count_markov, lambda n, m: 2 * right_count(n, m), "sum to 1"),
    (check.count_markov, lambda n, m: 1 + sum(2 * min(k, m) for k in range(1, n)), "not 2m"),
    (check.count_markov, lambda n, m: sum(2 ** min(k, m) for k in range(1, n + 1)), "off by one"),
    (check.count_markov, lambda n, m: 1 + (n - 1) * 2**m, "not the only one"),
    (check.count_markov, lambda n, m: 2**m - 1 + (n - m) * 2**m, "right while memory < n"),
    (check.posterior, lambda j: j[1, 1].sum() / j[:, 1].sum(), "evidence e is the last axis"),
    (check.posterior, lambda j: (j[1, :, 1] / j[:, :, 1].sum(0)).sum(), "do not add up"),
    (check.posterior, lambda j: (j[1, :, 1] / j[:, :, 1].sum(0)).mean(), "equally likely"),
    (check.posterior, lambda j: j[1, :, 1].sum(), "divide by p(e = 1)"),
    (check.posterior, lambda j: j[1, :, 1].sum() / j[1].sum(), "likelihood"),
    (check.posterior, lambda j: j[:, 1, 1].sum() / j[:, :, 1].sum(), "wrong axis"),
    (check.posterior, lambda j: j[1].sum(), "prior"),
    (check.posterior, lambda j: j[1, 1, 1] / j[:, 1, 1].sum(), "b is not known"),
    (check.posterior, lambda j: j[:, :, 1].sum(1) / j[:, :, 1].sum(), "both values"),
    (check.posterior, lambda j: 1 - right_posterior(j), "p(a = 0 | e = 1)"),
    (check.markov_log_prob, lambda *c: right_log_prob(*c).exp(), "logarithm is missing"),
    (check.markov_log_prob, lambda *c: markov_terms(*c).exp().sum(1), "you added probabilities"),
    (check.markov_log_prob, lambda *c: markov_terms(*c)[:, 1:].sum(1), "first variable is missing"),
    (check.markov_log_prob, lambda x, f, t: markov_terms(x, f, t)[:, 1:].sum(1) + math.log(f), "x_0 may be 0"),
    (check.markov_log_prob, lambda *c: markov_ones(*c).log().sum(1), "its probability is 1 - p"),
    (check.markov_log_prob, lambda x, *r: (x * markov_ones(x, *r).log()).sum(1), "not 0"),
    (check.markov_log_prob, lambda *c: markov_terms(*c).mean(1), "mean over the variables"),
    (check.markov_log_prob, lambda *c: markov_terms(*c).sum(0), "over the examples"),
    (check.markov_log_prob, lambda *c: markov_terms(*c).sum(), "over everything"),
    (check.markov_log_prob, looks_at_itself, "not by x_d"),
    (check.markov_log_prob, lambda *c: -right_log_prob(*c), "that is -log p(x)"),
    (check.dependence, unconditional, "c was added up"),
    (check.dependence, without_normaliser, "normaliser p(c)"),
    (check.dependence, times_p_of_c, "smaller by the factor p(c)"),
    (check.dependence, against_marginals, "these too must be given c"),
    (check.dependence, lambda j: right_dependence(j.permute(1, 2, 0)), "conditions on a"),
    (check.dependence, lambda j: right_dependence(j.permute(0, 2, 1)), "conditions on b"),
    (check.dependence, lambda j: 0.0, "both signs cancel"),
]

TestLesson03 = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize(("reduce", "words"), [(torch.sum, "sum of the gaps"), (torch.mean, "mean of the gaps")])
def test_the_largest_gap_is_asked_for(reduce, words):
    def wrong(joint):
        given = joint / joint.sum((0, 1), keepdim=True)
        return reduce((given - given.sum(1, keepdim=True) * given.sum(0, keepdim=True)).abs())

    assert words in check.dependence(wrong, record=False).hint
