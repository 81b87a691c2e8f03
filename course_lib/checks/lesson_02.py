"""Exercises of lesson 02, distributions: a sampler, entropy, KL, smoothing."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import distributions
from course_lib.checks.report import Slip, Verdict, grade, grade_samples

EXERCISES = {
    "02.1": "draw from a table that has no end",
    "02.2": "the entropy of a table",
    "02.3": "the KL divergence between two tables",
    "02.4": "how much smoothing, chosen on held-out counts",
}
THETA, LAST = 0.3, 12  # of 02.1


def sampler(attempt, *, record: bool = True) -> Verdict:
    """02.1 attempt(theta, n, generator) -> n draws of how many tosses fail before the first success of probability theta.

    p(k) = theta (1 - theta)^k for k = 0, 1, 2, …: a table without an end. The check counts LAST and more as one state.
    """

    def law(first: float, stay: float, shift: int = 0) -> Tensor:
        table = first * stay ** torch.arange(LAST, dtype=torch.double)
        table = torch.cat([torch.zeros(shift, dtype=torch.double), table])[:LAST]
        return torch.cat([table, (1 - table.sum())[None]])

    def asked(n: int, generator: torch.Generator):
        drawn = attempt(THETA, n, generator)
        return drawn.clamp(max=LAST) if isinstance(drawn, Tensor) else drawn

    half = (1 - THETA) ** 0.5  # rounding moves every border between two counts by one half
    beyond = torch.tensor([half * (1 - THETA) ** (LAST - 1)], dtype=torch.double)
    slips = (
        Slip(lambda: law(THETA, 1 - THETA, 1), "all are one too high: a success at the first toss means 0 failures."),
        Slip(
            lambda: law(1 - THETA, THETA), "theta and 1 - theta have changed places: k failures have probability (1 - theta)^k."
        ),
        Slip(
            lambda: law(1 - THETA, THETA, 1),
            "theta and 1 - theta have changed places, and all are one too high.",
        ),
        Slip(
            lambda: torch.cat([torch.tensor([1 - half], dtype=torch.double), law(half * THETA, 1 - THETA)[:-2], beyond]),
            "the nearest whole number was taken; the first k whose running sum exceeds u is found by rounding down.",
        ),
        Slip(
            lambda: torch.tensor([THETA, 1 - THETA] + [0.0] * (LAST - 1)),
            "that is one toss each: go on until the first success.",
        ),
    )
    return grade_samples("02.1", asked if callable(attempt) else attempt, probs=law(THETA, 1 - THETA), slips=slips, record=record)


def entropy(attempt, *, record: bool = True) -> Verdict:
    """02.2 attempt(p (K,)) -> its entropy in nats, with 0 log 0 = 0."""
    cases = [(torch.tensor(p),) for p in ([0.5, 0.5], [0.7, 0.2, 0.1], [0.25, 0.25, 0.5, 0.0], [1.0, 0.0])]
    slips = (
        Slip(lambda p: -(p * p.log()).sum(), "0 · log 0 became NaN; leave out the states of probability 0."),
        Slip(lambda p: (p * p.log()).sum(), "the sign is turned around, and 0 · log 0 became NaN."),
        Slip(lambda p: -p[p > 0].log().sum(), "each surprise must be weighed by how often it comes: multiply by p."),
        Slip(lambda p: -p[p > 0].log().mean(), "that averages the states alike; weigh each by its probability."),
        Slip(
            lambda p: distributions.entropy(p) / (p > 0).sum(),
            "a mean over the states that can occur; the weights p already average: sum.",
        ),
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
        Slip(
            lambda p, q: (q * (q / p).log()).sum(),
            "that is KL(q || p), the data's probabilities are the weights; and 0 · log 0 became NaN.",
        ),
        Slip(
            lambda p, q: (p * (p / q).log()).nan_to_num().sum(),
            "nan_to_num turns the infinite surprise of a state with q = 0 < p into a large number; it has to stay infinite.",
        ),
        *(
            Slip(
                lambda p, q, small=10.0**-power: (p * (p / (q + small)).log()).nansum(),
                "a small number was added to q, and the surprise of a state with q = 0 < p became finite; it must stay infinite.",
            )
            for power in (6, 8, 9, 10, 12)
        ),
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


def smoothing(attempt, *, record: bool = True) -> Verdict:
    """02.4 attempt(counts (K,), held_out (K,), alphas, a list) -> the alpha whose smoothed table costs the held-out counts least.

    The table is (N_s + alpha) / (N + K alpha); the cost is the negative log-likelihood of the held-out counts.
    """

    def table(counts: Tensor, alpha: float) -> Tensor:
        return (counts + alpha) / (counts + alpha).sum()

    def chosen(cost):
        def choose(counts, held_out, alphas):
            return torch.tensor(min(alphas, key=lambda alpha: float(cost(counts, held_out, alpha))))

        return choose

    def surprise(counts, held_out, alpha):
        return -(held_out * table(counts, alpha).log()).sum()

    truth = chosen(surprise)
    slips = (
        Slip(
            lambda c, h, alphas: torch.tensor(min(range(len(alphas)), key=lambda place: float(surprise(c, h, alphas[place])))),
            "that is the place of the best alpha in the list; return the alpha itself, alphas[place].",
        ),
        Slip(
            lambda c, h, alphas: -min(surprise(c, h, alpha) for alpha in alphas),
            "that is the largest log-likelihood; return the alpha that reaches it.",
        ),
        Slip(
            chosen(lambda c, h, a: -(c * table(c, a).log()).nan_to_num().sum()),
            "the counts that made the table also judged it, and they always want the least smoothing: judge by held_out.",
        ),
        Slip(
            lambda c, h, alphas: torch.tensor(max(alphas)),
            "you always take the largest alpha: does the table sum to 1 (the total grows by K times alpha), and is each state's "
            "-log p weighed by held_out?",
        ),
        Slip(
            chosen(lambda c, h, a: (h * table(c, a).log()).sum()),
            "that is the worst alpha: the cost is minus the log-likelihood.",
        ),
        Slip(
            chosen(lambda c, h, a: -(table(h, a) * table(c, a).log()).sum()),
            "the held-out counts were smoothed too; they are the judge, and stay as they are.",
        ),
    )
    alphas = [0.05, 0.2, 0.6, 1.5, 4.0, 10.0]
    pairs = (
        ([12.0, 0.0, 12.0, 0.0], [9.0, 1.0, 15.0, 1.0]),
        ([1.0, 3.0, 3.0, 20.0, 5.0, 0.0], [6.0, 9.0, 9.0, 15.0, 15.0, 3.0]),
        ([1.0, 20.0, 12.0, 12.0, 0.0], [15.0, 1.0, 1.0, 15.0, 6.0]),
    )
    cases = [(torch.tensor(counts), torch.tensor(held_out), alphas) for counts, held_out in pairs]
    return grade("02.4", attempt, truth, cases, slips, record=record)
