"""Lesson 12: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_12 as check


def right_kl(mean, log_scale):
    p = torch.distributions.Normal(0.0, 1.0)
    return torch.distributions.kl_divergence(torch.distributions.Normal(mean, log_scale.exp()), p).sum(1)


def right_draw(mean, log_scale, noise):
    return torch.addcmul(mean, log_scale.exp(), noise)


def coins(logits, x):
    return x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)


def right_elbo(logits, x, kl):
    return coins(logits, x).sum(1) - kl


def right_bound(w):
    top = w.amax(0)
    return top + (w - top).exp().mean(0).log()


def right_live(mean, log_scale, least):
    alive = 0
    for column in range(mean.shape[1]):
        alive += int(right_kl(mean[:, column, None], log_scale[:, column, None]).mean() > least)
    return alive


RIGHT = {
    check.kl: right_kl,
    check.draw: right_draw,
    check.elbo: right_elbo,
    check.importance_bound: right_bound,
    check.live: right_live,
}


def each(mean, log_scale):
    return 0.5 * (mean**2 + (2 * log_scale).exp() - 1) - log_scale


def variance_read(mean, log_variance):
    return (0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)).sum(1)


def by_probabilities(least):
    return lambda a, x, k: (x * (a.sigmoid() + least).log() + (1 - x) * (1 - a.sigmoid() + least).log()).sum(1) - k


def own_sampler(mean, log_scale, noise):
    return torch.distributions.Normal(mean, log_scale.exp()).sample()


SLIPS = [
    (check.elbo, by_probabilities(0), "stay with the logits"),
    (check.elbo, by_probabilities(1e-8), "stay with the logits"),
    (check.elbo, lambda a, x, k: -F.binary_cross_entropy(a.sigmoid(), x, reduction="none").sum(1) - k, "stay with the logits"),
    (check.draw, lambda m, s, e: m + s.exp() * torch.randn(e.shape), "drawn anew"),
    (check.draw, own_sampler, "passes no gradient"),
    (check.kl, lambda m, s: (0.5 * (m**2 + s**2 - 1) - s.log()).sum(1), "needs no further log"),
    (check.live, lambda m, s, least: int((each(m, s) > least).sum()), "entries of the table"),
    (check.importance_bound, lambda w: (w.exp().mean(0) + 1e-8).log(), "single precision"),
    (check.importance_bound, lambda w: w.logsumexp(0) + torch.tensor(len(w)).log(), "not added"),
    (check.kl, lambda m, s: (0.5 * (m**2 + s.exp() - 1) - s).sum(1), "not squared yet"),
    (check.kl, lambda m, s: 0.5 * (m**2 + (2 * s).exp() - 1 - s).sum(1), "half of it is lost"),
    (check.kl, lambda m, s: (0.5 * (m**2 + (2 * s).exp() - 1) + s).sum(1), "sign of log σ"),
    (check.elbo, lambda a, x, k: -F.binary_cross_entropy_with_logits(a, x, reduction="sum") - k, 'reduction="none"'),
    (check.live, lambda m, s, least: m.shape[1] - right_live(m, s, least), "the dead ones"),
    (check.live, lambda m, s, least: each(m, s).mean(0) > least, "count them"),
    (check.live, lambda m, s, least: int((each(m, s).amax(0) > least).sum()), "one example above"),
    (check.live, lambda m, s, least: int((each(m, s).sum(0) > least).sum()), "take the mean"),
    (check.live, lambda m, s, least: int((each(m, s).mean(1) > least).sum()), "counts examples"),
    (check.live, lambda m, s, least: int((each(m.mean(0), s.mean(0)) > least).sum()), "average the KLs"),
    (check.live, lambda m, s, least: int((m.std(0) ** 2 > least).sum()), "variance of the means"),
    (check.live, lambda m, s, least: right_live(m, s, least) / m.shape[1], "a share"),
    (check.live, lambda m, s, least: right_live(m, s / 2, least), "not log σ²"),
    (check.kl, each, "coordinates add up"),
    (check.kl, lambda m, s: each(m, s).mean(1), "summed, not averaged"),
    (check.kl, lambda m, s: each(m, s).sum(), "one number per example"),
    (check.kl, variance_read, "not of the variance"),
    (check.kl, lambda m, s: (m**2 + (2 * s).exp() - 1 - 2 * s).sum(1), "½ is missing"),
    (check.kl, lambda m, s: (0.5 * (m**2 + (2 * s).exp()) - s).sum(1), "−1 is missing"),
    (check.kl, lambda m, s: (0.5 * ((2 * s).exp() - 1) - s).sum(1), "mean is missing"),
    (check.kl, lambda m, s: (0.5 * (m**2 + (2 * s).exp() - 1)).sum(1), "log σ is missing"),
    (check.kl, lambda m, s: (0.5 * ((1 + m**2) / (2 * s).exp() - 1) + s).sum(1), "other way round"),
    (check.draw, lambda m, s, e: (m + s.exp() * e).detach(), "no gradient reaches mean and log_scale"),
    (check.draw, lambda m, s, e: m + s.exp().detach() * e, "no gradient reaches log_scale"),
    (check.draw, lambda m, s, e: m.data + s.exp() * e, "no gradient reaches the mean"),
    (check.draw, lambda m, s, e: m + s * e, "exp(log_scale)"),
    (check.draw, lambda m, s, e: m + s.exp() ** 2 * e, "the variance"),
    (check.draw, lambda m, s, e: m + s.exp().sqrt() * e, "not of σ²"),
    (check.draw, lambda m, s, e: m + e, "scale is missing"),
    (check.draw, lambda m, s, e: s.exp() * e, "mean is missing"),
    (check.draw, lambda m, s, e: m, "no draw"),
    (check.draw, lambda m, s, e: s.exp() * (m + e), "not scaled"),
    (check.elbo, lambda a, x, k: k - coins(a, x).sum(1), "makes small"),
    (check.elbo, lambda a, x, k: F.binary_cross_entropy_with_logits(a, x, reduction="none").sum(1) - k, "turn its sign"),
    (check.elbo, lambda a, x, k: -F.binary_cross_entropy_with_logits(a, x) - k, "keep each example"),
    (check.elbo, lambda a, x, k: (x * a.sigmoid().log()).sum(1) - k, "the zeros"),
    (check.importance_bound, lambda w: w.logsumexp(0) - w.shape[0], "not k"),
    (check.elbo, lambda a, x, k: coins(a, x).sum(1) + k, "a cost"),
    (check.elbo, lambda a, x, k: coins(a, x).sum(1), "KL is missing"),
    (check.elbo, lambda a, x, k: coins(a, x).mean(1) - k, "D times too much"),
    (check.elbo, lambda a, x, k: (coins(a, x).sum(1) - k).mean(), "not the batch's mean"),
    (check.elbo, lambda a, x, k: -((a.sigmoid() - x) ** 2).sum(1) - k, "squared error"),
    (check.importance_bound, lambda w: w.mean(0), "mean of the logs"),
    (check.importance_bound, lambda w: w.logsumexp(0), "log of the sum"),
    (check.importance_bound, lambda w: w.exp().mean(0).log(), "single precision"),
    (check.importance_bound, lambda w: w.logsumexp(1) - torch.tensor(w.shape[1]).log(), "first axis, not over"),
    (check.importance_bound, lambda w: w.logsumexp(0) - torch.tensor(w.shape[1]).log(), "divide by the number of draws"),
    (check.importance_bound, lambda w: w.logsumexp(0) / len(w), "not a quotient"),
    (check.importance_bound, lambda w: w.max(0).values, "largest weight alone"),
]

TestLesson = frame(check, RIGHT, SLIPS)
