"""Lesson 18: the right answers pass, and each likely mistake is told what it is."""

import math

import numpy as np
import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_18 as check


def right_constants(values):
    return float(np.median(values.double().numpy())), float(values.double().mean())


def right_field(kernels, strides):
    ahead = [math.prod(strides[:layer]) for layer in range(len(kernels))]
    return 1 + sum((kernel - 1) * step for kernel, step in zip(kernels, ahead, strict=True))


def right_projection(h, y, w, vectors):
    return torch.einsum("bf,bf->b", h, w + F.one_hot(y, len(vectors)).to(h) @ vectors)


def right_pair_loss(judge, x, real, fake):
    true, made = judge(torch.cat((x, real), dim=1)), judge(torch.cat((x, fake), dim=1))
    answers = F.binary_cross_entropy_with_logits
    return (answers(true, torch.ones_like(true)) + answers(made, torch.zeros_like(made))).item()


def right_colour_pairs(x):
    red, green, blue = x.double().unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).unsqueeze(1), x


RIGHT = {
    check.best_constants: right_constants,
    check.receptive_field: right_field,
    check.projection: right_projection,
    check.pair_loss: right_pair_loss,
    check.colour_pairs: right_colour_pairs,
}


def by_rule(rule):
    """A receptive field grown layer by layer: rule(seen, step, kernel, stride) -> seen, step."""

    def field(kernels, strides):
        seen, step = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            seen, step = rule(seen, step, kernel, stride)
        return seen

    return field


def from_above(kernels, strides):
    seen = 1
    for kernel, stride in reversed(list(zip(kernels, strides, strict=True))):
        seen = seen * stride + kernel
    return seen


def stacked(a, b):
    return torch.cat([a, b], 1)


def cross(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def game(judge, true, made):
    return cross(judge(true), 1.0) + cross(judge(made), 0.0)


def squashed(judge, x, real, fake):
    return cross(judge(stacked(x, real)).sigmoid(), 1.0) + cross(judge(stacked(x, fake)).sigmoid(), 0.0)


def summed(judge, x, real, fake):
    true, made = judge(stacked(x, real)), judge(stacked(x, fake))
    options = {"reduction": "sum"}
    return F.binary_cross_entropy_with_logits(true, true * 0 + 1, **options) + F.binary_cross_entropy_with_logits(
        made, made * 0, **options
    )


def grey(x, weights=(0.299, 0.587, 0.114)):
    return sum(weight * x[:, [place]] for place, weight in enumerate(weights))


SLIPS = [
    (check.best_constants, lambda v: right_constants(v)[::-1], "changed places"),
    (check.best_constants, lambda v: (v.mean(), v.mean()), "squared errors only"),
    (check.best_constants, lambda v: (v.median(), v.median()), "absolute errors only"),
    (check.best_constants, lambda v: (v.median(), (v.min() + v.max()) / 2), "not the mean squared one"),
    (check.best_constants, lambda v: ((v.min() + v.max()) / 2, v.mean()), "not the mean absolute one"),
    (check.best_constants, lambda v: (v.mode().values, v.mean()), "commonest value"),
    (check.best_constants, lambda v: (v[len(v) // 2], v.mean()), "sorted"),
    (check.best_constants, lambda v: ((v - v.median()).abs().mean(), v.var(correction=0)), "smallest errors"),
    (check.best_constants, lambda v: (v.median(), v.sum()), "divide by it"),
    (check.receptive_field, lambda k, s: 1 + sum(one - 1 for one in k), "strides of 1"),
    (check.receptive_field, by_rule(lambda r, j, k, s: (r + (k - 1) * j * s, j * s)), "after you have added"),
    (check.receptive_field, by_rule(lambda r, j, k, s: (r + k * j, j * s)), "k − 1 pixels"),
    (check.receptive_field, from_above, "the last one adds its kernel"),
    (check.receptive_field, lambda k, s: math.prod(s), "neighbouring units"),
    (check.receptive_field, lambda k, s: sum(k), "kernels overlap"),
    (check.receptive_field, lambda k, s: math.prod(k), "do not multiply"),
    (check.receptive_field, lambda k, s: right_field(k[::-1], s[::-1]), "first layer"),
    (check.receptive_field, lambda k, s: right_field(k, s) ** 2, "area"),
    (check.receptive_field, lambda k, s: right_field(k, s) - 1, "begin with 1"),
    (check.projection, lambda h, y, w, v: h @ w, "the label is missing"),
    (check.projection, lambda h, y, w, v: (h * v[y]).sum(-1), "the first term"),
    (check.projection, lambda h, y, w, v: (h @ w).unsqueeze(1) + h @ v.T, "all K classes"),
    (check.projection, lambda h, y, w, v: (h @ w).unsqueeze(1) + h @ v[y].T, "every other one's label"),
    (check.projection, lambda h, y, w, v: (h @ w).unsqueeze(1) + h * v[y], "sum over the features"),
    (check.projection, lambda h, y, w, v: h @ w + (h * v[y]).mean(1), "not a mean"),
    (check.projection, lambda h, y, w, v: h @ w + (h @ v.T).sum(1), "plays no part"),
    (check.projection, lambda h, y, w, v: right_projection(h, y, w, v).sigmoid(), "not the probability"),
    (
        check.projection,
        lambda h, y, w, v: h @ w + (h @ v.T).log_softmax(1)[torch.arange(len(y)), y],
        "as a classifier does",
    ),
    (check.projection, lambda h, y, w, v: h @ w + v[y].sum(1), "multiply it by h"),
    (check.pair_loss, squashed, "taken twice"),
    (check.pair_loss, lambda d, x, r, f: cross(d(stacked(x, r)), 1.0) + cross(d(stacked(x, f)), 1.0), "have the target 0"),
    (check.pair_loss, summed, "number of patches"),
    (check.pair_loss, lambda d, x, r, f: len(x) * game(d, stacked(x, r), stacked(x, f)), "sum over the batch"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(x, f), stacked(x, r)), "turned round"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(r, x), stacked(f, x)), "input comes first"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(x, r), stacked(r, f)), "no place in it"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(r, r), stacked(f, f)), "belongs to another input"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(x, r), stacked(x, f)) / 2, "not averaged"),
    (check.pair_loss, lambda d, x, r, f: cross(d(stacked(x, f)), 1.0), "generator makes small"),
    (check.pair_loss, lambda d, x, r, f: cross(d(stacked(x, f)), 0.0), "true ones are missing"),
    (check.pair_loss, lambda d, x, r, f: cross(d(stacked(x, r)), 1.0), "made ones are missing"),
    (check.pair_loss, lambda d, x, r, f: game(d, stacked(x, r), stacked(x, f)) / math.log(2), "nats"),
    (check.colour_pairs, lambda x: (x, grey(x)), "input comes first"),
    (check.colour_pairs, lambda x: (x.mean(1, keepdim=True), x), "green as brighter"),
    (check.colour_pairs, lambda x: (grey(x, (0.114, 0.587, 0.299)), x), "turned round"),
    (check.colour_pairs, lambda x: (grey(x).squeeze(1), x), "keep it with size 1"),
    (check.colour_pairs, lambda x: (grey(x).repeat(1, 3, 1, 1), x), "not three equal ones"),
    (check.colour_pairs, lambda x: (grey(x) / 3, x), "sum to 1 already"),
    (check.colour_pairs, lambda x: (grey(x), x - grey(x)), "differs from grey"),
    (check.colour_pairs, lambda x: (1 - grey(x), x), "negative"),
    (check.colour_pairs, lambda x: (grey(x), grey(x)), "to have colours"),
    (check.colour_pairs, grey, "two things"),
]

TestLesson = frame(check, RIGHT, SLIPS)
