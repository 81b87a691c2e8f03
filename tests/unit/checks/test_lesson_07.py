"""Lesson 07: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_07 as check


def right_conditional(x, d, W, V, b, c):
    a = c.clone()
    for j in range(d):
        a = a + x[j] * W[j]
    return torch.sigmoid(b[d] + (V[d] * torch.sigmoid(a)).sum())


def right_log_prob(logits, x):
    return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum(1)


def right_count(D, H):
    return sum(d * H + H + H + 1 for d in range(D)), D * H + D * H + D + H


def right_mask(degrees, D):
    return torch.tensor([[float(m <= d) for m in degrees.tolist()] for d in range(D)])


def right_mixture(x, logits, mean, log_scale):
    z = (x[:, None] - mean) / log_scale.exp()
    return torch.logsumexp(F.log_softmax(logits, -1) - 0.5 * z**2 - log_scale - 0.5 * math.log(2 * math.pi), -1)


RIGHT = {
    check.conditional: right_conditional,
    check.log_prob: right_log_prob,
    check.count: right_count,
    check.output_mask: right_mask,
    check.mixture_log_prob: right_mixture,
}


def sees(extra):
    return lambda x, d, W, V, b, c: torch.sigmoid(b[d] + V[d] @ torch.sigmoid(c + x[: d + extra] @ W[: d + extra]))


def sum_of_logs(logits, x):
    return F.logsigmoid(torch.where(x == 1, logits, -logits))


def gaussians(x, mean, log_scale):
    return torch.distributions.Normal(mean, log_scale.exp()).log_prob(x[:, None])


def compare(test):
    return lambda degrees, D: torch.tensor([[float(test(m, d)) for m in degrees.tolist()] for d in range(D)])


WRONG = [
    (check.conditional, lambda x, d, *rest: abs(1 - x[d] - right_conditional(x, d, *rest)), "the value that x_d has"),
    (
        check.conditional,
        lambda x, d, W, V, b, c: torch.sigmoid(b[d] + V[d] @ torch.tanh(c + x[:d] @ W[:d])),
        "not a tanh",
    ),
    (
        check.conditional,
        lambda x, d, W, V, b, c: right_conditional(x * (torch.arange(len(x)) == d - 1), d, W, V, b, c),
        "Markov",
    ),
    (
        check.log_prob,
        lambda logits, x: (torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()) + 1e-8).log().sum(1),
        "hides the infinity",
    ),
    (
        check.log_prob,
        lambda logits, x: torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()).clamp(1e-7).log().sum(1),
        "1e-07 hides the infinity",
    ),
    (check.log_prob, lambda logits, x: -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(1), "at -100"),
    (check.conditional, lambda x, d, W, V, b, c: torch.sigmoid(b[d] + V[d] @ F.relu(c + x[:d] @ W[:d])), "not a relu"),
    (check.count, lambda D, H: (sum(d * H + H + 1 for d in range(D)), right_count(D, H)[1]), "one H is missing for each d"),
    (check.count, lambda D, H: (sum(d * H + 2 * H for d in range(D)), 2 * D * H + H), "in both counts"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.log_softmax(1) + gaussians(x, m, s) + s).logsumexp(1), "own scale"),
    (
        check.mixture_log_prob,
        lambda x, w, m, s: (w.log_softmax(1) - ((x[:, None] - m) * (-s).exp()) ** 2 / 2).logsumexp(1),
        "only the squares",
    ),
    (check.log_prob, lambda logits, x: (x * logits - (1 + logits.exp()).log()).sum(1), "overflows"),
    (check.count, lambda D, H: (H * D * (D - 1) // 2, D * H), "into the hidden layers alone"),
    (check.count, lambda D, H: (right_count(D, H)[0], 2 * D * H + D), "c, the bias"),
    (check.count, lambda D, H: (right_count(D, H)[0], 2 * D * H + H), "b, one bias"),
    (
        check.mixture_log_prob,
        lambda x, logits, mean, log_scale: (
            (logits.softmax(1) * torch.distributions.Normal(mean, log_scale.exp()).log_prob(x[:, None]).exp()).sum(1).log()
        ),
        "underflows",
    ),
    (check.conditional, sees(1), "x_d itself"),
    (check.conditional, sees(99), "all of x"),
    (check.conditional, lambda *case: torch.logit(right_conditional(*case).double()), "that is the logit"),
    (check.conditional, lambda x, d, W, V, b, c: torch.sigmoid(b[d] + V[d] @ (c + x[:d] @ W[:d])), "its own sigmoid"),
    (check.conditional, lambda x, d, W, V, b, c: right_conditional(x, d, W, V, b, 0 * c), "c is missing"),
    (check.conditional, lambda x, d, W, V, b, c: right_conditional(x, d, W, V, 0 * b, c), "b[d] is missing"),
    (check.conditional, lambda *case: 1 - right_conditional(*case), "x_d = 0"),
    (check.conditional, lambda x, d, *rest: sees(-1 if d else 0)(x, d, *rest), "x_{d-1} is known too"),
    (check.log_prob, lambda logits, x: right_log_prob(torch.sigmoid(logits), x), "where a logit belongs"),
    (check.log_prob, lambda logits, x: sum_of_logs(logits, x).sum(0), "wrong axis"),
    (check.log_prob, lambda logits, x: sum_of_logs(logits, x).mean(1), "the mean over d"),
    (check.log_prob, lambda logits, x: sum_of_logs(logits, x).sum(), "the examples too"),
    (check.log_prob, lambda logits, x: sum_of_logs(logits, x).exp().sum(1), "a log is missing"),
    (check.log_prob, lambda logits, x: (x * F.logsigmoid(logits)).sum(1), "only the 1s"),
    (check.log_prob, lambda logits, x: right_log_prob(logits, 1 - x), "changed places"),
    (check.log_prob, lambda logits, x: -right_log_prob(logits, x), "sign"),
    (
        check.log_prob,
        lambda g, x: torch.where(x == 1, g.sigmoid(), 1 - g.sigmoid()).prod(1).log(),
        "one safe step",
    ),
    (check.log_prob, lambda g, x: (x * g.sigmoid().log() + (1 - x) * (1 - g.sigmoid()).log()).sum(1), "one safe step"),
    (check.count, lambda D, H: right_count(D, H)[::-1], "changed places"),
    (check.count, lambda D, H: (sum(d * H + H + 1 for d in range(D)) + H, 2 * D * H + D + H), "its own H hidden biases"),
    (check.count, lambda D, H: (D * (D * H + 2 * H + 1), 2 * D * H + D + H), "not at all D"),
    (check.count, lambda D, H: (sum((d + 1) * H + 2 * H + 1 for d in range(D)), 2 * D * H + D + H), "off by one"),
    (check.count, lambda D, H: (right_count(D, H)[0], D * H + D + H), "V is there as well"),
    (check.count, lambda D, H: (right_count(D, H)[0], 3 * D * H + D), "one c"),
    (check.count, lambda D, H: (sum(d * H + H for d in range(D)), 2 * D * H), "biases"),
    (check.output_mask, compare(lambda m, d: m <= d + 1), "a leak"),
    (check.output_mask, compare(lambda m, d: m < d), "too strict"),
    (check.output_mask, compare(lambda m, d: m >= d), "turned around"),
    (check.output_mask, compare(lambda m, d: m > d), "to cut"),
    (check.output_mask, compare(lambda m, d: m == d), "fewer than d"),
    (check.output_mask, lambda degrees, D: right_mask(degrees, D).T, "rows and columns"),
    (check.mixture_log_prob, lambda x, w, m, s: gaussians(x, m, s).logsumexp(-1), "log weights are missing"),
    (check.mixture_log_prob, lambda x, w, m, s: (w + gaussians(x, m, s)).logsumexp(-1), "must be normalised"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.softmax(-1) + gaussians(x, m, s)).logsumexp(-1), "where its log belongs"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.softmax(-1) * gaussians(x, m, s)).sum(-1), "mean of logs"),
    (check.mixture_log_prob, lambda x, w, m, s: right_mixture(x, w, m, s / 2), "not of the variance"),
    (check.mixture_log_prob, lambda *case: right_mixture(*case) + 0.5 * math.log(2 * math.pi), "constant"),
    (check.mixture_log_prob, lambda *case: right_mixture(*case).sum(), "the examples too"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.log_softmax(0) + gaussians(x, m, s)).logsumexp(1), "each example's M weights"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.log_softmax(0) + gaussians(x, m, s)).logsumexp(0), "over the M Gaussians"),
    (check.mixture_log_prob, lambda x, w, m, s: (w.log_softmax(1) + gaussians(x, m, s)).logsumexp(0), "over the M Gaussians"),
]

TestLesson07 = frame(check, RIGHT, WRONG)


def test_a_product_of_probabilities_that_underflows_is_wrong():
    def naive(logits, x):
        return torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()).prod(1).log()

    verdict = check.log_prob(naive, record=False)
    assert verdict.status == "wrong"
    assert "case 2" in verdict.text
