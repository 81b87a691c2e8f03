"""Lesson 25: the right answers pass, in other styles and types too, and each likely mistake is told what it is."""

import math

import pytest
import scipy.stats
import torch
from frame import frame

from course_lib.checks import lesson_25 as check
from course_lib.metrics.detection import auroc


def right_auroc(mean_a, scale_a, mean_b, scale_b):
    return scipy.stats.norm.sf(0, mean_b - mean_a, math.sqrt(scale_a**2 + scale_b**2))


def right_bound(bounds, logits):
    q = torch.distributions.Categorical(logits=logits)
    return (q.probs * bounds).sum(1) + q.entropy()


def right_variance(variance, n, k):
    for _ in range(k):
        variance = variance - variance / n
    return variance


def right_membership(generated, members, strangers):
    def nearest(x):
        return (x[:, None] - generated).square().sum(2).min(1).values

    return auroc(nearest(members), nearest(strangers))


RIGHT = {
    check.auroc_of_gaussians: right_auroc,
    check.unlabelled_bound: right_bound,
    check.expected_variance: right_variance,
    check.membership: right_membership,
}


def distances(x, generated):
    return (x[:, None] - generated).square().sum(2).sqrt()


def compared(relation, generated, members, strangers):
    far, near = (distances(x, generated).min(1).values for x in (strangers, members))
    return relation(far[:, None], near).float().mean()


SLIPS = [
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / (s * u)), "no product"),
    (check.unlabelled_bound, lambda b, z: (z.softmax(1) * (b - z.softmax(1))).sum(1), "not q(y | x)"),
    (check.expected_variance, lambda v, n, k: v * (1 - 1 / (n - 1)) ** k, "(n − 1) / n = 1 − 1/n"),
    (check.expected_variance, lambda v, n, k: v * (1 - 1 / n) ** (2 * k), "once per fit"),
    (check.auroc_of_gaussians, lambda a, s, b, u: right_auroc(b, s, a, u), "turned around"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / (s + u)), "variances add"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / (s**2 + u**2)), "root is missing"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / (s + u) ** 0.5), "square them"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / ((s**2 + u**2) / 2) ** 0.5), "not the mean"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / s), "odd ones is missing"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf((b - a) / u), "ordinary ones is missing"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.cdf(b - a), "own standard deviation"),
    (check.auroc_of_gaussians, lambda a, s, b, u: (1 + math.erf((b - a) / math.hypot(s, u))) / 2, "erf(t / √2)"),
    (check.auroc_of_gaussians, lambda a, s, b, u: 2 * right_auroc(a, s, b, u) - 1, "from -1 to 1"),
    (check.auroc_of_gaussians, lambda a, s, b, u: (b - a) / math.hypot(s, u), "Φ of it"),
    (check.auroc_of_gaussians, lambda a, s, b, u: scipy.stats.norm.pdf((b - a) / math.hypot(s, u)), "the density"),
    (check.unlabelled_bound, lambda b, o: (o.softmax(1) * b).sum(1), "entropy of q(y | x) is missing"),
    (check.unlabelled_bound, lambda b, o: (o.softmax(1) * (b + o.log_softmax(1))).sum(1), "sign of log q"),
    (check.unlabelled_bound, lambda b, o: right_bound(b, o) / b.shape[1], "a sum over the classes"),
    (check.unlabelled_bound, lambda b, o: (b - o.log_softmax(1)).mean(1), "not equally"),
    (check.unlabelled_bound, lambda b, o: (b - o.log_softmax(1)).sum(1), "weigh each class"),
    (check.unlabelled_bound, lambda b, o: b.mean(1), "add its entropy"),
    (check.unlabelled_bound, lambda b, o: b.logsumexp(1), "learn nothing"),
    (check.unlabelled_bound, lambda b, o: b.max(1).values, "best class alone"),
    (check.unlabelled_bound, lambda b, o: right_bound(b - math.log(b.shape[1]), o), "already in the bounds"),
    (check.unlabelled_bound, lambda b, o: (o.softmax(1) * (b - o)).sum(1), "not the logits"),
    (check.unlabelled_bound, lambda b, o: (o.softmax(0) * (b - o.log_softmax(0))).sum(1), "not over the batch"),
    (check.unlabelled_bound, lambda b, o: (o.sigmoid() * b).sum(1), "not sigmoid"),
    (check.unlabelled_bound, lambda b, o: right_bound(b, o).sum(), "per example"),
    (check.unlabelled_bound, lambda b, o: right_bound(b, o).mean(), "per example"),
    (check.expected_variance, lambda v, n, k: v, "unbiased"),
    (check.expected_variance, lambda v, n, k: v * (n - 1) / n, "one generation:"),
    (check.expected_variance, lambda v, n, k: v * (1 - k / n), "compound"),
    (check.expected_variance, lambda v, n, k: v * (1 - 1 / n) ** (k - 1), "too few"),
    (check.expected_variance, lambda v, n, k: v * (1 - 1 / n) ** (k + 1), "too many"),
    (check.expected_variance, lambda v, n, k: v * (n / (n - 1)) ** k, "turned around"),
    (check.expected_variance, lambda v, n, k: v * math.exp(-k / n), "limit of large n"),
    (check.expected_variance, lambda v, n, k: v**0.5 * (1 - 1 / n) ** k, "not the standard deviation"),
    (check.expected_variance, lambda v, n, k: (1 - 1 / n) ** k, "of the beginning"),
    (check.expected_variance, lambda v, n, k: v * (1 - 1 / k) ** n, "changed places"),
    (check.membership, lambda g, m, s: 1 - right_membership(g, m, s), "turned around"),
    (check.membership, lambda g, m, s: auroc(distances(g, m).min(1).values, distances(g, s).min(1).values), "each member"),
    (check.membership, lambda g, m, s: auroc(distances(m, g).mean(1), distances(s, g).mean(1)), "not the mean distance"),
    (check.membership, lambda g, m, s: compared(torch.gt, g, m, s), "a tie counts one half."),
    (check.membership, lambda g, m, s: compared(torch.ge, g, m, s), "not one"),
    (check.membership, lambda g, m, s: 2 * right_membership(g, m, s) - 1, "from -1 to 1"),
]  # fmt: skip

TestLesson25 = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize(
    ("exercise", "attempt"),
    [
        (check.auroc_of_gaussians, lambda a, s, b, u: torch.special.ndtr(torch.tensor((b - a) / math.hypot(s, u)))),
        (check.unlabelled_bound, lambda b, o: (o.double().softmax(1) * (b.double() - o.double().log_softmax(1))).sum(1)),
        (check.expected_variance, lambda v, n, k: torch.tensor(v, dtype=torch.double) * ((n - 1) / n) ** k),
        (check.membership, lambda g, m, s: right_membership(g.double(), m.double(), s.double())),
    ],
)
def test_other_styles_and_types_pass(exercise, attempt):
    assert exercise(attempt, record=False).status == "right"


def test_the_closed_form_is_the_probability_over_pairs():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(4_000, generator=generator), 1 + 2 * torch.randn(4_000, generator=generator)
    assert abs(auroc(a, b) - right_auroc(0.0, 1.0, 1.0, 2.0)) < 0.02
