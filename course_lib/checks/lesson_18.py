"""Exercises of lesson 18, conditional GANs: the projection, best constants, receptive fields, pairs, colour pairs."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.datasets import pairs

EXERCISES = {
    "18.1": "the logit of a projection discriminator",
    "18.2": "the best constant under L1 and under L2",
    "18.3": "the receptive field of a stack of convolutions",
    "18.4": "the loss of a discriminator that sees pairs",
    "18.5": "pairs for colourisation",
}


def projection(attempt, *, record: bool = True) -> Verdict:
    """18.1 attempt(h (B, F), y (B,), w (F,), vectors (K, F)) -> logits (B,): w·h plus h times the vector of class y."""
    slips = (
        Slip(lambda h, y, w, v: h @ w, "the label is missing: this judges only whether x is real at all."),
        Slip(lambda h, y, w, v: (h * v[y]).sum(1), "the first term, w·h, is missing: it judges whether x is real at all."),
        Slip(
            lambda h, y, w, v: (h @ w)[:, None] + h @ v.T,
            "those are the logits of all K classes; take the one of each example's y.",
        ),
        Slip(
            lambda h, y, w, v: (h @ w)[:, None] + h @ v[y].T,
            "that pairs each example with every other one's label: multiply row by row, then sum.",
        ),
        Slip(lambda h, y, w, v: (h @ w)[:, None] + h * v[y], "one logit per example is wanted: sum over the features."),
        Slip(lambda h, y, w, v: h @ w + (h * v[y]).mean(1), "an inner product is a sum over the features, not a mean."),
        Slip(lambda h, y, w, v: h @ w + (h @ v.T).sum(1), "that adds up all classes, so that the label plays no part."),
        Slip(
            lambda h, y, w, v: torch.sigmoid(h @ w + (h * v[y]).sum(1)),
            "the logit is wanted, not the probability: leave the sigmoid to the loss.",
        ),
        Slip(
            lambda h, y, w, v: h @ w + (h @ v.T).log_softmax(1).gather(1, y[:, None])[:, 0],
            "that normalises over the classes, as a classifier does: add the plain product.",
        ),
        Slip(lambda h, y, w, v: h @ w + v[y].sum(1), "the vector of the class has to meet the features: multiply it by h."),
    )
    cases = []
    for seed, (B, F_, K) in ((0, (4, 3, 5)), (1, (3, 4, 3))):
        g = runtime.generator(seed)
        h, w, v = (torch.randn(*shape, generator=g) for shape in ((B, F_), (F_,), (K, F_)))
        cases.append((h, torch.randint(K, (B,), generator=g), w, v))
    return grade("18.1", attempt, lambda h, y, w, v: h @ w + (h * v[y]).sum(1), cases, slips, record=record)


def best_constants(attempt, *, record: bool = True) -> Verdict:
    """18.2 attempt(values (N,), N odd) -> the constant nearest to them by mean absolute error, and that by mean squared error."""

    def middle(v: Tensor) -> Tensor:
        return v.sort().values[len(v) // 2]

    def right(v: Tensor) -> tuple[Tensor, Tensor]:
        return middle(v), v.mean()

    def halfway(v: Tensor) -> Tensor:
        return (v.min() + v.max()) / 2

    def errors(v: Tensor) -> tuple[Tensor, Tensor]:
        return (v - middle(v)).abs().mean(), (v - v.mean()).square().mean()

    slips = (
        Slip(lambda v: (v.mean(), middle(v)), "the two have changed places: return the one for the absolute error first."),
        Slip(lambda v: (v.mean(), v.mean()), "the mean is best for squared errors only: try (v − c).abs().mean() for other c."),
        Slip(
            lambda v: (middle(v), middle(v)), "the median is best for absolute errors only: set the derivative of Σ(v − c)² to 0."
        ),
        Slip(
            lambda v: (middle(v), halfway(v)), "halfway between the ends minimises the largest error, not the mean squared one."
        ),
        Slip(
            lambda v: (halfway(v), v.mean()), "halfway between the ends minimises the largest error, not the mean absolute one."
        ),
        Slip(
            lambda v: (v.mode().values, v.mean()),
            "the commonest value minimises how often the error is not 0, not its mean size.",
        ),
        Slip(lambda v: (v[len(v) // 2], v.mean()), "the median is the middle of the *sorted* values."),
        Slip(errors, "those are the smallest errors; the constants that reach them are wanted."),
        Slip(lambda v: (middle(v), v.sum()), "a sum grows with the number of values: divide by it."),
    )
    cases = [(torch.tensor(v),) for v in ([0.9, 0.1, 0.1, 0.2, 0.35], [0.6, 0.0, 0.05, 1.0, 0.05, 0.4, 0.3])]
    return grade("18.2", attempt, right, cases, slips, record=record)


def receptive_field(attempt, *, record: bool = True) -> Verdict:
    """18.3 attempt(kernels, strides), lists from the first layer to the last -> pixels along one side that a last unit sees."""

    def field(kernels: list[int], strides: list[int]) -> int:
        seen, step = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            seen, step = seen + (kernel - 1) * step, step * stride
        return seen

    def too_early(kernels: list[int], strides: list[int]) -> int:
        seen, step = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            step *= stride
            seen += (kernel - 1) * step
        return seen

    def whole_kernels(kernels: list[int], strides: list[int]) -> int:
        seen, step = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            seen, step = seen + kernel * step, step * stride
        return seen

    def from_above(kernels: list[int], strides: list[int]) -> int:
        seen = 1
        for kernel, stride in zip(kernels[::-1], strides[::-1], strict=True):
            seen = seen * stride + kernel
        return seen

    slips = (
        Slip(from_above, "n units see (n − 1) · stride + kernel units of the layer below: the last one adds its kernel."),
        Slip(
            lambda k, s: 1 + sum(one - 1 for one in k), "that is right for strides of 1: a stride makes all later kernels wider."
        ),
        Slip(too_early, "a layer's own stride widens the layers after it, not the layer itself: multiply after you have added."),
        Slip(whole_kernels, "a kernel of k adds k − 1 pixels: one it shares with what was there before."),
        Slip(
            lambda k, s: math.prod(s), "that is how many pixels lie between two neighbouring units, not how many one unit sees."
        ),
        Slip(lambda k, s: sum(k), "kernels overlap: each one adds k − 1, times the strides of the layers below it."),
        Slip(lambda k, s: math.prod(k), "kernels add up, they do not multiply."),
        Slip(lambda k, s: field(k[::-1], s[::-1]), "begin at the first layer: the lists run from the image upwards."),
        Slip(lambda k, s: field(k, s) ** 2, "that is the area in pixels; the length of one side is wanted."),
        Slip(lambda k, s: field(k, s) - 1, "a single unit without any layer sees 1 pixel: begin with 1."),
    )
    cases = [([4, 4, 3], [2, 2, 1]), ([3, 5], [1, 1]), ([4, 4, 4, 4, 4], [2, 2, 2, 1, 1]), ([5, 3, 2], [3, 1, 2])]
    return grade("18.3", attempt, field, cases, slips, record=record)


def pair_loss(attempt, *, record: bool = True) -> Verdict:
    """18.4 attempt(judge, x, real, fake (B, 1, H, W)) -> the discriminator's loss (), in nats per patch.

    judge: pairs (B, 2, H, W), the input first -> logits, one per patch. The loss adds the means over true and over made pairs.
    """

    def loss(judge, true: Tensor, made: Tensor) -> Tensor:
        return F.softplus(-judge(true)).mean() + F.softplus(judge(made)).mean()

    def pair(a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], 1)

    def right(judge, x: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        return loss(judge, pair(x, real), pair(x, fake)).detach()

    def squashed(judge, x: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        probs = [torch.sigmoid(judge(pair(x, y))) for y in (real, fake)]
        return F.softplus(-probs[0]).mean() + F.softplus(probs[1]).mean()

    def summed(judge, x: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-judge(pair(x, real))).sum() + F.softplus(judge(pair(x, fake))).sum()

    slips = (
        Slip(squashed, "probabilities went into a loss that wants logits: the sigmoid was taken twice."),
        Slip(summed, "a sum grows with the batch and with the number of patches: take means."),
        Slip(lambda d, x, r, f: loss(d, pair(x, r), pair(x, f)) * len(x), "a sum over the batch grows with it: take the mean."),
        Slip(
            lambda d, x, r, f: loss(d, pair(x, f), pair(x, r)), "the labels are turned round: true pairs are to be called real."
        ),
        Slip(lambda d, x, r, f: loss(d, pair(r, x), pair(f, x)), "the input comes first in a pair, then the output."),
        Slip(
            lambda d, x, r, f: loss(d, pair(x, r), pair(r, f)),
            "a made pair is the input with the made output; the true output has no place in it.",
        ),
        Slip(
            lambda d, x, r, f: loss(d, pair(r, r), pair(f, f)),
            "the input is missing: this discriminator cannot notice that an output belongs to another input.",
        ),
        Slip(
            lambda d, x, r, f: loss(d, pair(x, r), pair(x, f)) / 2,
            "the two means are added, not averaged: −log D(true) − log(1 − D(made)).",
        ),
        Slip(
            lambda d, x, r, f: F.softplus(-d(pair(x, r))).mean() + F.softplus(-d(pair(x, f))).mean(),
            "made pairs have the target 0: −log(1 − D) of a logit ℓ is softplus(ℓ).",
        ),
        Slip(lambda d, x, r, f: F.softplus(-d(pair(x, f))).mean(), "that is what the generator makes small."),
        Slip(lambda d, x, r, f: F.softplus(d(pair(x, f))).mean(), "only the made pairs are judged; the true ones are missing."),
        Slip(lambda d, x, r, f: F.softplus(-d(pair(x, r))).mean(), "only the true pairs are judged; the made ones are missing."),
        Slip(lambda d, x, r, f: loss(d, pair(x, r), pair(x, f)) / math.log(2), "that is in bits; the course counts in nats."),
    )
    cases = []
    for seed, B in ((2, 3), (3, 2)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            judge = nn.Sequential(nn.Conv2d(2, 1, 4, stride=2, padding=1), nn.Flatten(1)).requires_grad_(False)
            judge[0].weight.mul_(4)
        g = runtime.generator(seed)
        cases.append((judge, *(torch.rand(B, 1, 6, 6, generator=g) for _ in range(3))))
    return grade("18.4", attempt, right, cases, slips, record=record)


def colour_pairs(attempt, *, record: bool = True) -> Verdict:
    """18.5 attempt(colour (B, 3, H, W)) -> grey (B, 1, H, W), which is 0.299 R + 0.587 G + 0.114 B, and colour (B, 3, H, W)."""

    def right(x: Tensor) -> tuple[Tensor, Tensor]:
        return pairs.grey(x), x

    slips = (
        Slip(lambda x: (x, pairs.grey(x)), "the input comes first: grey goes in, colour comes out."),
        Slip(
            lambda x: (x.mean(1, keepdim=True), x), "the eye sees green as brighter than blue: use the three weights, not a mean."
        ),
        Slip(lambda x: (pairs.grey(x.flip(1)), x), "the channels are red, green, blue in this order; yours are turned round."),
        Slip(lambda x: (pairs.grey(x)[:, 0], x), "the channel axis of the grey image is lost: keep it with size 1."),
        Slip(lambda x: (pairs.grey(x).expand_as(x), x), "a grey image has one channel, not three equal ones."),
        Slip(lambda x: (pairs.grey(x) / 3, x), "the weights sum to 1 already: add the three up, do not average them."),
        Slip(
            lambda x: (pairs.grey(x), x - pairs.grey(x)),
            "the output is the colour image itself, not what it differs from grey by.",
        ),
        Slip(lambda x: (1 - pairs.grey(x), x), "that is the negative: bright stays bright."),
        Slip(
            lambda x: (pairs.grey(x), pairs.grey(x)),
            "the output is to have colours: return the image itself beside its grey version.",
        ),
        Slip(pairs.grey, "two things are wanted: the grey image and the colour image."),
    )
    cases = [(torch.rand(*shape, generator=runtime.generator(4)),) for shape in ((2, 3, 4, 4), (1, 3, 3, 5))]
    return grade("18.5", attempt, right, cases, slips, record=record)
