"""Lesson 14: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_14 as check


def right_product(m1, s1, m2, s2):
    variance = 1 / (1 / s1**2 + 1 / s2**2)
    return variance * (m1 / s1**2 + m2 / s2**2), variance**0.5


def right_loss(log_likelihood, kl, step, warm_up):
    weight = step / warm_up if step < warm_up else 1
    return weight * kl.mean(0).sum() - log_likelihood.mean()


def right_nearest(points, codebook):
    return torch.cdist(points, codebook).argmin(1)


def right_straight(vectors, entries):
    return vectors + (entries - vectors).detach()


RIGHT = {
    check.product_of_gaussians: right_product,
    check.warm_up_loss: right_loss,
    check.nearest_code: right_nearest,
    check.straight_through: right_straight,
}


def mean_by(weigh):
    def wrong(m1, s1, m2, s2):
        w1, w2 = weigh(s1), weigh(s2)
        return (w1 * m1 + w2 * m2) / (w1 + w2), right_product(m1, s1, m2, s2)[1]

    return wrong


def scale_by(make):
    return lambda m1, s1, m2, s2: (right_product(m1, s1, m2, s2)[0], make(s1, s2))


SLIPS = [
    (
        check.product_of_gaussians,
        lambda m1, s1, m2, s2: ((m1 / s1 + m2 / s2) / (1 / s1 + 1 / s2), s1 * s2 / (s1 + s2)),
        "in the mean and in the scale",
    ),
    (
        check.product_of_gaussians,
        lambda m1, s1, m2, s2: ((m1 * s2**2 + m2 * s1**2) / (s1**2 + s2**2), s1 * s2 / (s1 + s2)),
        "what adds are the precisions",
    ),
    (check.product_of_gaussians, mean_by(lambda s: s**2), "weights are reversed"),
    (check.product_of_gaussians, mean_by(lambda s: 1 / s), "weights of 1 / s."),
    (check.product_of_gaussians, mean_by(lambda s: 1), "half way"),
    (check.product_of_gaussians, scale_by(lambda s1, s2: 1 / (1 / s1**2 + 1 / s2**2)), "take the root"),
    (check.product_of_gaussians, scale_by(lambda s1, s2: 1 / s1**2 + 1 / s2**2), "second is the precision"),
    (check.product_of_gaussians, scale_by(lambda s1, s2: (s1**2 + s2**2) ** 0.5), "variances add"),
    (check.product_of_gaussians, lambda m1, s1, m2, s2: (m1 * s2 + m2 * s1, (s1**2 + s2**2) ** 0.5), "product of variables"),
    (check.product_of_gaussians, lambda m1, s1, m2, s2: (m1 * m2, s1 * s2), "exponents are added"),
    (check.product_of_gaussians, lambda m1, s1, m2, s2: (m1 + m2, (s1**2 + s2**2) ** 0.5), "sum of variables"),
    (
        check.product_of_gaussians,
        lambda m1, s1, m2, s2: (m1 / s1**2 + m2 / s2**2, right_product(m1, s1, m2, s2)[1]),
        "sum of its weights",
    ),
    (check.warm_up_loss, lambda ll, kl, s, w: min(1, s / w) * kl.sum() - ll.mean(), "over the examples too"),
    (check.nearest_code, lambda p, c: ((c**2).sum(1) + 2 * p @ c.T).argmin(1), "with a minus"),
    (check.warm_up_loss, lambda ll, kl, s, w: (s / w * kl.sum(1) - ll).mean(), "stays at 1"),
    (check.warm_up_loss, lambda ll, kl, s, w: (kl.sum(1) - ll).mean(), "from the first step"),
    (check.warm_up_loss, lambda ll, kl, s, w: (min(1, s / w) * kl.sum(1) + ll).mean(), "to become large"),
    (check.warm_up_loss, lambda ll, kl, s, w: (min(1, s / w) * kl.mean(1) - ll).mean(), "sum over the levels"),
    (check.warm_up_loss, lambda ll, kl, s, w: (min(1, s / w) * kl.sum(1) - ll).sum(), "sum over the examples"),
    (check.warm_up_loss, lambda ll, kl, s, w: min(1, s / w) * kl.sum(1) - ll, "one number for each"),
    (check.warm_up_loss, lambda ll, kl, s, w: min(1, s / w) * (kl.sum(1) - ll).mean(), "the KL alone"),
    (check.warm_up_loss, lambda ll, kl, s, w: (max(0, 1 - s / w) * kl.sum(1) - ll).mean(), "wrong way"),
    (check.nearest_code, lambda p, c: torch.cdist(p, c).argmax(1), "farthest"),
    (check.nearest_code, lambda p, c: ((c**2).sum(1) - p @ c.T).argmin(1), "twice the product"),
    (check.product_of_gaussians, lambda *case: right_product(*case)[::-1], "changed places"),
    (check.warm_up_loss, lambda ll, kl, s, w: (max(1, s / w) * kl.sum(1) - ll).mean(), "min, not max"),
    (check.warm_up_loss, lambda ll, kl, s, w: (min(1, w / s) * kl.sum(1) - ll).mean(), "other way round"),
    (check.warm_up_loss, lambda ll, kl, s, w: (min(1, s // w) * kl.sum(1) - ll).mean(), "not by //"),
    (check.nearest_code, lambda p, c: (p @ c.T).argmax(1), "not a small distance"),
    (check.nearest_code, lambda p, c: (p @ c.T).argmin(1), "smallest product"),
    (check.nearest_code, lambda p, c: torch.cdist(p, c).argmin(0), "other axis"),
    (check.nearest_code, lambda p, c: torch.cdist(p, c, p=1).argmin(1), "absolute differences"),
    (check.nearest_code, lambda p, c: torch.cosine_similarity(p[:, None], c, dim=-1).argmax(1), "smallest angle"),
    (check.nearest_code, lambda p, c: c[right_nearest(p, c)], "entries themselves"),
    (check.nearest_code, lambda p, c: torch.cdist(p, c).amin(1), "those are the distances"),
    (check.nearest_code, lambda p, c: torch.cdist(p, c).amin(1) ** 2, "those are the distances"),
    (check.straight_through, lambda v, e: e, "no gradient reaches"),
    (check.straight_through, lambda v, e: v + (e - v.detach()).detach() * 0, "what must be detached"),
    (check.straight_through, lambda v, e: v + (e - v), "no gradient reaches"),
    (check.straight_through, lambda v, e: v + e - v.detach(), "detach them as well"),
    (check.straight_through, lambda v, e: e + (v - e).detach(), "changed places"),
    (check.straight_through, lambda v, e: v.detach() + e - v, "comes with a minus"),
    (check.straight_through, lambda v, e: v.detach(), "neither the value"),
    (check.straight_through, lambda v, e: v - (e - v).detach(), "sign of the detached"),
    (check.straight_through, lambda v, e: 2 * v + (e - 2 * v).detach(), "comes twice"),
    (check.straight_through, lambda v, e: (e + v).detach() - v, "comes with a minus"),
    (check.straight_through, lambda v, e: v + e, "take the vectors away"),
]

TestLesson14 = frame(check, RIGHT, SLIPS)
