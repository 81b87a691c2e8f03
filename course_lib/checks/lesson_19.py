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


def _double(x: Tensor) -> Tensor:
    return 2 * x + 1


def _bent(x: Tensor) -> Tensor:
    return x**2 - 0.5 * x


def _third(x: Tensor) -> Tensor:
    return x / 3 - 2


def cycle_loss(attempt, *, record: bool = True) -> Verdict:
    """19.1 attempt(to_a, to_b, a (B, ...), b (B', ...)) -> (): both mean absolute differences after there and back, added."""

    def truth(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return _mean(to_a(to_b(a)), a) + _mean(to_b(to_a(b)), b)

    def squared(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return F.mse_loss(to_a(to_b(a)), a) + F.mse_loss(to_b(to_a(b)), b)

    def per_example(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return sum((x - y).abs().flatten(1).sum(1).mean() for x, y in ((to_a(to_b(a)), a), (to_b(to_a(b)), b)))

    def summed(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return (to_a(to_b(a)) - a).abs().sum() + (to_b(to_a(b)) - b).abs().sum()

    def together(to_a, to_b, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([(to_a(to_b(a)) - a).abs().flatten(), (to_b(to_a(b)) - b).abs().flatten()]).mean()

    slips = (
        Slip(lambda to_a, to_b, a, b: _mean(to_a(to_b(a)), a), "that is the cycle from a alone; add the one that starts at b."),
        Slip(lambda to_a, to_b, a, b: _mean(to_b(to_a(b)), b), "that is the cycle from b alone; add the one that starts at a."),
        Slip(
            lambda to_a, to_b, a, b: _mean(to_b(to_a(a)), a) + _mean(to_a(to_b(b)), b),
            "the generators are in the wrong order: an example of a goes to b first, so to_b comes first.",
        ),
        Slip(
            lambda to_a, to_b, a, b: _mean(to_b(a), a) + _mean(to_a(b), b),
            "that asks a translation to equal its source; compare only what comes back.",
        ),
        Slip(squared, "the paper takes the absolute difference (L1), not the square."),
        Slip(summed, "a mean over all values, not a sum: the loss must not grow with the batch."),
        Slip(
            per_example,
            "a mean over the values of an example too, not their sum: the weight must not depend on the image's size.",
        ),
        Slip(together, "take the mean of each cycle by itself, then add: two batches of different sizes count alike."),
        Slip(lambda *case: truth(*case) / 2, "the two means are added, not averaged."),
    )
    g = runtime.generator(1)
    pairs = ((_double, _bent), (_bent, _third), (_third, _double))
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

    def pair(first: int, second: int) -> Tensor:
        return torch.tensor([first, second])

    slips = (
        Slip(
            lambda k: pair(math.factorial(k), math.factorial(k)),
            "without a cycle the map back is chosen by itself: for each map there, any of the maps back wins its own game.",
        ),
        Slip(
            lambda k: pair(math.factorial(k) ** 2, 1),
            "the cycle does not choose the map there: each one has exactly one map back that undoes it.",
        ),
        Slip(
            lambda k: pair(math.factorial(k), 1),
            "count pairs of maps; the cycle excludes no map there, it only ties the map back to it.",
        ),
        Slip(
            lambda k: pair(k ** (2 * k), math.factorial(k)),
            "k^k counts all maps; where two points share a partner, a point of the other set is missing, and the game is lost.",
        ),
        Slip(
            lambda k: pair(k**k, math.factorial(k)),
            "k^k counts all maps; the game asks that every point of the other set is made once.",
        ),
        Slip(lambda k: pair(k**2, k), "the first point has k possible partners, the second k - 1, and so on: multiply them."),
        Slip(
            lambda k: pair(2 * math.factorial(k), math.factorial(k)),
            "each map there goes with every map back: multiply the two counts.",
        ),
        Slip(lambda k: pair(*reversed(truth(k).tolist())), "first the count without the cycle loss, then the count with it."),
    )
    return grade("19.2", attempt, truth, [(3,), (4,), (5,)], slips, record=record)


def both_maps(attempt, *, record: bool = True) -> Verdict:
    """19.3 attempt(x (N,), a (2,), b (2,)) -> (2, N): the rising and the falling map from interval a onto interval b."""

    def share(x: Tensor, a: Tensor) -> Tensor:
        return (x - a[0]) / (a[1] - a[0])

    def truth(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        t = share(x, a)
        return torch.stack([b[0] + t * (b[1] - b[0]), b[1] - t * (b[1] - b[0])])

    def moved(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return torch.stack([x - a[0] + b[0], b[1] - (x - a[0])])

    def stretched(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        scale = (b[1] - b[0]) / (a[1] - a[0])
        return torch.stack([scale * x, -scale * x])

    slips = (
        Slip(lambda x, a, b: truth(x, a, b).flip(0), "the rising map comes first."),
        Slip(moved, "the intervals differ in length: divide by that of a, and multiply by that of b."),
        Slip(stretched, "the lengths are right; now move the ends of a onto the ends of b."),
        Slip(
            lambda x, a, b: torch.stack([share(x, a), 1 - share(x, a)]),
            "that ends in [0, 1]; stretch it over b.",
        ),
        Slip(
            lambda x, a, b: torch.stack([truth(x, a, b)[0], -truth(x, a, b)[0]]),
            "a minus turns b into another interval; the falling map must end in b too.",
        ),
        Slip(
            lambda x, a, b: torch.stack([truth(x, a, b)[0], a[1] - (x - a[0])]),
            "the falling map must end in b, not in a.",
        ),
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

    def truth(s: float, t: float, a: Tensor, b: Tensor) -> Tensor:
        return _mean(s * b + t, b) + _mean((a - t) / s, a)

    slips = (
        Slip(
            lambda s, t, a, b: _mean(s * a + t, a) + _mean((b - t) / s, b),
            "each generator gets an example of its own target: to_b gets b, and to_a gets a.",
        ),
        Slip(lambda s, t, a, b: _mean(s * b + t, b), "that is half of it; the generator to_a has to leave a as it is."),
        Slip(lambda s, t, a, b: _mean((a - t) / s, a), "that is half of it; the generator to_b has to leave b as it is."),
        Slip(
            lambda s, t, a, b: _mean(s * b + t, b) + _mean(a / s - t, a),
            "to undo s x + t, first take t away, then divide by s.",
        ),
        Slip(
            lambda s, t, a, b: _mean(s * b + t, b) + _mean(s * a + t, a),
            "to_a is the other generator: the one that undoes s x + t.",
        ),
        Slip(
            lambda s, t, a, b: torch.tensor(0.0), "that is the cycle loss of this pair; the identity loss translates only once."
        ),
        Slip(lambda *case: truth(*case) / 2, "the two means are added, not averaged."),
        Slip(
            lambda s, t, a, b: ((s - 1) * b + t).square().mean() + ((a - t) / s - a).square().mean(),
            "the absolute difference, not the square.",
        ),
        Slip(
            lambda s, t, a, b: ((s - 1) * b + t).abs().sum() + ((a - t) / s - a).abs().sum(),
            "a mean over the examples, not a sum.",
        ),
        Slip(
            lambda s, t, a, b: ((s - 1) * b + t).mean().abs() + ((a - t) / s - a).mean().abs(),
            "the absolute value of each difference first, then the mean: otherwise opposite errors cancel.",
        ),
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

    def with_spread(spread):
        return lambda x, eps: (x - x.mean((2, 3), keepdim=True)) / spread(x, eps)

    slips = (
        Slip(over(0, 2, 3), "that is batch normalisation: its means mix the images of the batch; leave the batch axis out."),
        Slip(over(1, 2, 3), "that mixes the channels of an image (layer normalisation): each map has its own mean and spread."),
        Slip(over(1), "the mean is over the places (H, W), not over the channels."),
        Slip(over(0), "the mean is over the places (H, W), not over the batch."),
        Slip(
            with_spread(lambda x, eps: (x.var((2, 3), correction=1, keepdim=True) + eps).sqrt()),
            "divide the sum of squares by H W, not by H W - 1: torch's var needs correction=0.",
        ),
        Slip(
            with_spread(lambda x, eps: x.var((2, 3), correction=0, keepdim=True) + eps),
            "divide by the standard deviation, the root of the variance.",
        ),
        Slip(
            with_spread(lambda x, eps: x.std((2, 3), correction=0, keepdim=True) + eps),
            "eps belongs under the root, beside the variance.",
        ),
        Slip(
            with_spread(lambda x, eps: x.var((2, 3), correction=0, keepdim=True).sqrt()),
            "eps is missing: a map that is constant would be divided by 0.",
        ),
        Slip(lambda x, eps: x - x.mean((2, 3), keepdim=True), "the mean is gone; divide by the standard deviation as well."),
        Slip(
            lambda x, eps: x / (x.var((2, 3), correction=0, keepdim=True) + eps).sqrt(),
            "take the mean away before you divide.",
        ),
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

    def squares(read, there: Tensor, factors: Tensor) -> Tensor:
        return (read(there) - factors).square().mean(0)

    def correlation(read, there: Tensor, factors: Tensor) -> Tensor:
        found = read(there)
        x, y = found - found.mean(0), factors - factors.mean(0)
        return (x * y).sum(0) ** 2 / (x.square().sum(0) * y.square().sum(0))

    slips = (
        Slip(correlation, "that is the squared correlation: it forgives a wrong scale and a wrong offset, and R² does not."),
        Slip(
            lambda *case: squares(*case) / case[2].var(0, correction=0), "that is the share that was lost; 1 minus it was kept."
        ),
        Slip(lambda *case: 1 - squares(*case), "divide the squared error by the variance of the true factor."),
        Slip(
            lambda *case: 1 - squares(*case) / case[0](case[1]).var(0, correction=0),
            "divide by the variance of the true factor, not of what was read.",
        ),
        Slip(
            lambda *case: 1 - squares(*case) / case[2].var(0),
            "mean squared error over mean squared deviation: both divide by N, so that var needs correction=0.",
        ),
        Slip(lambda *case: truth(*case).mean(), "one number for each factor: the mean over the examples, axis 0, alone."),
        Slip(
            lambda *case: 1 - (case[0](case[1]) - case[2]).square().mean() / case[2].var(correction=0),
            "each factor by itself: its own error, its own variance.",
        ),
        Slip(
            lambda *case: 1 - squares(*case).sqrt() / case[2].std(0, correction=0),
            "squared error over variance, without the roots.",
        ),
        Slip(
            lambda *case: 1 - (case[0](case[1]) - case[2]).abs().mean(0) / case[2].var(0, correction=0),
            "the squared error, not the absolute one.",
        ),
    )
    g = runtime.generator(5)
    cases = []
    for n, f in ((5, 2), (8, 3), (12, 1)):
        factors = torch.randn(n, f, generator=g) * (1 + torch.arange(f)) + 2
        there = (factors + 0.4 * torch.randn(n, f, generator=g)).view(n, f, 1, 1)
        cases.append((_slanted, there, factors))
    return grade("19.6", attempt, truth, cases, slips, record=record)


def _slanted(there: Tensor) -> Tensor:
    """A reader with a fault of its own, (N, F, 1, 1) -> (N, F)."""
    return 0.8 * there.flatten(1) + 0.3
