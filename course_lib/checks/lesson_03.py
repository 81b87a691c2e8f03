"""Exercises of lesson 03, the chain rule: Bayes' rule, independence tested, counting, a Markov chain."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import Bernoulli
from course_lib.models.probability.enumeration import conditional

EXERCISES = {
    "03.1": "Bayes' rule from a joint table",
    "03.2": "how far from conditionally independent?",
    "03.3": "count the parameters of a Markov model with a longer memory",
    "03.4": "log p(x) of a Markov chain from its tables",
}


def count_markov(attempt, *, record: bool = True) -> Verdict:
    """03.3 attempt(n, memory) -> free parameters when each of n binary variables looks at the `memory` before it."""

    def truth(n: int, memory: int) -> int:
        return sum(2 ** min(k, memory) for k in range(n))

    slips = (
        Slip(
            lambda n, memory: n * memory,
            "that counts the arrows at most; `memory` binary parents have 2^memory states together, and each needs a number.",
        ),
        Slip(lambda n, memory: n * 2**memory, "the first variables have fewer others before them, and smaller tables."),
        Slip(
            lambda n, memory: truth(n, memory) + 1,
            "one too many: the first variable has nothing before it, so how many numbers does it need?",
        ),
        Slip(lambda n, memory: truth(n, memory) - 1, "one too few: does the first variable need no number?"),
        Slip(
            lambda n, memory: 1 + (n - 1) * 2**memory,
            "the first variable is not the only one with fewer than `memory` others before it.",
        ),
        Slip(
            lambda n, memory: 2**memory - 1 + (n - memory) * 2**memory,
            "right while memory < n; but what is the count when memory is n or more?",
        ),
        Slip(lambda n, memory: 2 * n - 1, "that is the count for a memory of 1; a table with m parents has 2^m rows."),
        Slip(lambda n, memory: 2**n - 1, "that is the full table; here a variable looks back at `memory` others at most."),
        Slip(
            lambda n, memory: sum(2 * 2 ** min(k, memory) for k in range(n)),
            "each row of a table holds two probabilities, but they sum to 1: one of them is free.",
        ),
        Slip(
            lambda n, memory: 1 + 2 * memory * (n - 1),
            "m parents have 2^m states together, not 2m; and the first variables have fewer parents.",
        ),
        Slip(
            lambda n, memory: 1 + sum(min(k, memory) * 2 for k in range(1, n)),
            "m parents have 2^m states together, not 2m.",
        ),
        Slip(
            lambda n, memory: sum(2 ** min(k + 1, memory) for k in range(n)),
            "off by one: the first variable (k = 0) has 0 others before it.",
        ),
    )
    return grade("03.3", attempt, truth, [(9, 1), (9, 3), (5, 2), (4, 8), (20, 10)], slips, record=record)


def _random_joint(seed: int) -> Tensor:
    """Some distribution of three binary variables, (2, 2, 2)."""
    weights = 0.05 + torch.rand(2, 2, 2, generator=runtime.generator(seed))
    return weights / weights.sum()


def posterior(attempt, *, record: bool = True) -> Verdict:
    """03.1 attempt(joint (2, 2, 2) over (a, b, e)) -> p(a = 1 | e = 1), by the sum rule and the product rule."""

    def truth(joint: Tensor) -> Tensor:
        return conditional(joint, [0], {2: 1})[1]

    def apart(joint: Tensor) -> Tensor:
        """p(a = 1 | b, e = 1) for both values of b, (2,)."""
        return joint[1, :, 1] / joint[:, :, 1].sum(0)

    slips = (
        Slip(
            lambda joint: joint[1, :, 1].sum(),
            "that is p(a = 1, e = 1), the joint: divide by p(e = 1).",
        ),
        Slip(
            lambda joint: conditional(joint, [2], {0: 1})[1],
            "that is p(e = 1 | a = 1), the likelihood; Bayes' rule inverts it.",
        ),
        Slip(lambda joint: conditional(joint, [1], {2: 1})[1], "that is p(b = 1 | e = 1): the sum went over the wrong axis."),
        Slip(lambda joint: conditional(joint, [0], {1: 1})[1], "that is p(a = 1 | b = 1): the evidence e is the last axis."),
        Slip(lambda joint: apart(joint).sum(), "conditionals do not add up: sum the joint over b first, divide after."),
        Slip(
            lambda joint: apart(joint).mean(),
            "that takes b's values to be equally likely: sum the joint over b first, divide after.",
        ),
        Slip(lambda joint: conditional(joint, [0])[1], "that is the prior p(a = 1): e = 1 has not been used."),
        Slip(lambda joint: conditional(joint, [0], {1: 1, 2: 1})[1], "b is not known: add it up, rather than set it to 1."),
        Slip(lambda joint: conditional(joint, [0], {2: 1}), "both values came; only p(a = 1 | e = 1) is asked for."),
        Slip(lambda joint: conditional(joint, [0], {2: 1})[0], "that is p(a = 0 | e = 1)."),
    )
    return grade("03.1", attempt, truth, [(_random_joint(seed),) for seed in range(3)], slips, record=record)


def markov_log_prob(attempt, *, record: bool = True) -> Verdict:
    """03.4 attempt(x (B, D), first, table (D - 1, 2)) -> log p(x) in nats, (B,).

    first: p(x_0 = 1). table[d - 1, v]: p(x_d = 1 | x_{d-1} = v).
    """

    def ones(x: Tensor, first: float, table: Tensor) -> Tensor:
        """p(x_d = 1 | x_{d-1}), (B, D)."""
        later = torch.where(x[:, :-1] > 0, table[:, 1], table[:, 0])
        return torch.cat([torch.full_like(x[:, :1], first), later], 1)

    def terms(x: Tensor, first: float, table: Tensor) -> Tensor:
        return Bernoulli(probs=ones(x, first, table)).log_prob(x)  # (B, D)

    def ahead(x: Tensor, first: float, table: Tensor) -> Tensor:
        """As `terms`, but each row looked up by x_d itself."""
        probs = torch.cat([torch.full_like(x[:, :1], first), torch.where(x[:, 1:] > 0, table[:, 1], table[:, 0])], 1)
        return Bernoulli(probs=probs).log_prob(x)

    slips = (
        Slip(lambda *case: terms(*case).sum(1).exp(), "that is p(x): the logarithm is missing."),
        Slip(
            lambda *case: terms(*case).exp().sum(1),
            "probabilities are multiplied, or their logarithms added; you added probabilities.",
        ),
        Slip(lambda *case: terms(*case)[:, 1:].sum(1), "the first variable is missing: log p(x_0) belongs to the sum."),
        Slip(
            lambda x, first, table: terms(x, first, table)[:, 1:].sum(1) + math.log(first),
            "x_0 may be 0 as well: then its probability is 1 - first.",
        ),
        Slip(lambda *case: ones(*case).log().sum(1), "where x_d is 0 its probability is 1 - p."),
        Slip(
            lambda x, *rest: terms(x, *rest)[:, 0] + (x * ones(x, *rest).log())[:, 1:].sum(1),
            "the first term is right; of the later ones, those where x_d is 0 count too, with log(1 - p).",
        ),
        Slip(lambda x, *rest: (x * ones(x, *rest).log()).sum(1), "where x_d is 0 its log-probability is log(1 - p), not 0."),
        Slip(lambda *case: terms(*case).mean(1), "that is the mean over the variables; the chain rule takes their sum."),
        Slip(lambda *case: terms(*case).sum(0), "the sum went over the examples; sum over the variables, axis 1."),
        Slip(lambda *case: terms(*case).sum(), "the sum went over everything; one number per example is asked for: sum(1)."),
        Slip(lambda *case: ahead(*case).sum(1), "the row of the table is picked by the variable before, x_{d-1}, not by x_d."),
        Slip(lambda *case: -terms(*case).sum(1), "that is -log p(x); log p(x) itself is asked for."),
    )
    cases = []
    for seed, (count, width) in enumerate([(1, 2), (3, 4), (5, 9)]):
        generator = runtime.generator(seed)
        x = (torch.rand(count, width, generator=generator) < 0.5).float()
        cases.append((x, 0.1 + 0.2 * seed, 0.1 + 0.8 * torch.rand(width - 1, 2, generator=generator)))
    return grade("03.4", attempt, truth=lambda *case: terms(*case).sum(1), cases=cases, slips=slips, record=record)


def _made_independent(seed: int) -> Tensor:
    """A joint (2, 2, 2) in which a and b are independent given c, but not when c is unknown."""
    a, b = torch.rand(2, 2, 2, generator=runtime.generator(seed)).unbind()  # p(a | c), p(b | c) before normalising
    a, b = a / a.sum(0), b / b.sum(0)
    return torch.einsum("ac,bc,c->abc", a, b, torch.tensor([0.3, 0.7]))


def dependence(attempt, *, record: bool = True) -> Verdict:
    """03.2 attempt(joint (2, 2, 2) over (a, b, c)) -> the largest |p(a, b | c) - p(a | c) p(b | c)| over all states."""

    def gap(joint: Tensor, normalise: bool = True) -> Tensor:
        given = joint / joint.sum((0, 1), keepdim=True) if normalise else joint
        return given - given.sum(1, keepdim=True) * given.sum(0, keepdim=True)

    def marginal_gap(joint: Tensor) -> Tensor:
        pair = joint.sum(2)
        return (pair - pair.sum(1, keepdim=True) * pair.sum(0, keepdim=True)).abs().max()

    slips = (
        Slip(marginal_gap, "that compares p(a, b) with p(a) p(b): c was added up, but it is to be known."),
        Slip(
            lambda joint: gap(joint, normalise=False).abs().max(),
            "p(a, b, c) is not p(a, b | c): the normaliser p(c) is missing.",
        ),
        Slip(
            lambda joint: (gap(joint) * joint.sum((0, 1))).abs().max(),
            "those gaps are of p(a, b, c), smaller by the factor p(c): divide by p(c) on both sides.",
        ),
        Slip(
            lambda joint: (joint / joint.sum((0, 1)) - (joint.sum((1, 2))[:, None] * joint.sum((0, 2)))[..., None]).abs().max(),
            "p(a, b | c) was compared with p(a) p(b): these too must be given c.",
        ),
        Slip(lambda joint: gap(joint.permute(1, 2, 0)).abs().max(), "that conditions on a, axis 0; c is axis 2."),
        Slip(lambda joint: gap(joint.permute(0, 2, 1)).abs().max(), "that conditions on b, axis 1; c is axis 2."),
        Slip(lambda joint: gap(joint).abs().sum(), "that is the sum of the gaps; the largest is asked for."),
        Slip(lambda joint: gap(joint).abs().mean(), "that is the mean of the gaps; the largest is asked for."),
        Slip(lambda joint: gap(joint).sum(), "gaps of both signs cancel: take absolute values first."),
    )
    cases = [(_random_joint(5),), (_made_independent(0),), (_random_joint(9),)]
    return grade("03.2", attempt, lambda joint: gap(joint).abs().max(), cases, slips, record=record)
