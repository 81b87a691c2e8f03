"""Exercises of lesson 14, hierarchical models: a product of Gaussians, warm-up, the nearest code, gradients straight through."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import DiagonalGaussian, precision_weighted
from course_lib.models.latent.vector_quantised import nearest

EXERCISES = {
    "14.1": "the product of two Gaussians",
    "14.2": "the loss while warming up",
    "14.3": "the nearest code",
    "14.4": "straight through",
}


def product_of_gaussians(attempt, *, record: bool = True) -> Verdict:
    """14.1 attempt(m1, s1, m2, s2) -> (mean, scale) of N(m1, s1^2) N(m2, s2^2), renormalised; all four of one shape."""

    def product(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> tuple[Tensor, Tensor]:
        found = precision_weighted(DiagonalGaussian(m1, s1.log()), DiagonalGaussian(m2, s2.log()))
        return found.mean, found.scale

    def weighted(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor, power: float) -> tuple[Tensor, Tensor]:
        w1, w2 = s1**power, s2**power
        return (w1 * m1 + w2 * m2) / (w1 + w2), product(m1, s1, m2, s2)[1]

    slips = (
        Slip(lambda *case: product(*case)[::-1], "the two have changed places: first the mean, then the scale."),
        Slip(lambda *case: weighted(*case, 2), "the weights are reversed: the surer one, of small scale, counts more."),
        Slip(lambda *case: weighted(*case, -1), "weigh the means by precisions, 1 / s^2; these are weights of 1 / s."),
        Slip(
            lambda m1, s1, m2, s2: ((m1 / s1 + m2 / s2) / (1 / s1 + 1 / s2), 1 / (1 / s1 + 1 / s2)),
            "precisions are 1 / s^2, in the mean and in the scale; these are 1 / s.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (product(m1, s1, m2, s2)[0], 1 / (1 / s1 + 1 / s2)),
            "the mean is right; what adds are the precisions 1 / s^2, not 1 / s: the scale is 1 / the root of their sum.",
        ),
        Slip(lambda *case: weighted(*case, 0), "that mean is half way: weigh the two means by their precisions 1 / s^2."),
        Slip(
            lambda m1, s1, m2, s2: (product(m1, s1, m2, s2)[0], product(m1, s1, m2, s2)[1] ** 2),
            "the mean is right; the second is a variance: take the root.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (product(m1, s1, m2, s2)[0], product(m1, s1, m2, s2)[1] ** -2),
            "the mean is right; the second is the precision: the scale is 1 / its root.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (product(m1, s1, m2, s2)[0], (s1**2 + s2**2).sqrt()),
            "the mean is right; variances add for a sum of variables. For a product of densities, precisions add.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (m1 * s2 + m2 * s1, (s1**2 + s2**2).sqrt()),
            "that is a product of variables; the two *densities* are multiplied.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (m1 * m2, s1 * s2),
            "multiply the two *densities*, not their means and scales: exponents are added.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (m1 + m2, (s1**2 + s2**2).sqrt()),
            "that is the distribution of a sum of variables; here two densities of one z are multiplied.",
        ),
        Slip(
            lambda m1, s1, m2, s2: (m1 / s1**2 + m2 / s2**2, product(m1, s1, m2, s2)[1]),
            "the scale is right; a weighted mean is divided by the sum of its weights, the precisions.",
        ),
    )
    g = runtime.generator(0)
    cases = [tuple(torch.randn(3, generator=g).exp() if i % 2 else torch.randn(3, generator=g) for i in range(4)) for _ in "ab"]
    return grade("14.1", attempt, product, cases, slips, record=record)


def warm_up_loss(attempt, *, record: bool = True) -> Verdict:
    """14.2 attempt(log_likelihood (B,), kl (B, L), step, warm_up) -> the loss (): the KL counts step / warm_up, at most 1."""

    def loss(log_likelihood: Tensor, kl: Tensor, step: int, warm_up: int, *, most: float = 1.0) -> Tensor:
        return (min(most, step / warm_up) * kl.sum(1) - log_likelihood).mean()

    slips = (
        Slip(lambda *case: loss(*case, most=float("inf")), "right while it warms up; after that the weight stays at 1."),
        Slip(
            lambda ll, kl, step, warm_up: loss(ll, kl, step // warm_up, 1),
            "the weight jumps from 0 to 1: divide by /, not by //.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: loss(ll, kl, warm_up, warm_up),
            "here the KL has its full weight from the first step on.",
        ),
        Slip(lambda ll, kl, step, warm_up: loss(ll, kl, warm_up, step), "step / warm_up, not the other way round."),
        Slip(
            lambda ll, kl, step, warm_up: loss(ll, kl, max(step, warm_up), warm_up, most=float("inf")),
            "the weight is at most 1: min, not max.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: loss(ll, kl, step, warm_up) + 2 * ll.mean(), "the likelihood is to become large: minus."
        ),
        Slip(
            lambda ll, kl, step, warm_up: min(1.0, step / warm_up) * kl.mean() - ll.mean(),
            "nats of levels add up: sum over the levels, the mean over the examples only.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: min(1.0, step / warm_up) * kl.sum() - ll.mean(),
            "the KL is summed over the examples too: sum over the levels, the mean over the examples.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: (min(1.0, step / warm_up) * kl.sum(1) - ll).sum(),
            "that is the sum over the examples; the loss is their mean.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: min(1.0, step / warm_up) * kl.sum(1) - ll,
            "one number for each example; the loss is their mean.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: (min(1.0, step / warm_up) * (kl.sum(1) - ll)).mean(),
            "the weight belongs to the KL alone; the likelihood always has weight 1.",
        ),
        Slip(
            lambda ll, kl, step, warm_up: (max(0.0, 1 - step / warm_up) * kl.sum(1) - ll).mean(),
            "the weight runs the wrong way: it begins at 0 and grows to 1.",
        ),
    )
    g = runtime.generator(1)
    cases = [(-90 * torch.rand(4, generator=g), 9 * torch.rand(4, 3, generator=g), step, 1000) for step in (250, 700, 3000)]
    return grade("14.2", attempt, loss, cases, slips, record=record)


def nearest_code(attempt, *, record: bool = True) -> Verdict:
    """14.3 attempt(points (N, C), codebook (K, C)) -> (N,) integers: which entry lies nearest to each point."""

    def distances(points: Tensor, codebook: Tensor) -> Tensor:
        return (points[:, None] - codebook).square().sum(-1)  # (N, K)

    slips = (
        Slip(lambda p, c: distances(p, c).argmax(1), "those are the farthest entries."),
        Slip(lambda p, c: (c.square().sum(1) + 2 * p @ c.T).argmin(1), "the middle term of the square comes with a minus."),
        Slip(lambda p, c: (c.square().sum(1) - p @ c.T).argmin(1), "the middle term of the square is twice the product."),
        Slip(lambda p, c: (p @ c.T).argmax(1), "a large product is not a small distance: |e|^2 counts too."),
        Slip(lambda p, c: (p @ c.T).argmin(1), "that is the smallest product; expand |p - e|^2 and see what is missing."),
        Slip(lambda p, c: distances(p, c).argmin(0), "for each entry the nearest point: the minimum goes over the other axis."),
        Slip(lambda p, c: c[nearest(p, c)], "those are the entries themselves; their indices are asked for."),
        Slip(lambda p, c: torch.cdist(p, c, p=1).argmin(1), "nearest by the sum of absolute differences; squares are asked for."),
        Slip(lambda p, c: (p @ c.T / c.norm(dim=1)).argmax(1), "that is the smallest angle; lengths count in a distance too."),
        Slip(lambda p, c: distances(p, c).min(1).values, "those are the distances; which entry it is, is asked: argmin."),
        Slip(lambda p, c: distances(p, c).min(1).values.sqrt(), "those are the distances; which entry it is, is asked: argmin."),
    )
    g = runtime.generator(2)
    cases = [(torch.randn(6, C, generator=g), 1.5 * torch.randn(K, C, generator=g)) for C, K in ((2, 4), (3, 5), (2, 6))]
    near = torch.tensor([[1.9, 2.9], [1.0, 3.5], [4.0, 5.0]])  # by absolute differences the second is nearer than the first
    cases.append((torch.tensor([[1.0, 2.0]]), near))
    return grade("14.3", attempt, nearest, cases, slips, record=record)


def straight_through(attempt, *, record: bool = True) -> Verdict:
    """14.4 attempt(vectors, entries) -> the entries; the gradient of a loss at them goes to the vectors alone, unchanged."""

    def probed(function: Callable) -> Callable:
        """The value, and the parts of a gradient (1, 2, 3, …) that reach the vectors and the entries."""

        def value_and_gradients(vectors: Tensor, entries: Tensor):
            of = vectors.clone().requires_grad_(True), entries.clone().requires_grad_(True)
            value = function(*of)
            if not isinstance(value, Tensor):
                return value
            reached = (None, None)
            if value.requires_grad and value.shape == vectors.shape:
                reached = torch.autograd.grad(value, of, _counting(vectors), allow_unused=True)
            return value.detach(), *(torch.zeros_like(vectors) if slope is None else slope for slope in reached)

        return value_and_gradients

    hints = (  # an answer, and the hint for all answers with its value and its gradients
        (lambda v, e: e, "the value is right, but no gradient reaches the vectors: they must take part."),
        (lambda v, e: e.detach(), "the value is right, but no gradient reaches the vectors: they must take part."),
        (lambda v, e: v + e - v.detach(), "right for the vectors, but the entries get the gradient too: detach them as well."),
        (lambda v, e: v, "the gradient is right, but the value is that of the vectors; what must be detached?"),
        (lambda v, e: v.detach(), "those are the vectors, detached: neither the value nor the gradient is right."),
        (
            lambda v, e: e + (v - e).detach(),
            "the two have changed places: that has the value of the vectors, and the entries get the gradient.",
        ),
        (lambda v, e: v - (e - v).detach(), "the sign of the detached difference is turned round: entries less vectors."),
        (
            lambda v, e: 2 * v + (e - 2 * v).detach(),
            "the value is right, but the gradient comes twice: one of the two must be detached.",
        ),
        (
            lambda v, e: (e + v).detach() - v,
            "the value is right, but the gradient comes with a minus: the vectors must be added.",
        ),
        (lambda v, e: v.detach() + e - v, "the value is right, but the gradient comes with a minus: the vectors must be added."),
        (lambda v, e: v + e, "take the vectors away again, detached."),
        (lambda v, e: v + e.detach(), "take the vectors away again, detached."),
    )
    g = runtime.generator(3)
    cases = [(torch.randn(*shape, generator=g), torch.randn(*shape, generator=g)) for shape in ((3,), (2, 4))]
    slips = [Slip(wrong, hint) for wrong, hint in hints]
    return grade("14.4", attempt, lambda v, e: v + (e - v).detach(), cases, slips, probe=probed, record=record)


def _counting(like: Tensor) -> Tensor:
    return torch.arange(1.0, like.numel() + 1).reshape(like.shape)
