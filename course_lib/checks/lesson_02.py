"""Exercises of lesson 02, distributions: a sampler, entropy, KL, smoothing."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import distributions
from course_lib.checks.report import Slip, Verdict, grade, grade_samples

EXERCISES = {
    "02.1": "draw from a table with one uniform number",
    "02.2": "the entropy of a table",
    "02.3": "the KL divergence between two tables",
    "02.4": "a smoothed table from counts",
}
TABLE = torch.tensor([0.1, 0.2, 0.3, 0.4])


def sampler(attempt, *, record: bool = True) -> Verdict:
    """02.1 attempt(n, generator) -> n integers that follow the table [0.1, 0.2, 0.3, 0.4]."""
    slips = (
        Slip(lambda: torch.full((4,), 0.25), "every outcome comes equally often: the table plays no part."),
        Slip(lambda: TABLE.flip(0), "the table is read backwards: compare u with the running sums from the left."),
        Slip(
            lambda: torch.tensor([0.1, 0.1, 0.1, 0.1, 0.6]),
            "u was compared with the probabilities; the pieces of the stick end at their running sums.",
        ),
        Slip(lambda: torch.cat([torch.zeros(1), TABLE]), "all are one too high: the first outcome is 0."),
        Slip(lambda: torch.cat([torch.zeros(1), TABLE.flip(0)]), "that counts the running sums above u; count the others."),
    )
    return grade_samples("02.1", attempt, probs=TABLE, slips=slips, record=record)


def entropy(attempt, *, record: bool = True) -> Verdict:
    """02.2 attempt(p (K,)) -> its entropy in nats, with 0 log 0 = 0."""
    cases = [(torch.tensor(p),) for p in ([0.5, 0.5], [0.7, 0.2, 0.1], [0.25, 0.25, 0.5, 0.0], [1.0, 0.0])]
    slips = (
        Slip(lambda p: -(p * p.log()).sum(), "0 · log 0 became NaN; leave out the states of probability 0."),
        Slip(lambda p: (p * p.log()).sum(), "the sign is turned around, and 0 · log 0 became NaN."),
        Slip(lambda p: -p[p > 0].log().sum(), "each surprise must be weighed by how often it comes: multiply by p."),
        Slip(lambda p: -p[p > 0].log().mean(), "that averages the states alike; weigh each by its probability."),
        Slip(lambda p: distributions.entropy(p) / len(p), "a mean over the states; the weights p already average: sum."),
        Slip(lambda p: (p * p).sum(), "a log is missing: that is the chance that two draws agree."),
    )
    return grade("02.2", attempt, distributions.entropy, cases, slips, record=record)


def kl(attempt, *, record: bool = True) -> Verdict:
    """02.3 attempt(p (K,), q (K,)) -> KL(p || q) in nats; infinite where q = 0 < p."""

    def reverse(p: Tensor, q: Tensor) -> Tensor:
        return distributions.kl(q, p)

    pairs = (
        ([0.5, 0.5], [0.9, 0.1]),
        ([0.7, 0.2, 0.1], [0.2, 0.3, 0.5]),
        ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]),
        ([0.4, 0.4, 0.2], [0.5, 0.5, 0.0]),
    )
    slips = (
        Slip(reverse, "that is KL(q || p): the data's probabilities are the weights."),
        Slip(distributions.cross_entropy, "that is the cross-entropy; the entropy of p has not been taken off."),
        Slip(lambda p, q: (p * (p / q).log()).sum(), "0 · log 0 became NaN; leave out the states where p is 0."),
        Slip(lambda p, q: (p[p > 0] / q[p > 0]).log().sum(), "the log ratios must be weighed by p."),
        Slip(lambda p, q: (p * (p - q)).sum(), "a log is missing: KL compares log probabilities."),
        Slip(
            lambda p, q: (p * (p / q).log())[(p > 0) & (q > 0)].sum(),
            "a state that p can produce and q cannot was left out: there -log q is infinite.",
        ),
        Slip(distributions.jensen_shannon, "that is the Jensen–Shannon divergence, which compares both with their middle."),
    )
    return grade("02.3", attempt, distributions.kl, [tuple(map(torch.tensor, pair)) for pair in pairs], slips, record=record)


def smoothed(attempt, *, record: bool = True) -> Verdict:
    """02.4 attempt(counts (K,), alpha) -> the posterior mean of the table under a Dirichlet(alpha) prior, (K,)."""

    def truth(counts: Tensor, alpha: float) -> Tensor:
        return (counts + alpha) / (counts + alpha).sum()

    slips = (
        Slip(lambda c, a: c / c.sum(), "nothing was smoothed: alpha plays no part."),
        Slip(lambda c, a: (c + a) / c.sum(), "the result does not sum to 1: the pretended observations raise the total too."),
        Slip(
            lambda c, a: (c + a) / (c.sum() + a),
            "alpha was pretended for each of K states: the total grows by K times alpha.",
        ),
        Slip(lambda c, a: c / c.sum() + a, "alpha is a number of observations: it joins the counts, before anything is divided."),
        Slip(lambda c, a: c + a, "those are counts; a table of probabilities sums to 1."),
        Slip(lambda c, a: (c + 1) / (c.sum() + len(c)), "that is right for alpha = 1 only."),
    )
    cases = [(torch.tensor([3.0, 1.0, 0.0]), 0.5), (torch.tensor([0.0, 0.0, 10.0, 2.0]), 2.0), (torch.tensor([5.0, 5.0]), 1.5)]
    return grade("02.4", attempt, truth, cases, slips, record=record)
