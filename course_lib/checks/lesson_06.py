"""Exercises of lesson 06, autoregression: least squares, a forecast, all conditionals at once, a gradient, bits."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive import FVSBN, LinearAutoregression

EXERCISES = {
    "06.1": "least squares for N lags",
    "06.2": "a forecast h steps ahead",
    "06.3": "all conditionals of an FVSBN",
    "06.4": "the gradient of a logistic regression",
    "06.5": "bits for each pixel",
}


def least_squares(attempt, *, record: bool = True) -> Verdict:
    """06.1 attempt(series (T,), lags) -> (lags + 1,): the weights, nearest lag first, then the bias."""

    def truth(series, lags):
        model = LinearAutoregression(event_shape=series.shape, lags=lags).double().estimate(series).requires_grad_(False)
        return torch.cat([model.weight, model.bias[None]])

    def solve(series, lags, *, inputs, width=1, ones=True):
        """Least squares: the last value of every window of lags + width values, from those at the places `inputs`."""
        windows = series.double().unfold(0, lags + width, 1)  # (T - lags - width + 1, lags + width), the oldest first
        rows = windows[:, inputs].flip(1)
        rows = torch.cat([rows, torch.ones(len(rows), 1).double()], 1) if ones else rows
        return torch.linalg.lstsq(rows, windows[:, -1:]).solution[:, 0]

    def centred(series, lags):
        z = series.double() - series.double().mean()
        weights = without(z, lags)
        return torch.cat([weights, (series.double().mean() * (1 - weights.sum()))[None]])

    def flipped_first(series, lags):
        windows = series.double().unfold(0, lags + 1, 1).flip(1)
        rows = torch.cat([windows[:, :-1], torch.ones(len(windows), 1).double()], 1)
        return torch.linalg.lstsq(rows, windows[:, -1:]).solution[:, 0]

    def without(*case):
        return solve(*case, inputs=slice(-1), ones=False)

    slips = (
        Slip(lambda *case: truth(*case).flip(0).roll(-1), "the weights stand the wrong way round: the nearest lag comes first."),
        Slip(lambda *case: truth(*case).roll(1), "the bias comes last, after the weights."),
        Slip(lambda *case: truth(*case).flip(0), "all is there, back to front: the nearest lag comes first, the bias last."),
        Slip(lambda *case: truth(*case)[:-1], "the weights are right; the bias is to follow them."),
        Slip(lambda *case: F.pad(without(*case), (0, 1)), "without a column of ones the line must pass through the origin."),
        Slip(without, "the column of ones is missing, and with it the bias."),
        Slip(lambda *case: F.pad(truth(*case)[:-1], (0, 1)), "the bias is not right: it is the weight of the column of ones."),
        Slip(lambda *case: solve(*case, inputs=slice(1, None)), "off by one: the value to be predicted is among its own inputs."),
        Slip(lambda *case: solve(*case, inputs=slice(-2), width=2), "off by one: the nearest input is two steps back."),
        Slip(
            centred,
            "inputs and targets have means of their own, not the whole series' mean: let a column of ones find the bias.",
        ),
        Slip(flipped_first, "the windows were flipped before the target was cut off: after that, the last column is the oldest."),
        Slip(lambda series, lags: truth(series.flip(0), lags), "time runs backwards: you predict the past from what came later."),
        Slip(
            lambda series, lags: truth(F.pad(series, (lags, 0)), lags),
            "the first values have no full past; leave those rows out instead of putting zeros there.",
        ),
    )
    cases = []
    for seed, length, lags in ((0, 30, 1), (1, 40, 3)):
        shocks = 2 + torch.randn(length, generator=runtime.generator(seed))
        cases.append((shocks + 0.5 * torch.cat([torch.zeros(1), shocks[:-1]]) + 0.1 * torch.arange(length), lags))
    return grade("06.1", attempt, truth, cases, slips, tolerance=1e-3, record=record)


def forecast(attempt, *, record: bool = True) -> Verdict:
    """06.2 attempt(x, weight, bias, scale, h) -> (mean, standard deviation) of AR(1)'s value h steps after x."""

    def truth(x, weight, bias, scale, h):
        model = LinearAutoregression(event_shape=(1,)).double().requires_grad_(False)
        for parameter, value in zip((model.weight, model.bias, model.log_scale), (weight, bias, math.log(scale)), strict=True):
            parameter.fill_(value)
        given = model.forecast(torch.tensor([x]), h)
        return torch.stack([given.loc[-1], given.scale[-1]])

    def total(ratio, h, first=0):
        return sum(ratio**j for j in range(first, h))

    def mean(wrong):
        return lambda x, w, b, s, h: torch.stack([torch.tensor(wrong(x, w, b, h)).double(), truth(x, w, b, s, h)[1]])

    def variance(wrong):
        return lambda x, w, b, s, h: torch.stack([truth(x, w, b, s, h)[0], torch.tensor(wrong(w, s, h)).double().sqrt()])

    means = (
        (lambda x, w, b, h: w**h * x, "the bias is missing from the mean."),
        (lambda x, w, b, h: w**h * x + b, "the bias enters at every step, and each later step multiplies it by the weight."),
        (lambda x, w, b, h: w**h * x + h * b, "the bias that entered j steps ago has been multiplied by weight**j since."),
        (lambda x, w, b, h: w * x + b, "that mean is one step ahead: go on from it h - 1 times."),
        (lambda x, w, b, h: b / (1 - w), "that mean is the one of the long run; after h steps w**h of x is still there."),
        (lambda x, w, b, h: w ** (h - 1) * x + b * total(w, h - 1), "off by one: your mean is h - 1 steps ahead."),
    )
    variances = (
        (
            lambda w, s, h: s**2,
            "the standard deviation is that of one step: each further step adds a shock, and earlier shocks still count.",
        ),
        (
            lambda w, s, h: s**2 / (1 - w**2),
            "that standard deviation is the one of the long run; after h steps only h shocks have come.",
        ),
        (
            lambda w, s, h: s**2 * h,
            "that standard deviation is a random walk's: here a shock j steps back counts weight**j only.",
        ),
        (lambda w, s, h: (s**2 * total(w**2, h)) ** 2, "that is the variance; the standard deviation is its root."),
        (lambda w, s, h: (s * total(w, h)) ** 2, "standard deviations do not add up: add the squares, then take the root."),
        (lambda w, s, h: s**2 * total(w, h), "the weight is not squared: variances are multiplied by weight**2 at each step."),
        (lambda w, s, h: s * total(w**2, h), "the scale is not squared: the variance of one shock is scale**2."),
        (lambda w, s, h: s**2 * total(w**2, h + 1), "one shock too many: h steps bring h shocks, the latest with weight**0."),
        (lambda w, s, h: s**2 * total(w**2, h + 1, 1), "the latest shock arrives whole: its weight is weight**0, not weight**1."),
    )
    slips = [Slip(variance(wrong), hint) for wrong, hint in variances] + [Slip(mean(wrong), hint) for wrong, hint in means]
    slips += [
        Slip(
            lambda x, w, b, s, h, m=m, v=v: torch.tensor([m(x, w, b, h), v(w, s, h) ** 0.5]).double(),
            f"both numbers are off. Mean: {about_mean} Spread: {about_spread}",
        )
        for m, about_mean in means
        for v, about_spread in variances
    ]
    slips.append(Slip(lambda *case: truth(*case).flip(0), "mean and standard deviation have changed places."))
    cases = [(3.0, 0.8, 1.0, 0.5, 3), (-2.0, -0.6, 0.5, 1.5, 4), (10.0, 0.9, 2.0, 1.2, 1)]
    return grade("06.2", attempt, truth, cases, slips, record=record)


def probabilities(attempt, *, record: bool = True) -> Verdict:
    """06.3 attempt(x (B, D), W (D, D), b (D), order: a list of D) -> p(x_d = 1 | those before d in the order), (B, D).

    No entry of W is 0, but only W[d, j] with j before d in the order may count.
    """

    def truth(x, W, b, order):
        model = FVSBN(event_shape=(len(b),), order=order).requires_grad_(False)
        model.W.copy_(W)
        model.b.copy_(b)
        return model.conditionals(x).probs

    def wrong_mask(mask, turned=False):
        def wrong(x, W, b, order):
            place = torch.tensor(order).argsort()
            M = W * mask(place[None, :], place[:, None]).float()  # of W[d, j]: places of j, of d
            return torch.sigmoid(x @ (M if turned else M.T) + b)

        return wrong

    masks = (
        (lambda j, d: j <= d, "a leak: the diagonal of W is in use, so each pixel sees itself."),
        (lambda j, d: j >= 0, "nothing was cut out: each pixel sees itself and all that come later."),
        (lambda j, d: j > d, "turned around: your pixels look at those after them."),
        (lambda j, d: j != d, "only the diagonal was cut out: pixels still see those that come later."),
        (lambda j, d: j == d - 1, "each pixel sees the one before it only: that is a Markov chain."),
    )
    slips = [Slip(wrong_mask(mask), hint) for mask, hint in masks]
    slips.append(
        Slip(
            lambda x, W, b, order: torch.sigmoid(x @ W.tril().T + b),
            "that is raster order, and with the diagonal: compare the places in `order`, and let no pixel see itself.",
        )
    )
    slips += [
        Slip(wrong_mask(lambda j, d: j < d, turned=True), "W[d, j] runs from j to d: x @ W.T is wanted, not x @ W."),
        Slip(
            wrong_mask(lambda j, d: j > d, turned=True),
            "mask and product are both transposed: pixels look back, but by W[j, d]; W[d, j] runs from j to d.",
        ),
        Slip(
            lambda x, W, b, order: truth(x, W, b, None),
            "that is right for raster order: which pixels come before d is for `order` to say.",
        ),
        Slip(
            lambda x, W, b, order: truth(x, W, b, torch.tensor(order).argsort().tolist()),
            "order[k] is the pixel that comes k-th, not the place of pixel k; argsort turns one into the other.",
        ),
        Slip(
            lambda x, W, b, order: torch.sigmoid(x[:, order] @ W.tril(-1).T + b),
            "x was put in the order, W and b were not: leave x as it is, and let `order` decide which entries of W count.",
        ),
        Slip(lambda *case: truth(*case).logit(), "those are the logits; a probability goes through a sigmoid."),
        Slip(lambda x, W, b, order: truth(x, W, 0 * b, order), "b is missing."),
        Slip(lambda *case: 1 - truth(*case), "that is p(x_d = 0 | …)."),
        Slip(
            lambda x, W, b, order: truth(x, W, b, order)[:, order],
            "right numbers in the order of reading: column d belongs to pixel d.",
        ),
    ]
    cases = []
    for seed, order in ((0, [0, 1, 2, 3]), (1, [2, 0, 4, 3, 1])):
        g, D = runtime.generator(seed), len(order)
        cases.append(((torch.rand(3, D, generator=g) < 0.6).float(), torch.randn(D, D, generator=g), torch.randn(D, generator=g)))
        cases[-1] += (order,)
    return grade("06.3", attempt, truth, cases, slips, record=record)


def gradient(attempt, *, record: bool = True) -> Verdict:
    """06.4 attempt(x (B, J), y (B), w (J), b) -> gradient (J + 1,) of mean -log p(y | x) by w, then by b, in nats."""

    def truth(x, y, w, b):
        parameters = torch.cat([w, b[None]]).double().requires_grad_()
        logits = x.double() @ parameters[:-1] + parameters[-1]
        return torch.autograd.grad(-Bernoulli(logits).log_prob(y.double()).mean(), parameters)[0]

    def by_error(error):
        def wrong(x, y, w, b):
            each = error(x @ w + b, y)[:, None] * torch.cat([x, torch.ones(len(x), 1)], 1)  # (B, J + 1)
            return each.mean(0)

        return wrong

    def squared(a, y):
        p = torch.sigmoid(a)
        return (p - y) * p * (1 - p)

    def summed(weights, bias):
        """The truth with the weights' part, the bias's or both not divided by B."""
        return lambda x, *rest: truth(x, *rest) * torch.tensor([len(x) if weights else 1] * x.shape[1] + [len(x) if bias else 1])

    slips = (
        Slip(lambda *case: -truth(*case), "that is the way down, minus the gradient: the gradient points uphill."),
        Slip(summed(True, True), "summed over the examples; the mean is asked for."),
        Slip(summed(False, True), "the bias is summed over the examples; divide it by their number, as you did the weights."),
        Slip(summed(True, False), "the weights are summed over the examples; divide them by their number, as you did the bias."),
        Slip(by_error(lambda a, y: a - y), "the logit stands where the probability belongs: the sigmoid is missing."),
        Slip(by_error(squared), "no factor p (1 - p) is left for -log p: it belongs to a squared error."),
        Slip(lambda *case: 2 * by_error(squared)(*case), "that is the gradient of a squared error, not of -log p."),
        Slip(by_error(lambda a, y: torch.sigmoid(a)), "the data y are missing: the error is p - y."),
        Slip(
            lambda x, *rest: truth(x, *rest) * len(x) / x.shape[1],
            "divided by the number of inputs; the mean goes over the examples: divide by their number, len(x).",
        ),
        Slip(lambda x, y, w, b: truth(x, y, w, 0 * b), "b is left out of the probabilities: p is the sigmoid of w · x + b."),
        Slip(lambda *case: truth(*case)[:-1], "the weights' part is right; the bias has a gradient too."),
        Slip(lambda *case: truth(*case).roll(1), "the bias comes last, after the weights."),
    )
    cases = []
    for seed in (0, 1):
        g = runtime.generator(seed)
        x, y = ((torch.rand(*shape, generator=g) < 0.5).float() for shape in ((6, 3), (6,)))
        cases.append((x, y, torch.randn(3, generator=g), torch.randn((), generator=g)))
    return grade("06.4", attempt, truth, cases, slips, record=record)


def bits(attempt, *, record: bool = True) -> Verdict:
    """06.5 attempt(logits (B, D), x (B, D) of 0 and 1) -> the bits that each pixel needs, (B, D)."""

    def nats(logits, x):
        return -Bernoulli(logits).log_prob(x)

    def truth(logits, x):
        return nats(logits, x) / math.log(2)

    def ink(logits, x):
        return truth(logits, torch.ones_like(x))

    def naive(logits, x, *, save=lambda p: p):
        p = torch.sigmoid(logits)
        return -save(torch.where(x == 1, p, 1 - p)).log2()

    slips = (
        Slip(nats, "those are nats; a bit is log 2 = 0.693 nats."),
        Slip(lambda *case: nats(*case) * math.log(2), "divide the nats by log 2; you have multiplied."),
        Slip(lambda *case: -truth(*case), "a number of bits is not negative: -log2 p."),
        Slip(lambda *case: truth(*case).sum(1), "that is the total of each image; the bits of every pixel are asked for."),
        Slip(lambda logits, x: truth(-logits, x), "0 and 1 have changed places."),
        Slip(lambda logits, x: x * ink(logits, x), "only ink is counted: a blank pixel has a probability too, at -log2(1 - p)."),
        Slip(ink, "every pixel is counted as if it were ink: x says whether it was."),
        Slip(
            lambda logits, x: ink(logits * x, x),
            "where x is 0 the product is 0, and the result is 1 bit whatever the logit: there take -logsigmoid(-logits).",
        ),
        Slip(lambda logits, x: truth(logits.sigmoid(), x), "the sigmoid is applied twice: a probability stands for a logit."),
        *(
            Slip(
                lambda *case, e=e, save=save: naive(*case, save=lambda p: save(p, e)),
                f"{e:g} keeps the log finite and makes it wrong: use logsigmoid, or softplus, on the logits.",
            )
            for e in (1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5)
            for save in (torch.add, torch.clamp)
        ),
        Slip(naive, "in float32 sigmoid(±100) is 0 or 1, and its log is lost: use logsigmoid, or softplus, on the logits."),
    )
    g = runtime.generator(4)
    cases = [(2 * torch.randn(3, 5, generator=g), (torch.rand(3, 5, generator=g) < 0.5).float())]
    cases.append((torch.tensor([[100.0, -100.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]])))
    return grade("06.5", attempt, truth, cases, slips, record=record)
