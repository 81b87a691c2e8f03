"""Lesson 17: the right answers pass, and each likely mistake is told what it is."""

import itertools
import math

import numpy as np
import pytest
import torch
from frame import frame
from torch.func import jacrev

from course_lib.checks import lesson_17 as check


def right_distance(x, y):  # by the curves, not by sorting the points
    knots = torch.cat([x, y]).sort().values
    F, G = ((points <= knots[:-1, None]).float().mean(1) for points in (x, y))
    return ((F - G).abs() * knots.diff()).sum()


def right_slope(x, y, t):
    F, G = (torch.searchsorted(points.sort().values, t) / len(points) for points in (x, y))
    return torch.where(G > F, 1, -1)


def right_bound(c, sizes):
    return c ** (len(sizes) - 1) * math.sqrt(sizes[0]) * math.prod(sizes[1:-1])


def gradient(critic, x, create_graph=True):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(critic(x).sum(), x, create_graph=create_graph)[0]


def right_penalty(critic, x):
    slopes = gradient(critic, x)
    return ((slopes.pow(2).sum(dim=(1, 2, 3)).sqrt() - 1) ** 2).mean()


def right_mixing(critic, x):
    return jacrev(critic)(x).pow(2).sum(-1).sqrt()


def right_batches(draw_real, draw_fake, move, moves):
    losses = torch.zeros(moves)
    for k in range(moves):
        fake = draw_fake()
        losses[k] = move(draw_real(), fake)
    return losses


RIGHT = {
    check.distance: right_distance,
    check.slope: right_slope,
    check.bound: right_bound,
    check.penalty: right_penalty,
    check.mixing: right_mixing,
    check.fresh_batches: right_batches,
}


def paired(x, y):
    N, M = len(x), len(y)
    return x.sort().values.repeat_interleave(M), y.sort().values.repeat_interleave(N)


def shares(x, y, t):
    return [(points < t[:, None]).double().mean(1) for points in (x, y)]


def way(x, y):
    a, b = paired(x, y)
    return (a - b).abs()


def shortened(x, y):
    k = min(len(x), len(y))
    return (x.sort().values[:k] - y.sort().values[:k]).abs().mean()


def rows(critic, x):
    x = x.clone().requires_grad_(True)
    return torch.stack([torch.autograd.grad(value, x, retain_graph=True)[0] for value in critic(x)])


def played(real, fake, move, moves):
    return [move(real(), fake()) for _ in range(moves)]


def again(draw):  # the same batch at every call
    batch = draw()
    return lambda: batch


def late(real, fake, move, moves):
    real(), fake()
    return played(real, fake, move, moves)


def layers(sizes):
    return list(itertools.pairwise(sizes))


def own(critic, x):
    return gradient(critic, x).flatten(1).norm(dim=1)


SLIPS = [
    (check.distance, lambda x, y: abs(x.mean() - y.mean()), "distance of the means"),
    (check.distance, lambda x, y: way(x, y).sum(), "take the mean"),
    (check.distance, shortened, "has to be divided"),
    (check.distance, lambda x, y: (way(x, y) ** 2).mean(), "W₂ squared"),
    (check.distance, lambda x, y: (way(x, y) ** 2).mean().sqrt(), "that is W₂;"),
    (check.distance, lambda x, y: way(x, y).sum() / len(x), "not counts"),
    (check.distance, lambda x, y: torch.cdist(x[:, None], y[:, None]).amin(1).mean(), "only its own mass"),
    (check.distance, lambda x, y: torch.cdist(x[:, None], y[:, None]).mean(), "not all pairs"),
    (check.distance, lambda x, y: way(x, y).max(), "longest way"),
    (check.distance, lambda x, y: (x.sort().values.repeat(len(y)) - y.sort().values.repeat(len(x))).abs().mean(), "sort again"),
    (check.distance, lambda x, y: (paired(x, y)[0] - paired(x, y)[1].flip(0)).abs().mean(), "worst plan"),
    (check.distance, lambda x, y: (x.repeat_interleave(len(y)) - y.repeat_interleave(len(x))).abs().mean(), "as they came"),
    (check.distance, lambda x, y: (paired(x, y)[0] - paired(x, y)[1]).mean(), "absolute value is missing"),
    (check.slope, lambda x, y, t: (shares(x, y, t)[0] - shares(x, y, t)[1]).sign(), "turned around"),
    (check.slope, lambda x, y, t: shares(x, y, t)[1] - shares(x, y, t)[0], "1 or −1"),
    (check.slope, lambda x, y, t: shares(x, y, t)[0] - shares(x, y, t)[1], "F − G"),
    (check.slope, lambda x, y, t: ((y < t[:, None]).sum(1) - (x < t[:, None]).sum(1)).sign(), "not the counts"),
    (check.slope, lambda x, y, t: ((x < t[:, None]).sum(1) - (y < t[:, None]).sum(1)).sign(), "shares instead of counts"),
    (check.slope, lambda x, y, t: (shares(x, y, t)[1] > shares(x, y, t)[0]).float(), "stays level"),
    (check.slope, lambda x, y, t: (y - t[:, None]).abs().amin(1).sub((x - t[:, None]).abs().amin(1)).sign(), "nearest point"),
    (check.slope, lambda x, y, t: (shares(x, y, t)[0] - shares(x, y, t)[1]).abs(), "has a sign"),
    (check.bound, lambda c, s: c ** len(layers(s)), "one single path"),
    (check.bound, lambda c, s: c, "bounds one weight"),
    (check.bound, lambda c, s: math.prod(c * a * b for a, b in layers(s)), "*root*"),
    (check.bound, lambda c, s: c * math.prod((a * b) ** 0.5 for a, b in layers(s)), "own factor"),
    (check.bound, lambda c, s: math.prod(c * (a * b) ** 0.5 for a, b in layers(s)[:-1]), "last layer"),
    (check.bound, lambda c, s: math.prod(c * (a * b) ** 0.5 for a, b in layers(s)[1:]), "first layer"),
    (check.bound, lambda c, s: math.sqrt(sum(c * c * a * b for a, b in layers(s))), "one matrix"),
    (check.bound, lambda c, s: c ** len(s) * math.prod(s) ** 0.5, "one factor less"),
    (check.bound, lambda c, s: sum(c * (a * b) ** 0.5 for a, b in layers(s)), "multiply"),
    (check.bound, lambda c, s: right_bound(c, s) ** 2, "square"),
    (check.bound, lambda c, s: math.prod(c * a for a, _ in layers(s)), "largest single output"),
    (check.bound, lambda c, s: math.prod(c * b for _, b in layers(s)), "along one coordinate"),
    (check.bound, lambda c, s: math.prod(c * a**0.5 for a, _ in layers(s)), "one unit per layer"),
    (check.bound, lambda c, s: math.prod(c * b**0.5 for _, b in layers(s)), "one input per layer"),
    (check.bound, lambda c, s: math.prod(2 * c * (a * b) ** 0.5 for a, b in layers(s)), "not 2 c"),
    (check.penalty, lambda f, x: ((gradient(f, x).norm(2, dim=1) - 1) ** 2).mean(), "every *pixel*"),
    (check.penalty, lambda f, x: (gradient(f, x).norm() - 1) ** 2, "one length per example"),
    (check.penalty, lambda f, x: ((gradient(f, x, False).flatten(1).norm(dim=1) - 1) ** 2).mean(), "no gradient reaches"),
    (check.penalty, lambda f, x: right_penalty(f, x).item(), "create_graph"),
    (check.penalty, lambda f, x: (own(f, x).mean() - 1) ** 2, "first square"),
    (check.penalty, lambda f, x: ((own(f, x) / len(x) - 1) ** 2).mean(), "too small by B"),
    (check.penalty, lambda f, x: ((own(f, x) ** 2 - 1) ** 2).mean(), "root is missing"),
    (check.penalty, lambda f, x: (own(f, x) - 1) ** 2, "one number per example"),
    (check.penalty, lambda f, x: ((gradient(f, x).norm(dim=(2, 3)) - 1) ** 2).mean(), "length per channel"),
    (check.penalty, lambda f, x: ((gradient(f, x).norm(dim=3) - 1) ** 2).mean(), "row of pixels"),
    (check.penalty, lambda f, x: 10 * right_penalty(f, x), "weight λ"),
    (check.penalty, lambda f, x: ((own(f, x) - 1) ** 2).sum(), "grows with the batch"),
    (check.penalty, lambda f, x: (own(f, x) - 1).abs().mean(), "squared, not"),
    (check.penalty, lambda f, x: (own(f, x) ** 2).mean(), "to 0"),
    (check.penalty, lambda f, x: (torch.relu(own(f, x) - 1) ** 2).mean(), "one-sided"),
    (check.penalty, lambda f, x: ((gradient(f, x) - 1) ** 2).mean(), "each derivative"),
    (check.penalty, lambda f, x: ((gradient(f, x).flatten(1).abs().sum(1) - 1) ** 2).mean(), "Euclidean"),
    (check.mixing, lambda f, x: rows(f, x).norm(dim=2).T, "exchanged"),
    (check.mixing, lambda f, x: rows(f, x).norm(dim=2).diagonal(), "beside the diagonal"),
    (check.mixing, lambda f, x: rows(f, x).norm(dim=2) * torch.eye(len(x)), "do not assume"),
    (check.mixing, lambda f, x: own(f, x).diag(), "hides who moved whom"),
    (check.mixing, lambda f, x: own(f, x), "hides who moved whom"),
    (check.mixing, lambda f, x: rows(f, x).pow(2).sum(2), "root is missing"),
    (check.mixing, lambda f, x: rows(f, x).abs().sum(2), "Euclidean"),
    (check.mixing, lambda f, x: rows(f, x).sum(2), "cancel"),
    (check.mixing, rows, "one number per pair"),
    (check.mixing, lambda f, x: rows(f, x).norm(dim=1), "last axis"),
    (check.fresh_batches, lambda r, f, m, n: played(again(r), again(f), m, n), "one batch serves all moves"),
    (check.fresh_batches, lambda r, f, m, n: played(again(r), f, m, n), "the real batch is the same"),
    (check.fresh_batches, lambda r, f, m, n: played(r, again(f), m, n), "the fake batch is the same"),
    (check.fresh_batches, lambda r, f, m, n: played(f, r, m, n), "changed places"),
    (check.fresh_batches, lambda r, f, m, n: played(r, r, m, n), "both batches are real"),
    (check.fresh_batches, lambda r, f, m, n: played(f, f, m, n), "both batches are fake"),
    (check.fresh_batches, late, "that no move has seen"),
    (check.fresh_batches, lambda *case: played(*case)[-1], "last loss alone"),
    (check.fresh_batches, lambda *case: sum(played(*case)) / case[-1], "mean of the losses"),
    (check.fresh_batches, lambda *case: sum(played(*case)), "sum of the losses"),
    (check.fresh_batches, lambda r, f, m, n: played(r, f, m, 1), "only once"),
    (check.fresh_batches, lambda r, f, m, n: played(r, f, m, n - 1), "too few"),
    (check.fresh_batches, lambda r, f, m, n: played(r, f, m, n + 1), "too many"),
]

TestLesson = frame(check, RIGHT, SLIPS)


def sorted_mean(x, y):
    a, b = (np.sort(points.numpy().astype(np.float64)) for points in (x, y))
    return np.abs(np.repeat(a, len(b)) - np.repeat(b, len(a))).mean()


def in_place(critic, x):
    x.requires_grad_(True)
    values = critic(x)
    slopes = torch.autograd.grad(values, x, torch.ones_like(values), create_graph=True)[0]
    return torch.mean((torch.linalg.vector_norm(slopes, dim=(1, 2, 3)) - 1) ** 2)


@pytest.mark.parametrize(
    ("exercise", "attempt"),
    [
        (check.distance, sorted_mean),
        (check.slope, lambda x, y, t: [1.0 if (y < at).double().mean() > (x < at).double().mean() else -1.0 for at in t]),
        (check.bound, lambda c, sizes: np.prod([np.linalg.norm(c * np.ones(pair), 2) for pair in layers(sizes)])),
        (check.penalty, in_place),
        (check.mixing, lambda f, x: rows(f.double(), x.double()).norm(dim=2)),
        (check.fresh_batches, lambda r, f, m, n: tuple(m(*pair).item() for pair in [(r(), f()) for _ in range(n)])),
    ],
)
def test_right_answers_of_another_style_pass(exercise, attempt):
    assert exercise(attempt, record=False).status == "right"


def test_unequal_counts_are_part_of_the_exercise():
    verdict = check.distance(lambda x, y: (x.sort().values - y.sort().values).abs().mean(), record=False)
    assert verdict.status == "raised"
