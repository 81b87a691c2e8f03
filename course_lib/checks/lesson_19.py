"""Exercises of lesson 19, CycleGAN: the cycle, pairs without loss, two monotone maps, identity, instance norm, what is kept."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics.regression import r_squared

EXERCISES = {
    "19.1": "the cycle loss",
    "19.2": "how many pairs have no loss",
    "19.3": "both maps between two intervals",
    "19.4": "the identity loss of an affine pair",
    "19.5": "instance normalisation",
    "19.6": "what was kept",
}


def _mean(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).abs().mean()


_MAPS = (lambda x: 2 * x + 1, lambda x: x**2 - 0.5 * x, lambda x: x / 3 - 2)


def cycle_loss(attempt, *, record: bool = True) -> Verdict:
    """19.1 attempt(to_a, to_b, a (B, ...), b (B', ...)) -> (): both mean absolute differences after there and back, added."""

    def truth(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return _mean(to_a(to_b(a)), a) + _mean(to_b(to_a(b)), b)

    def made(distance):
        return lambda to_a, to_b, a, b: distance(to_a(to_b(a)), a) + distance(to_b(to_a(b)), b)

    def together(f, g, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([(f(g(a)) - a).abs().flatten(), (g(f(b)) - b).abs().flatten()]).mean()

    summed = made(lambda x, y: (x - y).abs().sum())
    per_example = made(lambda x, y: (x - y).abs().flatten(1).sum(1).mean())
    slips = (
        Slip(lambda f, g, a, b: _mean(f(g(a)), a), "that is the cycle from a alone; add the one that starts at b."),
        Slip(lambda f, g, a, b: _mean(g(f(b)), b), "that is the cycle from b alone; add the one that starts at a."),
        Slip(lambda f, g, a, b: _mean(g(f(a)), a) + _mean(f(g(b)), b), "the wrong order: an example of a goes to b first."),
        Slip(
            lambda f, g, a, b: _mean(g(a), a) + _mean(f(b), b),
            "a translation need not equal its source; compare what comes back.",
        ),
        Slip(made(F.mse_loss), "the paper takes the absolute difference (L1), not the square."),
        Slip(summed, "a mean over all values, not a sum: the loss must not grow with the batch."),
        Slip(per_example, "a mean over an example's values too: the loss must not depend on the image's size."),
        Slip(together, "take the mean of each cycle by itself, then add: two batches of different sizes count alike."),
        Slip(lambda *case: truth(*case) / 2, "the two means are added, not averaged."),
    )
    g = runtime.generator(1)
    pairs = ((_MAPS[0], _MAPS[1]), (_MAPS[1], _MAPS[2]), (_MAPS[2], _MAPS[0]))
    shapes = (((3, 2), (5, 2)), ((2, 1, 4, 4), (6, 1, 4, 4)), ((4, 3), (4, 3)))
    cases = [
        (*pair, torch.randn(first, generator=g), torch.randn(second, generator=g))
        for pair, (first, second) in zip(pairs, shapes, strict=True)
    ]
    return grade("19.1", attempt, truth, cases, slips, record=record)


def zero_losses(attempt, *, record: bool = True) -> Verdict:
    """19.2 attempt(k) -> two whole numbers: pairs (there, back) of maps with game loss 0; those with cycle loss 0 as well."""

    def truth(k: int) -> Tensor:
        return torch.tensor([math.factorial(k) ** 2, math.factorial(k)])

    def counts(rule):
        return lambda k: torch.tensor(rule(k, math.factorial(k)))

    slips = (
        Slip(
            counts(lambda k, n: [n, n]), "without a cycle, each map there goes with any of the maps back: it wins its own game."
        ),
        Slip(
            counts(lambda k, n: [n**2, 1]), "the cycle does not choose the map there: each one has one map back that undoes it."
        ),
        Slip(
            counts(lambda k, n: [n, 1]), "count pairs of maps; the cycle excludes no map there, it only ties the map back to it."
        ),
        Slip(counts(lambda k, n: [k ** (2 * k), n]), "k^k counts maps in which two points share a partner; those lose the game."),
        Slip(
            counts(lambda k, n: [k**k, n]), "k^k counts all maps; the game asks that every point of the other set is made once."
        ),
        Slip(
            counts(lambda k, n: [k**2, k]), "the first point has k possible partners, the second k - 1, and so on: multiply them."
        ),
        Slip(counts(lambda k, n: [2 * n, n]), "each map there goes with every map back: multiply the two counts."),
        Slip(counts(lambda k, n: [n, n**2]), "first the count without the cycle loss, then the count with it."),
    )
    return grade("19.2", attempt, truth, [(3,), (4,), (5,)], slips, record=record)


def both_maps(attempt, *, record: bool = True) -> Verdict:
    """19.3 attempt(x (N,), a (2,), b (2,)) -> (2, N): the rising and the falling map from interval a onto interval b."""

    def share(x: Tensor, a: Tensor) -> Tensor:
        return (x - a[0]) / (a[1] - a[0])

    def truth(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        t = share(x, a)
        return two(b[0] + t * (b[1] - b[0]), b[1] - t * (b[1] - b[0]))

    def two(rising: Tensor, falling: Tensor) -> Tensor:
        return torch.stack([rising, falling])

    def moved(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return two(x - a[0] + b[0], b[1] - (x - a[0]))

    def stretched(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        scale = (b[1] - b[0]) / (a[1] - a[0])
        return two(scale * x, -scale * x)

    slips = (
        Slip(lambda x, a, b: truth(x, a, b).flip(0), "the rising map comes first."),
        Slip(moved, "the intervals differ in length: divide by that of a, and multiply by that of b."),
        Slip(stretched, "the lengths are right; now move the ends of a onto the ends of b."),
        Slip(lambda *case: two(share(case[0], case[1]), 1 - share(case[0], case[1])), "that ends in [0, 1]; stretch it over b."),
        Slip(lambda *case: two(truth(*case)[0], -truth(*case)[0]), "a minus turns b into another interval; stay in b."),
        Slip(lambda x, a, b: two(truth(x, a, b)[0], a[1] - (x - a[0])), "the falling map must end in b, not in a."),
        Slip(lambda x, a, b: truth(x, a, b).T, "one row for each map: (2, N)."),
    )
    g = runtime.generator(2)
    cases = []
    for low, high, first, last in ((0.0, 1.0, 2.0, 5.0), (-1.0, 3.0, 0.5, 1.5), (2.0, 4.0, -3.0, 1.0)):
        x = low + (high - low) * torch.rand(6, generator=g)
        cases.append((x, torch.tensor([low, high]), torch.tensor([first, last])))
    return grade("19.3", attempt, truth, cases, slips, record=record)


def identity_loss(attempt, *, record: bool = True) -> Verdict:
    """19.4 attempt(s, t, a (N,), b (M,)) -> (): identity loss of to_b(x) = s x + t with the generator that undoes it."""

    def made(distance):
        return lambda s, t, a, b: distance(s * b + t, b) + distance((a - t) / s, a)

    truth = made(_mean)
    summed, cancelling = made(lambda x, y: (x - y).abs().sum()), made(lambda x, y: (x - y).mean().abs())
    slips = (
        Slip(lambda s, t, a, b: truth(s, t, b, a), "each generator gets an example of its own target: to_b gets b, to_a gets a."),
        Slip(lambda s, t, a, b: _mean(s * b + t, b), "that is half of it; the generator to_a has to leave a as it is."),
        Slip(lambda s, t, a, b: _mean((a - t) / s, a), "that is half of it; the generator to_b has to leave b as it is."),
        Slip(lambda s, t, a, b: _mean(s * b + t, b) + _mean(a / s - t, a), "first take t away, then divide by s."),
        Slip(lambda s, t, a, b: _mean(s * b + t, b) + _mean(s * a + t, a), "to_a is the other generator, which undoes s x + t."),
        Slip(
            lambda s, t, a, b: torch.tensor(0.0), "that is the cycle loss of this pair; the identity loss translates only once."
        ),
        Slip(lambda *case: truth(*case) / 2, "the two means are added, not averaged."),
        Slip(made(F.mse_loss), "the absolute difference, not the square."),
        Slip(summed, "a mean over the examples, not a sum."),
        Slip(cancelling, "the absolute value of each difference first, then the mean: otherwise opposite errors cancel."),
    )
    g = runtime.generator(3)
    cases = [
        (s, t, torch.randn(n, generator=g), torch.randn(m, generator=g))
        for s, t, n, m in ((2.0, 1.0, 5, 7), (-1.0, 3.0, 4, 4), (0.5, -2.0, 6, 3))
    ]
    return grade("19.4", attempt, truth, cases, slips, record=record)


def instance_norm(attempt, *, record: bool = True) -> Verdict:
    """19.5 attempt(x (B, C, H, W), eps) -> same shape: each map of each image with mean 0 and variance 1, nothing learned."""

    def over(*axes: int):
        def normalised(x: Tensor, eps: float) -> Tensor:
            variance = x.var(axes, correction=0, keepdim=True)
            return (x - x.mean(axes, keepdim=True)) / (variance + eps).sqrt()

        return normalised

    def by(spread):
        return lambda x, eps: (x - x.mean((2, 3), keepdim=True)) / spread(x.var((2, 3), correction=0, keepdim=True), eps)

    def n_minus_1(x: Tensor, eps: float) -> Tensor:
        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=1, keepdim=True) + eps).sqrt()

    def not_centred(x: Tensor, eps: float) -> Tensor:
        return x / (x.var((2, 3), correction=0, keepdim=True) + eps).sqrt()

    slips = (
        Slip(over(0, 2, 3), "that is batch normalisation: its means mix the images of the batch; leave the batch axis out."),
        Slip(over(1, 2, 3), "that mixes the channels of an image (layer normalisation): each map has its own mean and spread."),
        Slip(over(1), "the mean is over the places (H, W), not over the channels."),
        Slip(over(0), "the mean is over the places (H, W), not over the batch."),
        Slip(n_minus_1, "divide the sum of squares by H W, not by H W - 1: torch's var needs correction=0."),
        Slip(by(lambda v, eps: v + eps), "divide by the standard deviation, the root of the variance."),
        Slip(by(lambda v, eps: v.sqrt() + eps), "eps belongs under the root, beside the variance."),
        Slip(by(lambda v, eps: v.sqrt()), "eps is missing: a map that is constant would be divided by 0."),
        Slip(by(lambda v, eps: 1.0), "the mean is gone; divide by the standard deviation as well."),
        Slip(not_centred, "take the mean away before you divide."),
    )
    g = runtime.generator(4)
    cases = [
        (torch.randn(shape, generator=g) * (1 + torch.arange(shape[1]).view(1, -1, 1, 1)) + 3, eps)
        for shape, eps in (((2, 3, 2, 2), 0.1), ((3, 2, 2, 3), 0.01), ((2, 1, 3, 3), 0.5))
    ]
    return grade("19.5", attempt, lambda x, eps: F.instance_norm(x, eps=eps), cases, slips, record=record)


def kept(attempt, *, record: bool = True) -> Verdict:
    """19.6 attempt(read, there (N, ...), factors (N, F)) -> (F,): R² of each factor that `read` finds in the translations."""

    def truth(read, there: Tensor, factors: Tensor) -> Tensor:
        return r_squared(read(there), factors)

    def over(error, spread):
        return lambda read, there, true: 1 - error(read(there) - true) / spread(true)

    def correlation(read, there: Tensor, factors: Tensor) -> Tensor:
        x, y = (values - values.mean(0) for values in (read(there), factors))
        return (x * y).sum(0) ** 2 / (x.square().sum(0) * y.square().sum(0))

    def by_what_was_read(read, there: Tensor, factors: Tensor) -> Tensor:
        return 1 - squares(read(there) - factors) / variance(read(there))

    def squares(x: Tensor) -> Tensor:
        return x.square().mean(0)

    def variance(x: Tensor) -> Tensor:
        return x.var(0, correction=0)

    slips = (
        Slip(correlation, "that is the squared correlation: it forgives a wrong scale and a wrong offset, and R² does not."),
        Slip(lambda *case: 1 - truth(*case), "that is the share that was lost; 1 minus it was kept."),
        Slip(over(squares, lambda y: 1.0), "divide the squared error by the variance of the true factor."),
        Slip(by_what_was_read, "divide by the variance of the true factor, not of what was read."),
        Slip(over(squares, lambda y: y.var(0)), "both means divide by N, so that var needs correction=0."),
        Slip(lambda *case: truth(*case).mean(), "one number for each factor: the mean over the examples, axis 0, alone."),
        Slip(
            over(lambda x: x.square().mean(), lambda y: y.var(correction=0)), "each factor by itself: its own error and variance."
        ),
        Slip(over(lambda x: squares(x).sqrt(), lambda y: variance(y).sqrt()), "squared error over variance, without the roots."),
        Slip(over(lambda x: x.abs().mean(0), variance), "the squared error, not the absolute one."),
    )
    g = runtime.generator(5)
    cases = []
    for n, f in ((5, 2), (8, 3), (12, 1)):
        factors = torch.randn(n, f, generator=g) * (1 + torch.arange(f)) + 2
        there = (factors + 0.4 * torch.randn(n, f, generator=g)).view(n, f, 1, 1)
        cases.append((lambda x: 0.8 * x.flatten(1) + 0.3, there, factors))  # a reader with a fault of its own
    return grade("19.6", attempt, truth, cases, slips, record=record)
