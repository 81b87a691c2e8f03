"""Lesson 04: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_04 as check


def right_responsibilities(log_joint):
    return (log_joint - log_joint.logsumexp(1, keepdim=True)).exp()


def right_means(x, resp):
    return torch.einsum("nk,nd->kd", resp, x) / resp.sum(0)[:, None]


def right_bound(log_joint, q):
    return (q * log_joint).sum(1).mean() - torch.xlogy(q, q).sum(1).mean()


def right_count(K, D, covariance):
    return (K - 1) + K * D + K * {"full": D * (D + 1) // 2, "diagonal": D, "spherical": 1}[covariance]


RIGHT = {
    check.responsibilities: right_responsibilities,
    check.means: right_means,
    check.bound: right_bound,
    check.count: right_count,
}


def hard_means(x, resp):
    best = resp.argmax(1)
    return torch.stack([x[best == k].mean(0) for k in range(resp.shape[1])])


WRONG = [
    (check.responsibilities, lambda j: j.exp() / j.exp().sum(1, keepdim=True), "floating point"),
    (check.responsibilities, lambda j: (j - j.max()).exp() / (j - j.max()).exp().sum(1)[:, None], "each row's own largest"),
    (check.responsibilities, lambda j: j.exp() / j.exp().sum(0), "and in the log domain"),
    (check.responsibilities, lambda j: (j - j.max(1, keepdim=True).values).exp(), "now divide by the row's sum"),
    (check.responsibilities, lambda j: j.softmax(0), "axis 1"),
    (check.responsibilities, lambda j: j.log_softmax(1), "exp is missing"),
    (check.responsibilities, lambda j: j.exp(), "divides by p"),
    (check.responsibilities, lambda j: j / j.sum(1, keepdim=True), "by division"),
    (check.responsibilities, lambda j: (j == j.amax(1, keepdim=True)).float(), "decides for one"),
    (check.means, lambda x, r: r.T @ x / len(x), "divided by N;"),
    (check.means, lambda x, r: r.T @ x, "weighted sum"),
    (check.means, lambda x, r: x.mean(0).repeat(r.shape[1], 1), "mean of all data"),
    (check.means, hard_means, "k-means"),
    (check.means, lambda x, r: right_means(x, r).T, "transposed"),
    (check.means, lambda x, r: r.T @ x / r.shape[1], "number of components"),
    (check.bound, lambda j, q: (q * j).sum(1).mean(), "entropy of q is missing"),
    (check.bound, lambda j, q: (q * j + q * q.log()).sum(1).mean(), "wrong sign"),
    (check.bound, lambda j, q: ((q * j).sum(1) + torch.xlogy(q, q).sum(1)).mean(), "wrong sign"),
    (check.bound, lambda j, q: right_bound(j, q) * len(j), "summed over the points"),
    (check.bound, lambda j, q: (q * (j - q.log())).sum(), "summed over the points"),
    (check.bound, lambda j, q: (q * (j - q.log())).sum(1), "one bound per point"),
    (check.bound, lambda j, q: (q * (j - q.log())).mean(), "over the components too"),
    (check.bound, lambda j, q: (q * (j - q.log())).sum(1).mean(), "0 · log 0 became NaN"),
    (check.bound, lambda j, q: j.logsumexp(1).mean(), "itself"),
    (check.bound, lambda j, q: right_bound(j, q) / j.shape[1], "over the components too"),
    (check.bound, lambda j, q: (j - q.log()).sum(1).mean(), "weights q are missing"),
    (check.bound, lambda j, q: (q * j.exp()).sum(1).log().mean(), "outside the sum"),
    (check.count, lambda K, D, c: right_count(K, D, c) + 1, "one too many"),
    (check.count, lambda K, D, c: K * D + K * {"full": D * D, "diagonal": D, "spherical": 1}[c], "and the probabilities"),
    (check.count, lambda K, D, c: right_count(K, D, c) - (K - 1), "probabilities were left out"),
    (check.count, lambda K, D, c: right_count(K, D, c) + (K * D * (D - 1) // 2 if c == "full" else 0), "symmetric: fewer"),
    (check.count, lambda K, D, c: right_count(K, D, c) + (K * D * (D - 1) // 2 if c == "full" else 0) + 1, "symmetric, and"),
    (check.count, lambda K, D, c: right_count(K, D, c) - (K * D if c == "full" else 0), "the variances, was left out"),
    (check.count, lambda K, D, c: right_count(K, D, "full"), "plays no part"),
    (check.count, lambda K, D, c: K - 1 + K * D + (right_count(1, D, c) - D), "of its own"),
    (check.count, lambda K, D, c: right_count(K, D, c) - K * D, "means were left out"),
]

TestLesson04 = frame(check, RIGHT, WRONG)
