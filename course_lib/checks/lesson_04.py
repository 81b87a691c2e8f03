"""Exercises of lesson 04, Gaussian mixtures: responsibilities, the M-step, the bound that EM climbs, counting."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import entropy
from course_lib.models.probability.mixtures import COVARIANCES, GaussianMixture

EXERCISES = {
    "04.1": "responsibilities from the log-joint",
    "04.2": "the M-step for the means",
    "04.3": "the bound that EM climbs",
    "04.4": "count the free parameters of a mixture",
}


def _softmax(log_joint: Tensor) -> Tensor:
    return log_joint.softmax(1)


def responsibilities(attempt, *, record: bool = True) -> Verdict:
    """04.1 attempt(log_joint (B, K) of log p(x, z = k)) -> p(z = k | x), (B, K); right also where exp underflows."""
    cases = [
        (torch.tensor([[0.3, 0.1], [0.2, 0.6], [0.05, 0.9]]).log(),),
        (torch.tensor([[-1.0, -2.0, -0.5], [0.0, 1.0, -3.0]]),),
        (torch.tensor([[-1000.0, -1001.0], [-2000.0, -1998.0]]),),
    ]
    slips = (
        Slip(
            lambda j: j.exp() / j.exp().sum(1, keepdim=True),
            "right by the book, but exp(-1000) is 0 in floating point: subtract in the log domain first (logsumexp).",
        ),
        Slip(
            lambda j: (j - j.max()).exp() / (j - j.max()).exp().sum(1, keepdim=True),
            "one maximum for all points: another row still underflows; subtract each row's own largest (or logsumexp).",
        ),
        Slip(lambda j: j.softmax(0), "the sum went over the points; each point shares itself out among the components (axis 1)."),
        Slip(
            lambda j: j.exp() / j.exp().sum(0),
            "the sum went over the points; each point shares itself out among the components (axis 1), and in the log domain.",
        ),
        Slip(
            lambda j: (j - j.amax(1, keepdim=True)).exp(),
            "the largest of each row was subtracted, which is safe; now divide by the row's sum, so that the row sums to 1.",
        ),
        Slip(lambda j: j.log_softmax(1), "those are log-responsibilities; exp is missing at the end."),
        Slip(lambda j: j.exp(), "that is the joint p(x, z); Bayes' rule divides by p(x), its sum over the components."),
        Slip(
            lambda j: j / j.sum(1, keepdim=True), "logs cannot be shared out by division: exp first, or logsumexp and subtract."
        ),
        Slip(
            lambda j: torch.nn.functional.one_hot(j.argmax(1), j.shape[1]).to(j),
            "that decides for one component, as the method called k-means does; a responsibility is a probability.",
        ),
    )
    return grade("04.1", attempt, _softmax, cases, slips, record=record)


def means(attempt, *, record: bool = True) -> Verdict:
    """04.2 attempt(x (N, D), resp (N, K)) -> the means that the M-step gives, (K, D)."""

    def truth(x: Tensor, resp: Tensor) -> Tensor:
        return resp.T @ x / resp.sum(0)[:, None]

    def case(n: int, d: int, k: int) -> tuple[Tensor, Tensor]:
        g = runtime.generator(n)
        return 3 + torch.randn(n, d, generator=g), (2 * torch.randn(n, k, generator=g)).softmax(1)

    slips = (
        Slip(
            lambda x, r: r.T @ x / len(x),
            "you divided by N; a component's weights add up to N_k, the sum of its responsibilities.",
        ),
        Slip(lambda x, r: r.T @ x, "that is a weighted sum; divide by the sum of the weights."),
        Slip(
            lambda x, r: x.mean(0).expand(r.shape[1], -1), "every component got the mean of all data: the weights play no part."
        ),
        Slip(
            lambda x, r: torch.stack([x[r.argmax(1) == k].mean(0) for k in range(r.shape[1])]),
            "each point went wholly to its likeliest component, as in a method called k-means; in EM it counts for all of them.",
        ),
        Slip(
            lambda x, r: (r.T @ x / r.sum(0)[:, None]).T, "the numbers are right but transposed: one row per component, (K, D)."
        ),
        Slip(
            lambda x, r: r.T @ x / r.shape[1],
            "you divided by the number of components; divide by N_k, the sum of responsibilities.",
        ),
    )
    return grade("04.2", attempt, truth, [case(6, 2, 3), case(9, 3, 2), case(5, 1, 2)], slips, record=record)


def bound(attempt, *, record: bool = True) -> Verdict:
    """04.3 attempt(log_joint (B, K), q (B, K)) -> mean over points of E_q[log p(x, z)] + entropy of q, in nats, ()."""

    def truth(log_joint: Tensor, q: Tensor) -> Tensor:
        return ((q * log_joint).sum(1) + entropy(q)).mean()

    def case(seed: int) -> tuple[Tensor, Tensor]:
        g = runtime.generator(seed)
        return torch.randn(4 + seed, 3, generator=g) - 2, torch.randn(4 + seed, 3, generator=g).softmax(1)

    def twice(wrong, hint: str) -> tuple[Slip, Slip]:
        """A slip, wrong(log_joint, q, each state's share of the entropy), with and without care for 0 log 0."""
        plain = Slip(lambda j, q: wrong(j, q, -q * q.log()), hint)
        return Slip(lambda j, q: wrong(j, q, torch.special.entr(q)), hint), plain

    slips = (
        Slip(
            lambda j, q: (q * (j - q.log())).sum(1).mean(),
            "0 · log 0 became NaN: where q is 0 it adds nothing; torch.special.entr(q) is -q log q, and 0 there.",
        ),
        Slip(lambda j, q: (q * j).sum(1).mean(), "the entropy of q is missing: E_q[log p(x, z)] alone lies below the bound."),
        *twice(lambda j, q, e: (q * j - e).sum(1).mean(), "the entropy has the wrong sign: -Σ q log q is added."),
        *twice(lambda j, q, e: (q * j + e).sum(), "right, summed over the points; the mean was asked for."),
        *twice(lambda j, q, e: (q * j + e).sum(1), "one bound per point came; their mean was asked for, one number."),
        Slip(lambda j, q: j.logsumexp(1).mean(), "that is log p(x) itself; the bound equals it only where q is the posterior."),
        *twice(lambda j, q, e: (q * j + e).mean(), "the mean went over the components too: sum over z, average over points."),
        Slip(lambda j, q: (j - q.log()).sum(1).mean(), "the expectation's weights q are missing."),
        Slip(
            lambda j, q: (q * j.exp()).sum(1).log().mean(),
            "the log went outside the sum: the bound averages logs, it does not take the log of an average.",
        ),
    )
    certain = torch.tensor([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0]])  # a q may rule a component out
    cases = [case(0), case(1), case(2), (case(0)[0][:2], certain)]
    return grade("04.3", attempt, truth, cases, slips, record=record)


def count(attempt, *, record: bool = True) -> Verdict:
    """04.4 attempt(K, D, covariance) -> free parameters of a mixture; covariance is "full", "diagonal" or "spherical"."""

    def truth(K: int, D: int, covariance: str) -> int:
        return GaussianMixture(event_shape=(D,), components=K, covariance=covariance).parameter_count

    def square(K: int, D: int, covariance: str) -> int:
        return K - 1 + K * D + K * {"full": D * D, "diagonal": D, "spherical": 1}[covariance]

    def upper(K: int, D: int, covariance: str) -> int:
        return K - 1 + K * D + K * {"full": D * (D - 1) // 2, "diagonal": D, "spherical": 1}[covariance]

    def shared(K: int, D: int, covariance: str) -> int:
        return K - 1 + K * D + {"full": D * (D + 1) // 2, "diagonal": D, "spherical": 1}[covariance]

    slips = (
        Slip(lambda K, D, c: truth(K, D, c) + 1, "one too many: the K probabilities sum to 1."),
        Slip(lambda K, D, c: truth(K, D, c) - K + 1, "the probabilities were left out."),
        Slip(square, "a covariance matrix is symmetric: fewer than D² of its numbers are free."),
        Slip(lambda K, D, c: square(K, D, c) + 1, "a covariance matrix is symmetric, and the K probabilities sum to 1."),
        Slip(
            lambda K, D, c: square(K, D, c) - (K - 1),
            "a covariance matrix is symmetric, and the probabilities were left out.",
        ),
        Slip(upper, "the diagonal of the covariance matrix, the variances, was left out."),
        Slip(
            lambda K, D, c: truth(K, D, "full"), "the kind of covariance plays no part: a diagonal has D numbers, a ball has 1."
        ),
        Slip(shared, "each component has a covariance of its own: K of them."),
        Slip(lambda K, D, c: truth(K, D, c) - K * D, "the means were left out."),
    )
    cases = [(K, D, covariance) for K, D in ((2, 2), (10, 50), (3, 1)) for covariance in COVARIANCES]
    return grade("04.4", attempt, truth, cases, slips, record=record)
