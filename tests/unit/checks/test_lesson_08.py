"""Lesson 08: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_08 as check


def right_clip(g, limit):
    return limit * g / g.norm() if g.norm() > limit else g


def right_lstm(a, c, f=1, i=0):
    gate = a.sigmoid()
    new = gate[f] * c + gate[i] * a[2].tanh()
    return torch.stack([gate[3] * new.tanh(), new])


def right_gru(w, u, h):
    r, z = (w[:2] + u[:2]).sigmoid()
    return h * z + (w[2] + r * u[2]).tanh() * (1 - z)


def right_nucleus(probs, top_p):
    kept, total = torch.zeros_like(probs), 0.0
    for k in probs.argsort(descending=True):
        if total < top_p:
            kept[k], total = probs[k], total + probs[k]
    return kept / kept.sum()


RIGHT = {check.clip: right_clip, check.lstm_step: right_lstm, check.gru_step: right_gru, check.nucleus: right_nucleus}


def with_gates(i, f, g, o, c):
    new = f * c + i * g
    return torch.stack([o * new.tanh(), new])


def bare_memory(a, c):
    new = right_lstm(a, c)[1]
    return torch.stack([a[3].sigmoid() * new, new])


def old_memory(a, c):
    new = right_lstm(a, c)[1]
    return torch.stack([a[3].sigmoid() * c.tanh(), new])


def gru_with(n):
    def step(w, u, h):
        r, z = (w[:2] + u[:2]).sigmoid()
        return z * h + (1 - z) * n(r, w[2], u[2])

    return step


def swapped(w, u, h):
    r, z = (w[:2] + u[:2]).sigmoid()
    return (1 - z) * h + z * (w[2] + r * u[2]).tanh()


def never_given_up(w, u, h):
    r, z = (w[:2] + u[:2]).sigmoid()
    return h + z * (w[2] + r * u[2]).tanh()


def tanh_gates(w, u, h):
    r, z = (w[:2] + u[:2]).tanh()
    return z * h + (1 - z) * (w[2] + r * u[2]).tanh()


def not_divided(probs, top_p):
    return probs * (right_nucleus(probs, top_p) > 0)


def one_too_few(probs, top_p):
    order = probs.argsort(descending=True)
    kept = torch.zeros_like(probs)
    kept[order[probs[order].cumsum(0) <= top_p]] = 1
    return probs * kept / (probs * kept).sum()


def sorted_twice(probs, top_p):
    v, order = probs.sort(descending=True)
    v = v * (v.cumsum(0) - v < top_p)
    return (v / v.sum())[order]


def unsorted(probs, top_p):
    inside = torch.cat([torch.zeros(1), probs.cumsum(0)[:-1]]) < top_p
    return probs * inside / (probs * inside).sum()


def above(probs, threshold):
    return probs * (probs >= threshold) / (probs * (probs >= threshold)).sum()


def even(probs, top_p):
    inside = (right_nucleus(probs, top_p) > 0).float()
    return inside / inside.sum()


def sums_of_sigmoids(w, u, h):
    r, z = w[:2].sigmoid() + u[:2].sigmoid()
    return z * h + (1 - z) * (w[2] + r * u[2]).tanh()


def ascending(probs, top_p):
    v, order = probs.sort()
    v = v * (v.cumsum(0) - v < top_p)
    return torch.zeros_like(probs).index_put((order,), v / v.sum())


s, t = torch.sigmoid, torch.tanh
WRONG = [
    (check.clip, lambda g, limit: g * min(1, limit / g.square().mean().sqrt()), "not of their mean"),
    (check.lstm_step, lambda a, c: with_gates(s(a[0]), 1.0, t(a[2]), s(a[3]), c), "forget gate plays no part"),
    (check.lstm_step, lambda a, c: with_gates(s(a[0]), s(a[1]), t(a[2]), 1.0, c), "output gate plays no part"),
    (check.lstm_step, lambda a, c: torch.stack([s(a[3]) * s(right_lstm(a, c)[1]), right_lstm(a, c)[1]]), "through tanh, not"),
    (check.gru_step, lambda w, u, h: right_gru(w, torch.stack([u[0], u[1], u[2] * h]), h), "without another h"),
    (check.gru_step, lambda w, u, h: right_gru(w, u * torch.tensor([[0.0], [0.0], [1.0]]), h), "the input alone"),
    (check.gru_step, sums_of_sigmoids, "add first"),
    (check.gru_step, gru_with(lambda r, w, u: s(w + r * u)), "not through a sigmoid"),
    (check.nucleus, ascending, "descending=True"),
    (check.nucleus, lambda p, top: not_divided(p, top).softmax(0), "a softmax takes logits"),
    (check.clip, lambda g, limit: g.clamp(min=-limit, max=limit), "turns the direction"),
    (check.clip, lambda g, limit: torch.minimum(g, torch.tensor(limit)), "only numbers above"),
    (check.clip, lambda g, limit: g / g.norm(), "length 1 now"),
    (check.clip, lambda g, limit: limit * g / g.norm(), "made longer"),
    (check.clip, lambda g, limit: g * min(1, limit / g.dot(g)), "sum of squares"),
    (check.clip, lambda g, limit: g / max(1, g.abs().max() / limit), "largest entry"),
    (check.clip, lambda g, limit: g / max(1, g.abs().sum() / limit), "not the sum"),
    (check.clip, lambda g, limit: torch.zeros_like(g) if g.norm() > limit else g, "do not drop"),
    (check.clip, lambda g, limit: g * max(1, limit / g.norm()), "exchanged"),
    (check.clip, lambda g, limit: limit * torch.ones_like(g) if g.norm() > limit else g, "every entry became"),
    (check.lstm_step, lambda a, c: with_gates(1.0, s(a[1]), t(a[2]), s(a[3]), c), "plays no part"),
    (check.lstm_step, lambda a, c: torch.stack([right_lstm(a, c)[0], t(right_lstm(a, c)[1])]), "without the tanh"),
    (check.nucleus, lambda p, top_p: above(p, top_p), "no single symbol"),
    (check.lstm_step, lambda a, c: right_lstm(a, c, f=0, i=1), "f multiplies the old"),
    (check.lstm_step, lambda a, c: with_gates(s(a[0]), s(a[1]), t(a[3]), s(a[2]), c), "candidate before output"),
    (check.lstm_step, lambda a, c: with_gates(1 - s(a[1]), s(a[1]), t(a[2]), s(a[3]), c), "row 0"),
    (check.lstm_step, bare_memory, "around the memory"),
    (check.lstm_step, lambda a, c: with_gates(s(a[0]), s(a[1]), a[2], s(a[3]), c), "candidate g goes through tanh."),
    (check.lstm_step, lambda a, c: with_gates(*s(a), c), "also lower"),
    (check.lstm_step, lambda a, c: with_gates(*t(a), c), "sigmoid, not tanh"),
    (check.lstm_step, lambda a, c: with_gates(a[0], a[1], t(a[2]), a[3], c), "go through the sigmoid"),
    (check.lstm_step, old_memory, "old memory"),
    (check.lstm_step, lambda a, c: right_lstm(a, c)[[1, 0]], "h comes first"),
    (check.gru_step, swapped, "the other way round"),
    (check.gru_step, never_given_up, "must go"),
    (check.gru_step, lambda w, u, h: right_gru(w, torch.stack([*u[:2], h]), h), "not h itself"),
    (check.gru_step, gru_with(lambda r, w, u: t(w + u)), "plays no part"),
    (check.gru_step, gru_with(lambda r, w, u: t(r * (w + u))), "not x's."),
    (check.gru_step, gru_with(lambda r, w, u: t(r * w + u)), "past's share, u"),
    (check.gru_step, lambda w, u, h: right_gru(w[[2, 1, 0]], u[[2, 1, 0]], h), "order r, z, n"),
    (check.gru_step, lambda w, u, h: right_gru(w[[1, 0, 2]], u[[1, 0, 2]], h), "are exchanged"),
    (check.gru_step, gru_with(lambda r, w, u: w + r * u), "goes through tanh"),
    (check.gru_step, tanh_gates, "sigmoid, not tanh"),
    (check.nucleus, not_divided, "divide by their sum"),
    (check.nucleus, one_too_few, "must reach"),
    (check.nucleus, lambda p, top: right_nucleus(p, top).sort(descending=True)[0], "in their places"),
    (check.nucleus, sorted_twice, "result[order] = v"),
    (check.nucleus, unsorted, "sort before"),
    (check.nucleus, lambda p, top: above(p, 1 - top), "about their sum"),
    (check.nucleus, lambda p, top: above(p, top * p.max()), "about their sum"),
    (check.nucleus, even, "proportions"),
]


TestLesson08 = frame(check, RIGHT, WRONG)
