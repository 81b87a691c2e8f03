"""Lesson 13: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame

from course_lib.checks import lesson_13 as check


def right_slerp(a, b, t):
    """A turn in the plane of a and b, with norms that follow the same weights."""
    angle = math.acos(float(a @ b / (a.norm() * b.norm())))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def right_direction(codes, amount):
    middle = amount.sort().values[(len(amount) - 1) // 2]
    rows = list(zip(codes, amount, strict=True))
    much, little = [code for code, value in rows if value > middle], [code for code, value in rows if value <= middle]
    return sum(much) / len(much) - sum(little) / len(little)


def right_information(counts):
    n, total = counts.sum(), 0.0
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            if counts[row, column]:
                total += (
                    counts[row, column] / n * math.log(counts[row, column] * n / (counts[row].sum() * counts[:, column].sum()))
                )
    return total


def right_gap(information, entropy):
    ordered = information.sort(0, descending=True).values
    return ((ordered[0] - ordered[1]) / entropy).mean()


def right_noise(scale, beta):
    return math.sqrt(scale**2 * beta)


RIGHT = {
    check.slerp: right_slerp,
    check.direction: right_direction,
    check.information: right_information,
    check.gap: right_gap,
    check.same_noise: right_noise,
}


def undivided(a, b, t):
    angle = math.acos(float(a @ b / (a.norm() * b.norm())))
    return math.sin((1 - t) * angle) * a + math.sin(t * angle) * b


def bare_product(a, b, t):
    angle = math.acos(max(-1.0, min(1.0, float(a @ b))))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def pushed_out(a, b, t):
    line = (1 - t) * a + t * b
    return line / line.norm() * ((1 - t) * a.norm() + t * b.norm())


def cosine_for_angle(a, b, t):
    angle = float(a @ b / (a.norm() * b.norm()))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def halves(codes, much):
    return codes[much].mean(0) - codes[~much].mean(0)


def pair_entropy(counts):
    joint = counts / counts.sum()
    return -(joint[joint > 0] * joint[joint > 0].log()).sum()


def row_entropy(counts):
    return pair_entropy(counts.sum(1))


def against_equal_shares(counts):
    return math.log(counts.numel()) - pair_entropy(counts)


def largest_less(other):
    return lambda information, entropy: ((information.max(0).values - other(information)) / entropy).mean()


SLIPS = [
    (check.slerp, lambda a, b, t: a + t * (b - a), "straight line, which"),
    (check.slerp, lambda a, b, t: right_slerp(b, a, t), "wrong way round"),
    (check.slerp, undivided, "divide both parts"),
    (check.slerp, bare_product, "over both norms"),
    (check.slerp, pushed_out, "even speed"),
    (check.slerp, lambda a, b, t: ((1 - t) * a + t * b) / ((1 - t) * a + t * b).norm(), "brought to norm 1"),
    (check.slerp, lambda a, b, t: right_slerp(a, b, t) / right_slerp(a, b, t).norm(), "norm 1"),
    (check.slerp, cosine_for_angle, "its arccos"),
    (check.slerp, lambda a, b, t: right_slerp(a / a.norm(), b / b.norm(), t), "a and b themselves"),
    (check.direction, lambda codes, amount: halves(codes, amount > amount.mean()), "not at their mean"),
    (check.direction, lambda codes, amount: halves(codes, amount >= amount.median()), "not >="),
    (
        check.direction,
        lambda codes, amount: codes[amount > amount.median()].mean(0) - codes[amount < amount.median()].mean(0),
        "median is left out",
    ),
    (check.direction, lambda codes, amount: codes[amount > amount.median()].mean(0), "where the others lie"),
    (check.direction, lambda codes, amount: codes[amount > amount.median()].mean(0) - codes.mean(0), "half as far"),
    (check.direction, lambda codes, amount: codes[amount.argmax()] - codes[amount.argmin()], "take means"),
    (check.direction, lambda codes, amount: right_direction(codes, amount) / right_direction(codes, amount).norm(), "its length"),
    (check.direction, lambda codes, amount: -right_direction(codes, amount), "sign"),
    (check.information, pair_entropy, "entropy of the pair"),
    (check.information, lambda counts: pair_entropy(counts) - row_entropy(counts), "what stays unknown"),
    (check.information, lambda counts: right_information(counts) * counts.sum(), "divide by their sum"),
    (check.information, lambda counts: pair_entropy(counts) - row_entropy(counts.T), "H(a) minus"),
    (check.information, lambda counts: row_entropy(counts) + row_entropy(counts.T), "subtract the entropy of the pair"),
    (check.information, lambda c: (c * (c / c.sum(1, True) / c.sum(0)).clamp(min=1e-9).log()).sum(), "into probabilities"),
    (check.information, against_equal_shares, "not with equal shares"),
    (check.information, lambda counts: right_information(counts) / row_entropy(counts), "already divided"),
    (check.information, lambda counts: right_information(counts) / math.log(2), "bits"),
    (check.gap, lambda i, h: right_gap(i, torch.ones(len(h))), "a share of what"),
    (check.gap, lambda i, h: (i.max(0).values / h).mean(), "second best"),
    (check.gap, largest_less(lambda i: i.min(0).values), "not the smallest"),
    (check.gap, largest_less(lambda i: i.mean(0)), "not the mean"),
    (check.gap, lambda i, h: right_gap((i / h).T, torch.ones(len(i))), "among the coordinates"),
    (check.gap, lambda i, h: right_gap(i, h) * len(h), "not their sum"),
    (check.gap, lambda i, h: torch.stack([right_gap(i[:, [k]], h[[k]]) for k in range(len(h))]), "one number"),
    (check.gap, lambda i, h: right_gap(i, torch.ones(len(h))) * len(h) / h.sum(), "its own entropy"),
    (check.same_noise, lambda scale, beta: scale * beta, "with the square"),
    (check.same_noise, lambda scale, beta: scale / math.sqrt(beta), "the other way"),
    (check.same_noise, lambda scale, beta: scale / beta, "by the root"),
    (check.same_noise, lambda scale, beta: scale * scale * beta, "its root"),
    (check.same_noise, lambda scale, beta: scale * beta * beta, "takes its root"),
    (check.same_noise, lambda scale, beta: math.sqrt(scale * beta), "under the root"),
    (check.same_noise, lambda scale, beta: scale, "divide the whole loss"),
]

TestLesson13 = frame(check, RIGHT, SLIPS)
