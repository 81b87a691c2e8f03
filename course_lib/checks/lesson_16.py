"""Exercises of lesson 16, GANs on images: kernels that overlap, wrong labels, the spectral norm, truncated noise, birthdays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade

EXERCISES = {
    "16.1": "how often a transposed convolution paints each pixel",
    "16.2": "the best discriminator under wrong labels",
    "16.3": "the spectral norm by power iteration",
    "16.4": "the norm of truncated noise",
    "16.5": "the birthday test",
}


def overlaps(attempt, *, record: bool = True) -> Verdict:
    """16.1 attempt(n, kernel, stride, padding) -> a square map of integers: how many inputs reach each output pixel.

    The input has n x n places; `padding` rows and columns are cut off on every side of what the kernels paint.
    """

    def line(n: int, kernel: int, stride: int) -> Tensor:
        counts = torch.zeros(stride * (n - 1) + kernel, dtype=torch.long)
        for place in range(n):
            counts[stride * place : stride * place + kernel] += 1
        return counts

    def square(counts: Tensor) -> Tensor:
        return counts[:, None] * counts[None, :]

    def truth(n: int, kernel: int, stride: int, padding: int) -> Tensor:
        painted = line(n, kernel, stride)
        return square(painted[padding : len(painted) - padding])

    def sides(n: int, kernel: int, stride: int, padding: int) -> Tensor:
        return truth(n, kernel, stride, padding).diagonal().sqrt().long()

    slips = (
        Slip(sides, "that is one row of counts; a picture has two directions, and their counts are multiplied."),
        Slip(lambda *case: sides(*case)[:, None] + sides(*case)[None, :], "counts of two directions are multiplied, not added."),
        Slip(lambda n, k, s, p: square(line(n, k, s)), "the padding is missing: it is cut off on every side."),
        Slip(lambda n, k, s, p: square(line(n, k, s)[p:]), "the padding is cut off on both sides, at the far end as well."),
        Slip(lambda n, k, s, p: square(line(n, k, s)[: -p or None]), "the padding is cut off on both sides: the near end too."),
        Slip(
            lambda n, k, s, p: square(torch.nn.functional.pad(line(n, k, s), (p, p))),
            "padding of a transposed convolution takes rows away: it undoes the padding of the convolution that it turns round.",
        ),
        Slip(
            lambda n, k, s, p: torch.full((s * (n - 1) + k - 2 * p,) * 2, (-(-k // s)) ** 2),
            "the size is right; but not every pixel is painted equally often: count the windows that cover it.",
        ),
        Slip(
            lambda n, k, s, p: torch.ones((s * (n - 1) + k - 2 * p,) * 2),
            "the size is right; where the kernel is wider than the stride, several inputs reach one pixel.",
        ),
        Slip(lambda *case: (truth(*case) > 1).long(), "that only says whether windows overlap; count the inputs of each pixel."),
        Slip(lambda n, k, s, p: truth(n, k, s, p) - 1, "a pixel that one input reaches counts 1, not 0."),
        Slip(
            lambda n, k, s, p: torch.ones((max(0, (n - k + 2 * p) // s + 1),) * 2),
            "an ordinary convolution has (n − kernel + 2 padding)/stride + 1 places; a transposed one grows.",
        ),
    )  # fmt: skip
    cases = [(4, 3, 2, 1), (3, 4, 2, 1), (2, 5, 3, 2), (3, 2, 2, 0)]
    return grade("16.1", attempt, truth, cases, slips, record=record)


def wrong_labels(attempt, *, record: bool = True) -> Verdict:
    """16.2 attempt(p (N,), q (N,), flipped, label) -> two best discriminators, (N,) each, at points of these densities.

    The first is learnt from labels of which the share `flipped` is turned round on both sides, the second from right labels
    where "real" is written as `label` instead of 1.
    """
    flips: tuple[tuple[Callable, str], ...] = (
        (
            lambda p, q, e: p / (p + q),
            "the flips are missing from the first: some examples called real are fake, and the reverse.",
        ),
        (
            lambda p, q, e: (1 - e) * p / (p + q),
            "in the first, fake examples that are called real are missing: flipped · q in the numerator.",
        ),
        (
            lambda p, q, e: (1 - e) * p / ((1 - e) * p + e * q),
            "the denominator of the first is the density of all examples at x, whatever they are called: p + q.",
        ),
        (lambda p, q, e: ((1 - e) * q + e * p) / (p + q), "the first is turned round: that is the share of those called fake."),
        (
            lambda p, q, e: (e * p + (1 - e) * q) / ((1 - e) * p + e * q),
            "the first is a ratio of odds; a share of all is wanted.",
        ),
    )
    smooths: tuple[tuple[Callable, str], ...] = (
        (lambda p, q, a: p / (p + q), "the label is missing from the second: the loss now asks for `label` on real examples."),
        (
            lambda p, q, a: a * p / (a * p + q),
            "the second does not weigh real examples by the label: both terms of the loss stay, −a log D − (1 − a) log(1 − D).",
        ),
        (
            lambda p, q, a: (a * p + (1 - a) * q) / (p + q),
            "in the second only real labels are smoothed (one-sided): a fake example is still called 0.",
        ),
        (lambda p, q, a: (p - (1 - a)) / (p + q), "the second multiplies p by the label; nothing is subtracted."),
        (lambda p, q, a: (p / (p + q)).clamp(max=a), "the second does not cut D off at the label; D is scaled by the label."),
        (lambda p, q, a: q / (p + q) * a, "the second is turned round: D is high where real examples are dense."),
    )  # fmt: skip

    def first(p: Tensor, q: Tensor, flipped: float) -> Tensor:
        return ((1 - flipped) * p + flipped * q) / (p + q)

    def second(p: Tensor, q: Tensor, label: float) -> Tensor:
        return label * p / (p + q)

    def both(f: Callable, g: Callable) -> Callable:
        return lambda p, q, flipped, label: (f(p, q, flipped), g(p, q, label))

    slips = [Slip(lambda p, q, flipped, label: (second(p, q, label), first(p, q, flipped)), "the two have changed places.")]
    slips += [Slip(both(wrong, second), hint) for wrong, hint in flips]
    slips += [Slip(both(first, wrong), hint) for wrong, hint in smooths]
    slips += [Slip(both(f, g), f"{a} And {b}") for (f, a), (g, b) in itertools.product(flips, smooths)]
    g = runtime.generator(0)
    p, q = (torch.rand(6, generator=g) + 0.05 for _ in "pq")
    p[0] = q[1] = 0.0  # only fakes come here; only real ones
    return grade("16.2", attempt, both(first, second), [(p, q, 0.05, 0.9), (q, p, 0.2, 0.7)], slips, record=record)


def spectral_norm(attempt, *, record: bool = True) -> Verdict:
    """16.3 attempt(W (m, n), v (n,), rounds) -> the largest singular value of W, (); v is where the iteration begins."""

    def values(W: Tensor, v: Tensor, rounds: int) -> Tensor:
        return torch.linalg.svdvals(W.double())

    def rounds_done(W: Tensor, v: Tensor, rounds: int) -> Tensor:
        v = v.double()
        for _ in range(rounds):
            v = W.double().T @ (W.double() @ v)
            v = v / v.norm()
        return v

    def overflowing(W: Tensor, v: Tensor, rounds: int) -> Tensor:
        for _ in range(rounds):
            v = W.T @ (W @ v)
        return (W @ v).norm() / v.norm()

    slips = (
        Slip(lambda *case: values(*case)[0] ** 2, "that is its square: WᵀW stretches by σ², so take a root, or ‖Wv‖."),
        Slip(lambda *case: values(*case).square().sum().sqrt(), "that is the Frobenius norm, the root of all squared entries."),
        Slip(lambda *case: values(*case)[-1], "that is the smallest singular value: the iteration must amplify, not shrink."),
        Slip(lambda *case: values(*case).sum(), "that is the sum of the singular values; the largest alone is wanted."),
        Slip(lambda W, v, r: W.abs().sum(1).amax(), "that is the largest sum of a row, which bounds another norm."),
        Slip(lambda W, v, r: W.abs().amax(), "that is the largest entry; a unit vector is stretched by more."),
        Slip(lambda *case: rounds_done(*case), "that is the direction; return by how much W stretches it, ‖Wv‖."),
        Slip(lambda W, v, r: (W @ v).norm() / v.norm(), "that is the stretch of the first vector: repeat v ← WᵀWv/‖WᵀWv‖."),
        Slip(
            lambda W, v, r: (W.double() @ rounds_done(W, v, 1)).norm(),
            "that is the result after one round: repeat as many times as `rounds` says.",
        ),
        Slip(overflowing, "divide by the norm in every round: without that, the vector overflows or vanishes after some rounds."),
    )  # fmt: skip
    cases = []
    for seed, (m, n), scale in ((1, (5, 3), 2.0), (2, (4, 6), 30.0)):
        g = runtime.generator(seed)
        cases.append((scale * torch.randn(m, n, generator=g), torch.randn(n, generator=g), 200))
    return grade("16.3", attempt, lambda *case: values(*case)[0], cases, slips, record=record)


def truncated_norm(attempt, *, record: bool = True) -> Verdict:
    """16.4 attempt(L, t) -> the root of the mean squared norm of z with L coordinates, each standard normal within -t … t."""

    def bell(t: float) -> float:
        return math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)

    def inside(t: float) -> float:  # the share of a standard normal variable within -t … t
        return math.erf(t / math.sqrt(2))

    def variance(t: float) -> float:
        return 1 - 2 * t * bell(t) / inside(t)

    def clamped(t: float) -> float:
        return inside(t) - 2 * t * bell(t) + t**2 * (1 - inside(t))

    slips = (
        Slip(lambda L, t: L * variance(t), "that is the mean squared norm; take its root."),
        Slip(lambda L, t: math.sqrt(variance(t)), "that is one coordinate's; squares of L coordinates are added."),
        Slip(lambda L, t: L * math.sqrt(variance(t)), "squares add up, not lengths: the norm grows with the root of L."),
        Slip(lambda L, t: math.sqrt(L), "that is the norm without truncation."),
        Slip(lambda L, t: math.sqrt(L) * variance(t), "take the root of the variance of a coordinate as well."),
        Slip(
            lambda L, t: math.sqrt(L * clamped(t)),
            "that is noise clamped to the limits, which piles up there; here what lies outside is drawn again.",
        ),
        Slip(
            lambda L, t: math.sqrt(L * (inside(t) - 2 * t * bell(t))),
            "divide by the probability of lying within the limits: what lies outside is drawn again, and never counted.",
        ),
        Slip(
            lambda L, t: math.sqrt(L * max(0.0, 1 - 2 * t * bell(t) / ((1 + inside(t)) / 2))),
            "the probability within −t … t is 2Φ(t) − 1, not Φ(t).",
        ),
        Slip(lambda L, t: math.sqrt(L * (1 - t * bell(t) / inside(t))), "both limits count: 2 t φ(t)."),
        Slip(lambda L, t: math.sqrt(L * (1 - 2 * t * bell(t) / math.erf(t))), "the limits have the probability erf(t/√2)."),
        Slip(lambda L, t: math.sqrt(L * (2 - variance(t))), "the sign: what is cut off makes the norm smaller."),
        Slip(lambda L, t: min(math.sqrt(L), t), "the limit holds for each coordinate, not for the norm."),
        Slip(lambda L, t: math.sqrt(L) * t, "that is the largest norm there can be, at a corner of the box."),
        Slip(lambda L, t: math.sqrt(L) * t / math.sqrt(3), "within the limits the noise is still Gaussian, not uniform."),
    )
    return grade("16.4", attempt, lambda L, t: math.sqrt(L * variance(t)), [(64, 1.0), (64, 2.0), (9, 0.5)], slips, record=record)


def birthday(attempt, *, record: bool = True) -> Verdict:
    """16.5 attempt(drawn (R, n) integers) -> the estimated number of different pictures: the mean of s(s − 1)/2 over R rows.

    drawn: the name of each picture drawn, R times n in a row; s is the number of pictures drawn up to the first duplicate,
    which is counted. In every row there is one.
    """

    def firsts(drawn: Tensor) -> Tensor:
        rows = drawn.tolist()
        return torch.tensor([next(s for s in range(2, len(row) + 1) if len(set(row[:s])) < s) for row in rows]).double()

    def beginnings(drawn: Tensor) -> Tensor:  # the place of the earlier of the two, from 1
        ends = firsts(drawn).long()
        return torch.tensor([row.index(row[int(s) - 1]) + 1 for row, s in zip(drawn.tolist(), ends, strict=True)]).double()

    def estimate(s: Tensor) -> Tensor:
        return (s * (s - 1) / 2).mean()

    slips = (
        Slip(lambda d: estimate(firsts(d).mean()), "average s(s − 1)/2, not s: a mean of squares is no square of a mean."),
        Slip(lambda d: estimate(firsts(d) - 1), "count the duplicate itself as well: s is one more than its index from 0."),
        Slip(lambda d: estimate(firsts(d) + 1), "you count one picture too many: the duplicate is the last one counted."),
        Slip(lambda d: (firsts(d) * (firsts(d) - 1)).mean(), "each pair is counted twice: s pictures have s(s − 1)/2 pairs."),
        Slip(lambda d: firsts(d).square().mean(), "s² is the order of magnitude only; count the pairs, s(s − 1)/2."),
        Slip(lambda d: firsts(d).square().mean() / 2, "s pictures have s(s − 1)/2 pairs: none is a pair with itself."),
        Slip(lambda d: firsts(d).mean(), "that is how many pictures one must draw; its *square* goes with the number there is."),
        Slip(lambda d: estimate(firsts(d)) * len(d), "take the mean over the rows, not the sum."),
        Slip(lambda d: estimate(firsts(d)[0]), "that is the first row alone; take the mean over all rows."),
        Slip(lambda d: estimate(beginnings(d)), "that is where the picture came first; s counts up to where it comes again."),
        Slip(lambda d: len(d.unique()), "that counts the pictures you happened to see; there may be many more."),
    )  # fmt: skip
    cases = [(torch.randint(0, N, (R, 60), generator=runtime.generator(N)),) for N, R in ((40, 5), (90, 7))]
    return grade("16.5", attempt, lambda drawn: estimate(firsts(drawn)), cases, slips, record=record)
