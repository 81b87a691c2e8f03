"""Lesson 06: the right answers pass, and each likely mistake is told what it is."""

import math

import numpy as np
import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_06 as check


def right_forecast(x, weight, bias, scale, h):
    mean, variance = x, 0.0
    for _ in range(h):
        mean, variance = bias + weight * mean, weight**2 * variance + scale**2
    return mean, math.sqrt(variance)


def right_least_squares(series, lags, *, shift=0, ones=1.0):
    s, start = series.double().numpy(), lags + max(shift, 0)
    rows = [[*(s[t - k - shift] for k in range(1, lags + 1)), ones] for t in range(start, len(s))]
    return torch.from_numpy(np.linalg.lstsq(np.array(rows), s[start:], rcond=None)[0])


def right_probabilities(x, W, b, order):
    logits = b.repeat(len(x), 1)
    for k, d in enumerate(order):
        for j in order[:k]:
            logits[:, d] += W[d, j] * x[:, j]
    return torch.sigmoid(logits)


def right_gradient(x, y, w, b):
    error = torch.sigmoid(x @ w + b) - y
    return torch.cat([error @ x, error.sum()[None]]) / len(x)


def right_bits(logits, x):
    return -F.logsigmoid(torch.where(x == 1, logits, -logits)) / math.log(2)


RIGHT = {
    check.forecast: right_forecast,
    check.least_squares: right_least_squares,
    check.probabilities: right_probabilities,
    check.gradient: right_gradient,
    check.bits: right_bits,
}


def spread(function):
    return lambda x, w, b, s, h: (right_forecast(x, w, b, s, h)[0], function(w, s, h))


def middle(function):
    return lambda x, w, b, s, h: (function(x, w, b, h), right_forecast(x, w, b, s, h)[1])


def weights(function):
    return lambda series, lags: function(right_least_squares(series, lags))


def zeros_before(series, lags):
    return right_least_squares(torch.cat([torch.zeros(lags), series]), lags)


def masked(keep, turned=False, bias=1.0):
    def attempt(x, W, b, order):
        place = {d: k for k, d in enumerate(order)}
        M = W * torch.tensor([[float(keep(place[j], place[d])) for j in range(len(b))] for d in range(len(b))])
        return torch.sigmoid(x @ (M if turned else M.T) + bias * b)

    return attempt


def by_error(error):
    def attempt(x, y, w, b):
        e = error(torch.sigmoid(x @ w + b), y, x @ w + b)
        return torch.cat([e @ x, e.sum()[None]]) / len(x)

    return attempt


def flipped_too_early(series, lags):
    windows = series.unfold(0, lags + 1, 1).flip(1)
    return torch.linalg.lstsq(torch.cat([windows[:, :-1], torch.ones(len(windows), 1)], 1), windows[:, -1:]).solution[:, 0]


def from_one_mean(series, lags):
    z = series - series.mean()
    w = torch.linalg.lstsq(z.unfold(0, lags + 1, 1)[:, :-1].flip(1), z[lags:, None]).solution[:, 0]
    return torch.cat([w, (series.mean() - w.sum() * series.mean())[None]])


def pixels_in_order(x, W, b, order):
    return torch.sigmoid(torch.stack([b[d] + x[:, order[:d]] @ W[d, :d] for d in range(len(b))], 1))


def probability_of_each(logits, x):
    return torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid())


WRONG = [
    (check.least_squares, from_one_mean, "means of their own"),
    (check.forecast, middle(lambda x, w, b, h: b / (1 - w)), "of the long run"),
    (check.forecast, spread(lambda w, s, h: s / (1 - w**2) ** 0.5), "only h shocks"),
    (check.probabilities, pixels_in_order, "x was put in the order"),
    (check.gradient, lambda x, *rest: right_gradient(x, *rest) * 6 / 3, "number of inputs"),
    (check.bits, lambda *case: -(probability_of_each(*case) + 1e-8).log2(), "1e-08 keeps the log finite"),
    (check.bits, lambda *case: -probability_of_each(*case).clamp(min=1e-7).log2(), "1e-07 keeps the log finite"),
    (check.least_squares, flipped_too_early, "before the target was cut off"),
    (check.probabilities, lambda x, W, b, order: torch.sigmoid(x @ W.tril().T + b), "with the diagonal"),
    (check.forecast, lambda x, w, b, s, h: (w**h * x, s), "both numbers are off"),
    (check.forecast, spread(lambda w, s, h: s), "that of one step"),
    (check.forecast, spread(lambda w, s, h: s * h**0.5), "random walk"),
    (check.forecast, spread(lambda w, s, h: s**2 * sum(w ** (2 * j) for j in range(h))), "the variance"),
    (check.forecast, spread(lambda w, s, h: s * abs(sum(w**j for j in range(h)))), "do not add up"),
    (check.forecast, spread(lambda w, s, h: s * sum(w**j for j in range(h)) ** 0.5), "weight is not squared"),
    (check.forecast, spread(lambda w, s, h: (s * sum(w ** (2 * j) for j in range(h))) ** 0.5), "scale is not squared"),
    (check.forecast, spread(lambda w, s, h: s * sum(w ** (2 * j) for j in range(h + 1)) ** 0.5), "one shock too many"),
    (check.forecast, spread(lambda w, s, h: s * sum(w ** (2 * j) for j in range(1, h + 1)) ** 0.5), "arrives whole"),
    (check.forecast, middle(lambda x, w, b, h: w**h * x), "bias is missing"),
    (check.forecast, middle(lambda x, w, b, h: w**h * x + b), "at every step"),
    (check.forecast, middle(lambda x, w, b, h: w**h * x + h * b), "j steps ago"),
    (check.forecast, middle(lambda x, w, b, h: w * x + b), "one step ahead"),
    (check.forecast, middle(lambda x, w, b, h: right_forecast(x, w, b, 1, h - 1)[0]), "h - 1 steps ahead"),
    (check.forecast, lambda *case: right_forecast(*case)[::-1], "changed places"),
    (check.least_squares, weights(lambda v: torch.cat([v[:-1].flip(0), v[-1:]])), "wrong way round"),
    (check.least_squares, weights(lambda v: v.roll(1)), "the bias comes last"),
    (check.least_squares, weights(lambda v: torch.cat([v[-1:], v[:-1].flip(0)])), "back to front"),
    (check.least_squares, weights(lambda v: v[:-1]), "is to follow"),
    (check.least_squares, lambda s, n: right_least_squares(s, n, ones=0.0), "through the origin"),
    (check.least_squares, lambda s, n: right_least_squares(s, n, ones=0.0)[:-1], "and with it the bias"),
    (check.least_squares, weights(lambda v: v * torch.tensor([1.0] * (len(v) - 1) + [0.0])), "the bias is not"),
    (check.least_squares, lambda s, n: right_least_squares(s, n, shift=-1), "among its own inputs"),
    (check.least_squares, lambda s, n: right_least_squares(s, n, shift=1), "two steps back"),
    (check.least_squares, lambda s, n: weights(lambda v: v)(s.flip(0), n), "time runs backwards"),
    (check.least_squares, zeros_before, "zeros there"),
    (check.probabilities, masked(lambda j, d: j <= d), "the diagonal of W is in use"),
    (check.probabilities, masked(lambda j, d: True), "nothing was cut out"),
    (check.probabilities, masked(lambda j, d: j > d), "turned around"),
    (check.probabilities, masked(lambda j, d: j != d), "only the diagonal"),
    (check.probabilities, masked(lambda j, d: j == d - 1), "Markov chain"),
    (check.probabilities, masked(lambda j, d: j < d, turned=True), "x @ W.T"),
    (check.probabilities, lambda x, W, b, order: right_probabilities(x, W.T, b, order), "both transposed"),
    (check.probabilities, lambda x, W, b, order: right_probabilities(x, W, b, range(len(order))), "for raster order"),
    (
        check.probabilities,
        lambda x, W, b, order: right_probabilities(x, W, b, [order.index(d) for d in range(len(order))]),
        "argsort",
    ),
    (check.probabilities, lambda *case: torch.logit(right_probabilities(*case)), "those are the logits"),
    (check.probabilities, masked(lambda j, d: j < d, bias=0.0), "b is missing"),
    (check.probabilities, lambda *case: 1 - right_probabilities(*case), "x_d = 0"),
    (check.probabilities, lambda x, W, b, order: right_probabilities(x, W, b, order)[:, order], "belongs to pixel d"),
    (check.gradient, lambda *case: -right_gradient(*case), "the way down"),
    (check.gradient, lambda x, *rest: len(x) * right_gradient(x, *rest), "the mean is asked for"),
    (check.gradient, lambda x, *rest: right_gradient(x, *rest) * torch.tensor([1, 1, 1, len(x)]), "the bias is summed"),
    (check.gradient, lambda x, *rest: right_gradient(x, *rest) * torch.tensor([len(x)] * 3 + [1]), "the weights are summed"),
    (check.gradient, lambda x, y, w, b: right_gradient(x, y, w, torch.zeros(())), "b is left out"),
    (check.gradient, by_error(lambda p, y, a: a - y), "sigmoid is missing"),
    (check.gradient, by_error(lambda p, y, a: (p - y) * p * (1 - p)), "no factor p (1 - p)"),
    (check.gradient, by_error(lambda p, y, a: 2 * (p - y) * p * (1 - p)), "squared error, not"),
    (check.gradient, by_error(lambda p, y, a: p), "the data y are missing"),
    (check.gradient, lambda *case: right_gradient(*case)[:-1], "the bias has a gradient too"),
    (check.gradient, lambda *case: right_gradient(*case).roll(1), "the bias comes last"),
    (check.bits, lambda *case: right_bits(*case) * math.log(2), "those are nats"),
    (check.bits, lambda *case: right_bits(*case) * math.log(2) ** 2, "you have multiplied"),
    (check.bits, lambda *case: -right_bits(*case), "not negative"),
    (check.bits, lambda *case: right_bits(*case).sum(1), "the bits of every pixel"),
    (check.bits, lambda logits, x: right_bits(logits, 1 - x), "changed places"),
    (check.bits, lambda logits, x: x * right_bits(logits, x), "only ink is counted"),
    (check.bits, lambda logits, x: right_bits(logits, torch.ones_like(x)), "as if it were ink"),
    (check.bits, lambda logits, x: right_bits(torch.sigmoid(logits), x), "applied twice"),
    (check.bits, lambda logits, x: -F.logsigmoid(logits * x) / math.log(2), "1 bit whatever the logit"),
    (check.bits, lambda logits, x: -torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()).log2(), "its log is lost"),
]

TestLesson06 = frame(check, RIGHT, WRONG)
