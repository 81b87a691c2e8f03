"""Exercises of lesson 25, applications: AUROC, the bound of an unlabelled digit, membership, shrinking variance."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade

__all__ = ["EXERCISES", "auroc_of_gaussians", "expected_variance", "membership", "unlabelled_bound"]

EXERCISES = {
    "25.1": "the AUROC of two Gaussians in closed form",
    "25.2": "the bound of an unlabelled example of M2",
    "25.3": "the AUROC of a membership attack",
    "25.4": "the expected variance after k generations",
}


def _points(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=runtime.generator(seed))


def auroc_of_gaussians(attempt, *, record: bool = True) -> Verdict:
    """25.1 attempt(mean_a, scale_a, mean_b, scale_b) -> P(odd > ordinary) of N(mean_b, scale_b²) and N(mean_a, scale_a²)."""

    def phi(t: float) -> float:
        return 0.5 * (1 + math.erf(t / math.sqrt(2)))

    def by(t) -> object:
        return lambda a, s, b, u: phi(t(b - a, s, u))

    truth = by(lambda gap, s, u: gap / math.hypot(s, u))
    slips = (
        Slip(by(lambda gap, s, u: -gap / math.hypot(s, u)), "turned around: the odd scores have to be the larger ones."),
        Slip(by(lambda gap, s, u: gap / (s + u)), "variances add up, not standard deviations: √(scale_a² + scale_b²)."),
        Slip(by(lambda gap, s, u: gap / (s * s + u * u)), "the root is missing: divide by a standard deviation."),
        Slip(by(lambda gap, s, u: gap / math.sqrt(s + u)), "the scales are standard deviations: square them before you add."),
        Slip(by(lambda gap, s, u: gap / math.sqrt((s * s + u * u) / 2)),
             "√2 too large inside Φ: the variance of a difference is the sum, not the mean, of both; and Φ(t) is "
             "(1 + erf(t / √2)) / 2."),
        Slip(by(lambda gap, s, u: gap / (s * u)), "variances add up: √(scale_a² + scale_b²), no product."),
        Slip(by(lambda gap, s, u: gap / s), "both scores vary: the spread of the odd ones is missing."),
        Slip(by(lambda gap, s, u: gap / u), "both scores vary: the spread of the ordinary ones is missing."),
        Slip(by(lambda gap, s, u: gap), "the difference has to be divided by its own standard deviation."),
        Slip(lambda a, s, b, u: math.erf((b - a) / math.hypot(s, u) / math.sqrt(2)),
             "that runs from -1 to 1: Φ(t) = (1 + erf(t / √2)) / 2 is a probability."),
        Slip(lambda a, s, b, u: (b - a) / math.hypot(s, u), "that is where Φ is taken; the probability is Φ of it."),
        Slip(lambda a, s, b, u: math.exp(-0.5 * ((b - a) / math.hypot(s, u)) ** 2) / math.sqrt(2 * math.pi),
             "that is the density of the normal distribution; its distribution function Φ is wanted."),
    )  # fmt: skip
    cases = [(0.0, 1.0, 1.0, 2.0), (2.0, 0.5, 1.0, 1.5), (-1.0, 2.0, 0.5, 0.3)]
    return grade("25.1", attempt, truth, cases, slips, tolerance=1e-5, record=record)


def unlabelled_bound(attempt, *, record: bool = True) -> Verdict:
    """25.2 attempt(bounds (B, K), logits (B, K)) -> the bound on log p(x), (B,): bounds[:, y] is one on log p(x, y)."""

    def by(rule) -> object:
        def answer(bounds: Tensor, logits: Tensor) -> Tensor:
            log_q = torch.log_softmax(logits, 1)
            return rule(bounds, log_q.exp(), log_q)

        return answer

    truth = by(lambda b, q, log_q: (q * (b - log_q)).sum(1))
    slips = (
        Slip(by(lambda b, q, log_q: (q * b).sum(1)), "the entropy of q(y | x) is missing: a bound is E[log p - log q]."),
        Slip(by(lambda b, q, log_q: (q * (b + log_q)).sum(1)), "the sign of log q: a bound is E[log p - log q]."),
        Slip(by(lambda b, q, log_q: (q * (b - log_q)).mean(1)), "a sum over the classes: q is already a share for each."),
        Slip(by(lambda b, q, log_q: (b - log_q).mean(1)), "weigh each class by q(y | x), not equally."),
        Slip(by(lambda b, q, log_q: (b - log_q).sum(1)), "weigh each class by q(y | x)."),
        Slip(by(lambda b, q, log_q: (q * (b - q)).sum(1)), "log q(y | x) is taken off, not q(y | x)."),
        Slip(by(lambda b, q, log_q: b.mean(1)), "weigh each class by q(y | x), and add its entropy."),
        Slip(by(lambda b, q, log_q: torch.logsumexp(b, 1)),
             "that is the bound at the best q(y | x); then the classifier would get no say, and learn nothing."),
        Slip(by(lambda b, q, log_q: b.max(1).values), "the best class alone is no expectation over q(y | x)."),
        Slip(by(lambda b, q, log_q: (q * (b - log_q)).sum(1) - math.log(b.shape[1])),
             "log p(y) = -log K is already in the bounds on log p(x, y)."),
        Slip(lambda b, logits: (torch.softmax(logits, 1) * (b - logits)).sum(1), "log q is log_softmax(logits), not the logits."),
        Slip(lambda b, logits: (torch.softmax(logits, 0) * (b - torch.log_softmax(logits, 0))).sum(1),
             "the softmax runs over the classes (axis 1), not over the batch."),
        Slip(lambda b, logits: (torch.sigmoid(logits) * b).sum(1), "the classes exclude each other: softmax, not sigmoid."),
        Slip(by(lambda b, q, log_q: (q * (b - log_q)).sum()), "one number per example."),
        Slip(by(lambda b, q, log_q: (q * (b - log_q)).sum(1).mean()), "one number per example."),
        Slip(by(lambda b, q, log_q: (q * (b - log_q / math.log(2))).sum(1)), "the entropy in nats, as the bounds are."),
    )  # fmt: skip
    cases = [(_points(4, 3, 3) - 5, 2 * _points(4, 3, 4)), (3 * _points(2, 5, 5) - 80, _points(2, 5, 6))]
    return grade("25.2", attempt, truth, cases, slips, record=record)


def expected_variance(attempt, *, record: bool = True) -> Verdict:
    """25.4 attempt(variance, n, k) -> E of the fitted variance after k fits, each to n draws from the one before.

    The fit is the maximum of the likelihood: mean squared distance from the sample's own mean.
    """

    def truth(variance: float, n: int, k: int) -> float:
        return variance * (1 - 1 / n) ** k

    slips = (
        Slip(lambda v, n, k: v, "that holds for the unbiased estimate, which divides by n - 1; the maximum divides by n."),
        Slip(lambda v, n, k: v * (1 - 1 / n), "that is one generation: each of the k multiplies by the factor again."),
        Slip(lambda v, n, k: v * (1 - k / n), "the losses compound: a power, not a product with k."),
        Slip(lambda v, n, k: v * k * (1 - 1 / n), "the losses compound: a power, not a product with k."),
        Slip(lambda v, n, k: v * (1 - 1 / n) ** (k - 1), "one generation too few: the first fit already loses."),
        Slip(lambda v, n, k: v * (1 - 1 / (n - 1)) ** k, "the factor is (n − 1) / n = 1 − 1/n."),
        Slip(lambda v, n, k: v * (1 - 1 / n) ** (2 * k), "that would be the square: a variance has this factor once per fit."),
        Slip(lambda v, n, k: v * (1 - 1 / n) ** (k + 1), "one generation too many."),
        Slip(lambda v, n, k: v * (n / (n - 1)) ** k, "turned around: the fitted variance falls by (n - 1) / n."),
        Slip(lambda v, n, k: v * math.exp(-k / n), "that is the limit of large n; the factor is exactly 1 - 1/n."),
        Slip(lambda v, n, k: math.sqrt(v) * (1 - 1 / n) ** k, "the variance, not the standard deviation, has this factor."),
        Slip(lambda v, n, k: (1 - 1 / n) ** k, "the variance of the beginning is missing."),
        Slip(lambda v, n, k: v / n**k, "1 / n is the share that is lost in a generation; 1 - 1/n is left."),
        Slip(lambda v, n, k: v * (1 - 1 / k) ** n, "n and k have changed places."),
        Slip(lambda v, n, k: v * (1 - 1 / math.sqrt(n)) ** k, "the variance of the mean is variance / n, without a root."),
    )  # fmt: skip
    cases = [(1.0, 10, 30), (4.0, 5, 3), (0.25, 50, 2)]
    return grade("25.4", attempt, truth, cases, slips, tolerance=1e-6, record=record)


def membership(attempt, *, record: bool = True) -> Verdict:
    """25.3 attempt(generated (G, D), members (M, D), strangers (S, D)) -> AUROC of the distance to the nearest generated example.

    It is the probability that a random stranger is further from its nearest generated example than a random member; ties
    count one half.
    """

    def by(distances, compare) -> object:
        def answer(generated: Tensor, members: Tensor, strangers: Tensor) -> Tensor:
            a, b = distances(generated, members), distances(generated, strangers)
            return compare(b[:, None], a[None, :]).float().mean()

        return answer

    def nearest(generated: Tensor, x: Tensor) -> Tensor:
        return torch.cdist(x, generated, compute_mode="donot_use_mm_for_euclid_dist").amin(1)

    def from_generated(generated: Tensor, x: Tensor) -> Tensor:
        return torch.cdist(generated, x, compute_mode="donot_use_mm_for_euclid_dist").amin(1)

    def average(generated: Tensor, x: Tensor) -> Tensor:
        return torch.cdist(x, generated, compute_mode="donot_use_mm_for_euclid_dist").mean(1)

    def halves(b: Tensor, a: Tensor) -> Tensor:
        return (b > a).float() + 0.5 * (b == a).float()

    truth = by(nearest, halves)
    slips = (
        Slip(by(nearest, lambda b, a: halves(a, b)), "turned around: a member lies near, so the stranger is the further one."),
        Slip(by(from_generated, halves), "that asks each generated example for its neighbour; ask each member and stranger."),
        Slip(by(average, halves), "the nearest generated example counts, not the mean distance to all."),
        Slip(by(lambda g, x: -average(g, -x), halves), "the nearest generated example counts."),
        Slip(by(nearest, lambda b, a: b > a), "a tie counts one half."),
        Slip(by(nearest, lambda b, a: b >= a), "a tie counts one half, not one."),
        Slip(by(nearest, lambda b, a: 2 * halves(b, a) - 1), "that runs from -1 to 1; a probability is wanted."),
        Slip(by(lambda g, x: (x - g.mean(0)).norm(dim=1), halves), "the distance to the mean of the generated ones is another."),
    )  # fmt: skip
    grid = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    cases = [
        (
            grid,
            torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, 0.0]]),
            torch.tensor([[0.0, 3.0], [4.0, 0.0], [2.0, 0.0], [0.0, 0.0]]),
        ),
        (_points(8, 2, 7), _points(5, 2, 8), 1.5 * _points(4, 2, 9) + 1),
    ]
    return grade("25.3", attempt, truth, cases, slips, record=record)
