"""Lesson 26: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame

from course_lib.checks import lesson_26 as check
from course_lib.models.energy.rbm import RBM


def right_kind(model):
    if hasattr(model, "log_prob"):
        return "exact"
    if hasattr(model, "elbo"):
        return "bound"
    if hasattr(model, "gibbs_step"):
        return "exact" if min(model.hidden, math.prod(model.event_shape)) <= 20 else "estimate"
    return "cannot"


def right_pair(a, b):
    gap = (a - b).double()
    mean = sum(gap.tolist()) / len(gap)
    return mean, math.sqrt(sum((g - mean) ** 2 for g in gap.tolist()) / (len(gap) - 1) / len(gap))


def right_orders(low, high):
    return [[bool(high[i] < low[j]) for j in range(len(low))] for i in range(len(low))]


def right_front(costs):
    rows = costs.tolist()
    return [not any(a <= c and b <= d and (a, b) != (c, d) for a, b in rows) for c, d in rows]


def right_guesser(seen, fooled, n):
    p = 0.5 * seen + 0.5 * (1 - fooled)
    return [p, (p * (1 - p) / n) ** 0.5]


RIGHT = {
    check.kind: right_kind, check.paired: right_pair, check.orders: right_orders, check.front: right_front,
    check.guesser: right_guesser,
}  # fmt: skip


def with_kind(**other):
    """The right kinds, but for machines (small, large) and models without any density (rest)."""

    def answer(model):
        said = right_kind(model)
        if isinstance(model, RBM):
            return other.get("small" if said == "exact" else "large", said)
        return other.get(said, said)

    return answer


def unpaired(a, b):
    return (a - b).mean(), (a.var() / len(a) + b.var() / len(b)).sqrt()


def strictly(costs):
    rows = costs.tolist()
    return [not any(a < c and b < d for a, b in rows) for c, d in rows]


def without_ties(costs):
    rows = costs.tolist()
    return [not any(a <= c and b <= d and i != j for i, (a, b) in enumerate(rows)) for j, (c, d) in enumerate(rows)]


def score(seen, fooled):
    return (seen + 1 - fooled) / 2


SLIPS = [
    (check.orders, lambda low, high: (high[:, None] < low) | (low[:, None] > high), "every pair that is decided"),
    (check.paired, lambda a, b: ((a - b).abs().mean(), (a - b).std() / math.sqrt(len(a))), "no absolute values"),
    (check.front, lambda c: ~((c[:, None] <= c).any(-1) & (c[:, None] < c).any(-1)).any(0), "all, not any"),
    (check.guesser, lambda s, f, n: (s, math.sqrt(s * (1 - s) / n)), "half of the digits"),
    (check.kind, with_kind(small="estimate"), "sums all states"),
    (check.kind, with_kind(large="exact"), "log Z is annealed"),
    (check.kind, with_kind(small="cannot", large="cannot"), "summed or annealed"),
    (check.kind, with_kind(large="cannot"), "that is an estimate"),
    (check.kind, with_kind(bound="exact"), "however many draws"),
    (check.kind, with_kind(cannot="estimate"), "samples alone"),
    (check.kind, with_kind(cannot="bound"), "needs `elbo`"),
    (check.kind, lambda model: "exact", "only an ExplicitModel"),
    (check.paired, unpaired, "both saw the same"),
    (check.paired, lambda a, b: ((a - b).mean(), (a - b).std()), "divided by √N"),
    (check.paired, lambda a, b: ((a - b).mean(), (a - b).std() / len(a)), "root of N"),
    (check.paired, lambda a, b: ((a - b).mean(), (a - b).var() / len(a) ** 0.5), "standard deviation belongs"),
    (check.paired, lambda a, b: ((b - a).mean(), (a - b).std() / len(a) ** 0.5), "turned around"),
    (check.paired, lambda a, b: ((a - b).sum(), (a - b).std() / len(a) ** 0.5), "their mean"),
    (check.paired, lambda a, b: ((a - b).mean(), (a + b).std() / len(a) ** 0.5), "error of the sum"),
    (check.paired, lambda a, b: ((a - b).mean(), (a - b).std(correction=0) / len(a) ** 0.5), "N − 1"),
    (check.orders, lambda low, high: high < low[:, None], "changed places"),
    (check.orders, lambda low, high: high[:, None] < high, "upper ends"),
    (check.orders, lambda low, high: low[:, None] < low, "lower ends"),
    (check.orders, lambda low, high: (low + high)[:, None] < low + high, "whole ranges"),
    (check.orders, lambda low, high: low[:, None] < high, "may be better"),
    (check.orders, lambda low, high: high[:, None] <= low, "touch"),
    (check.front, strictly, "as good in one"),
    (check.front, without_ties, "equal models"),
    (check.front, lambda costs: (costs == costs.min(0).values).any(1), "single columns"),
    (check.front, lambda costs: ~torch.tensor(right_front(costs)), "dominated ones"),
    (check.front, lambda costs: right_front(-costs), "front of the worst"),
    (check.front, lambda costs: right_front(costs * torch.tensor([1.0, -1.0])), "second column"),
    (check.guesser, lambda s, f, n: right_guesser(s, 1 - f, n), "*not* called real"),
    (check.guesser, lambda s, f, n: (s, right_guesser(s, f, n)[1]), "they count, too"),
    (check.guesser, lambda s, f, n: (s * (1 - f), right_guesser(s, f, n)[1]), "right twice"),
    (check.guesser, lambda s, f, n: (s + 1 - f, right_guesser(s, f, n)[1]), "divide by 2"),
    (check.guesser, lambda s, f, n: (score(s, f), right_guesser(s, f, n)[1] ** 2), "its root"),
    (check.guesser, lambda s, f, n: (score(s, f), right_guesser(s, f, 1)[1]), "steadier by √n"),
    (check.guesser, lambda s, f, n: (score(s, f), (score(s, f) / n) ** 0.5), "p(1 − p)"),
    (check.guesser, lambda s, f, n: (score(s, f), ((s * (1 - s) + f * (1 - f)) / 2 / n) ** 0.5), "a coin decides"),
]  # fmt: skip

TestLesson26 = frame(check, RIGHT, SLIPS)


def test_doubles_and_numpy_pass():
    assert check.paired(lambda a, b: right_pair(a.double(), b.double()), record=False).status == "right"
    assert check.front(lambda costs: torch.tensor(right_front(costs)).numpy(), record=False).status == "right"
