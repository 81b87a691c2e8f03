"""Lesson 19: the right answers pass, and each likely mistake is told what it is."""

import math

import numpy as np
import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_19 as check


def right_cycle(to_a, to_b, a, b):
    return F.l1_loss(to_a(to_b(a)), a) + F.l1_loss(to_b(to_a(b)), b)


def right_counts(k):
    orders = math.perm(k)
    return orders * orders, orders


def right_maps(x, a, b):
    t = [(float(one) - float(a[0])) / float(a[1] - a[0]) for one in x]
    return [[float((1 - s) * b[0] + s * b[1]) for s in t], [float(s * b[0] + (1 - s) * b[1]) for s in t]]


def right_identity(s, t, a, b):
    return np.abs(s * b.numpy() + t - b.numpy()).mean() + np.abs((a.numpy() - t) / s - a.numpy()).mean()


def right_norm(x, eps):
    return F.layer_norm(x, x.shape[2:], eps=eps).double()


def right_kept(read, there, factors):
    found, result = read(there), []
    for column in range(factors.shape[1]):
        y = factors[:, column]
        result.append(1 - ((found[:, column] - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    return result


RIGHT = {
    check.cycle_loss: right_cycle,
    check.zero_losses: right_counts,
    check.both_maps: right_maps,
    check.identity_loss: right_identity,
    check.instance_norm: right_norm,
    check.kept: right_kept,
}


def share(x, a):
    return (x - a[0]) / (a[1] - a[0])


def rising(x, a, b):
    return b[0] + share(x, a) * (b[1] - b[0])


def falling(x, a, b):
    return b[1] - share(x, a) * (b[1] - b[0])


def r2(found, true):
    return 1 - ((found - true) ** 2).mean(0) / true.var(0, correction=0)


def mean_and(scale):
    return lambda x, eps: (x - x.mean((2, 3), keepdim=True)) / scale(x, eps)


def norm_over(axes):
    def normalised(x, eps):
        return (x - x.mean(axes, keepdim=True)) / (x.var(axes, correction=0, keepdim=True) + eps) ** 0.5

    return normalised


def corrcoef(read, there, factors):
    columns = zip(read(there).T, factors.T, strict=True)
    return torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] ** 2 for pair in columns])


SLIPS = [
    (check.cycle_loss, lambda f, g, a, b: F.l1_loss(f(g(a)), a), "from a alone"),
    (check.cycle_loss, lambda f, g, a, b: F.l1_loss(g(f(b)), b), "from b alone"),
    (check.cycle_loss, lambda f, g, a, b: F.l1_loss(g(f(a)), a) + F.l1_loss(f(g(b)), b), "wrong order"),
    (check.cycle_loss, lambda f, g, a, b: F.l1_loss(g(a), a) + F.l1_loss(f(b), b), "need not equal its source"),
    (check.cycle_loss, lambda f, g, a, b: F.mse_loss(f(g(a)), a) + F.mse_loss(g(f(b)), b), "not the square"),
    (check.cycle_loss, lambda f, g, a, b: (f(g(a)) - a).abs().sum() + (g(f(b)) - b).abs().sum(), "grow with the batch"),
    (
        check.cycle_loss,
        lambda f, g, a, b: (f(g(a)) - a).abs().sum() / len(a) + (g(f(b)) - b).abs().sum() / len(b),
        "the image's size",
    ),
    (check.cycle_loss, lambda f, g, a, b: right_cycle(f, g, a, b) / 2, "not averaged"),
    (
        check.cycle_loss,
        lambda f, g, a, b: ((f(g(a)) - a).abs().sum() + (g(f(b)) - b).abs().sum()) / (a.numel() + b.numel()),
        "by itself",
    ),
    (check.zero_losses, lambda k: (math.perm(k), math.perm(k)), "wins its own game"),
    (check.zero_losses, lambda k: (math.perm(k) ** 2, 1), "does not choose the map there"),
    (check.zero_losses, lambda k: (math.perm(k), 1), "excludes no map there"),
    (check.zero_losses, lambda k: (k**k * k**k, math.perm(k)), "two points share a partner"),
    (check.zero_losses, lambda k: (k**k, math.perm(k)), "is made once"),
    (check.zero_losses, lambda k: (k * k, k), "k - 1"),
    (check.zero_losses, lambda k: (2 * math.perm(k), math.perm(k)), "multiply the two counts"),
    (check.zero_losses, lambda k: (math.perm(k), math.perm(k) ** 2), "first the count without"),
    (check.both_maps, lambda x, a, b: torch.stack([falling(x, a, b), rising(x, a, b)]), "comes first"),
    (check.both_maps, lambda x, a, b: torch.stack([x - a[0] + b[0], b[1] - x + a[0]]), "differ in length"),
    (
        check.both_maps,
        lambda x, a, b: torch.stack([sign * x * (b[1] - b[0]) / (a[1] - a[0]) for sign in (1, -1)]),
        "onto the ends of b",
    ),
    (check.both_maps, lambda x, a, b: torch.stack([share(x, a), 1 - share(x, a)]), "stretch it over b"),
    (check.both_maps, lambda x, a, b: torch.stack([rising(x, a, b), -rising(x, a, b)]), "another interval"),
    (check.both_maps, lambda x, a, b: torch.stack([rising(x, a, b), a[0] + a[1] - x]), "not in a"),
    (check.both_maps, lambda x, a, b: torch.stack([rising(x, a, b), falling(x, a, b)], 1), "(2, N)"),
    (check.identity_loss, lambda s, t, a, b: right_identity(s, t, b, a), "its own target"),
    (check.identity_loss, lambda s, t, a, b: (s * b + t - b).abs().mean(), "leave a as it is"),
    (check.identity_loss, lambda s, t, a, b: ((a - t) / s - a).abs().mean(), "leave b as it is"),
    (check.identity_loss, lambda s, t, a, b: (s * b + t - b).abs().mean() + (a / s - t - a).abs().mean(), "first take t away"),
    (check.identity_loss, lambda s, t, a, b: (s * b + t - b).abs().mean() + (s * a + t - a).abs().mean(), "the other generator"),
    (check.identity_loss, lambda s, t, a, b: 0.0, "translates only once"),
    (check.identity_loss, lambda s, t, a, b: right_identity(s, t, a, b) / 2, "not averaged"),
    (
        check.identity_loss,
        lambda s, t, a, b: ((s * b + t - b) ** 2).mean() + (((a - t) / s - a) ** 2).mean(),
        "not the square",
    ),
    (
        check.identity_loss,
        lambda s, t, a, b: (s * b + t - b).abs().sum() + ((a - t) / s - a).abs().sum(),
        "not a sum",
    ),
    (
        check.identity_loss,
        lambda s, t, a, b: abs((s * b + t - b).mean()) + abs(((a - t) / s - a).mean()),
        "opposite errors cancel",
    ),
    (check.instance_norm, norm_over((0, 2, 3)), "batch normalisation"),
    (check.instance_norm, norm_over((1, 2, 3)), "layer normalisation"),
    (check.instance_norm, norm_over((1,)), "not over the channels"),
    (check.instance_norm, norm_over((0,)), "not over the batch"),
    (check.instance_norm, mean_and(lambda x, eps: (x.var((2, 3), keepdim=True) + eps) ** 0.5), "correction=0"),
    (check.instance_norm, mean_and(lambda x, eps: x.var((2, 3), correction=0, keepdim=True) + eps), "the root of the variance"),
    (check.instance_norm, mean_and(lambda x, eps: x.var((2, 3), correction=0, keepdim=True) ** 0.5 + eps), "under the root"),
    (check.instance_norm, mean_and(lambda x, eps: x.std((2, 3), correction=0, keepdim=True)), "divided by 0"),
    (check.instance_norm, mean_and(lambda x, eps: 1.0), "as well"),
    (
        check.instance_norm,
        lambda x, eps: x / (x.var((2, 3), correction=0, keepdim=True) + eps) ** 0.5,
        "before you divide",
    ),
    (check.kept, corrcoef, "squared correlation"),
    (check.kept, lambda read, there, true: 1 - r2(read(there), true), "was lost"),
    (check.kept, lambda read, there, true: 1 - ((read(there) - true) ** 2).mean(0), "divide the squared error"),
    (
        check.kept,
        lambda read, there, true: 1 - ((read(there) - true) ** 2).mean(0) / read(there).var(0, correction=0),
        "not of what was read",
    ),
    (check.kept, lambda read, there, true: 1 - ((read(there) - true) ** 2).mean(0) / true.var(0), "both means divide by N"),
    (check.kept, lambda read, there, true: r2(read(there), true).mean(), "one number for each factor"),
    (
        check.kept,
        lambda read, there, true: 1 - ((read(there) - true) ** 2).mean(0) ** 0.5 / true.std(0, correction=0),
        "without the roots",
    ),
    (
        check.kept,
        lambda read, there, true: 1 - (read(there) - true).abs().mean(0) / true.var(0, correction=0),
        "not the absolute one",
    ),
]

TestLesson19 = frame(check, RIGHT, SLIPS)
