"""Exercises of lesson 06, autoregression: least squares, a forecast, all conditionals at once, a gradient, bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import Bernoulli
from course_lib.models.autoregressive import FVSBN, LinearAutoregression

EXERCISES = {
    "06.1": "least squares for N lags",
    "06.2": "a forecast h steps ahead",
    "06.3": "all conditionals of an FVSBN",
    "06.4": "the gradient of a logistic regression",
    "06.5": "bits paid for each pixel",
}


def _solve(rows: Tensor, target: Tensor) -> Tensor:
    return torch.linalg.lstsq(rows.double(), target.double()[:, None]).solution[:, 0]


def least_squares(attempt, *, record: bool = True) -> Verdict:
    """06.1 attempt(series (T,), lags) -> (lags + 1,): the weights, nearest lag first, then the bias."""

    def truth(series, lags):
        model = LinearAutoregression(event_shape=series.shape, lags=lags).double().estimate(series).requires_grad_(False)
        return torch.cat([model.weight, model.bias[None]])

    def rows(series, lags):
        return series.double().unfold(0, lags + 1, 1)  # (T - N, N + 1), the oldest first

    def ones(inputs):
        return torch.cat([inputs, torch.ones(len(inputs), 1).double()], 1)

    def backwards(series, lags):
        every = rows(series, lags)
        return _solve(ones(every[:, 1:]), every[:, 0])

    def centred(series, lags):
        return torch.cat([truth(series, lags)[:-1], torch.zeros(1).double()])

    def without(series, lags):
        every = rows(series, lags)
        return torch.cat([_solve(every[:, :-1].flip(1), every[:, -1]), torch.zeros(1).double()])

    def late(series, lags):
        every = rows(series, lags + 1)
        return _solve(ones(every[:, :-2].flip(1)), every[:, -1])

    def itself(series, lags):
        every = rows(series, lags)
        return _solve(ones(every[:, 1:].flip(1)), every[:, -1])

    def padded(series, lags):
        long = torch.cat([torch.zeros(lags).to(series), series])
        every = rows(long, lags)
        return _solve(ones(every[:, :-1].flip(1)), every[:, -1])

    slips = (
        Slip(
            lambda *case: torch.cat([truth(*case)[:-1].flip(0), truth(*case)[-1:]]),
            "the weights stand the wrong way round: the nearest lag comes first.",
        ),
        Slip(lambda *case: truth(*case).roll(1), "the bias comes last, after the weights."),
        Slip(lambda *case: truth(*case)[:-1], "the weights are right; the bias is to follow them."),
        Slip(without, "the column of ones is missing: without a bias the line must pass through the origin."),
        Slip(lambda *case: without(*case)[:-1], "the column of ones is missing, and with it the bias."),
        Slip(centred, "the weights are right, the bias is not: it is the weight of the column of ones."),
        Slip(itself, "off by one: the value to be predicted is among its own inputs."),
        Slip(late, "off by one the other way: the nearest input is two steps back."),
        Slip(backwards, "time runs backwards: you predict the oldest value of each window from the later ones."),
        Slip(padded, "the first values have no full past; leave those rows out instead of putting zeros there."),
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

    def sums(weight, h, power=1, first=0):
        return sum(weight ** (power * j) for j in range(first, h))

    def answer(x, weight, bias, scale, h, *, mean=None, sd=None):
        right_mean = weight**h * x + bias * sums(weight, h)
        right_sd = scale * math.sqrt(sums(weight, h, 2))
        return torch.tensor([right_mean if mean is None else mean, right_sd if sd is None else sd])

    def other(**parts):
        """The answer with these parts wrong, each a function of the case."""
        return lambda *case: answer(*case, **{name: part(*case) for name, part in parts.items()})

    slips = (
        Slip(
            other(sd=lambda x, w, b, s, h: s),
            "the spread is that of one step: every further step adds a shock, and earlier shocks live on.",
        ),
        Slip(
            other(sd=lambda x, w, b, s, h: s * math.sqrt(h)),
            "that spread is a random walk's: here a shock j steps back counts weight**j only.",
        ),
        Slip(
            other(sd=lambda x, w, b, s, h: s**2 * sums(w, h, 2)),
            "that is the variance; the standard deviation is its root.",
        ),
        Slip(
            other(sd=lambda x, w, b, s, h: s * abs(sums(w, h))),
            "standard deviations do not add up: square the shocks' weights, add, then take the root.",
        ),
        Slip(
            other(sd=lambda x, w, b, s, h: s * math.sqrt(sums(w, h + 1, 2))),
            "one shock too many in the spread: h steps bring h shocks, the latest with weight**0.",
        ),
        Slip(
            other(sd=lambda x, w, b, s, h: s * math.sqrt(sums(w, h + 1, 2, 1))),
            "the latest shock arrives whole: its weight is weight**0, not weight**1.",
        ),
        Slip(other(mean=lambda x, w, b, s, h: w**h * x), "the bias is missing from the mean."),
        Slip(
            other(mean=lambda x, w, b, s, h: w**h * x + b),
            "the bias enters at every step, and what entered earlier is multiplied along.",
        ),
        Slip(
            other(mean=lambda x, w, b, s, h: w**h * x + h * b),
            "the bias that entered j steps ago has been multiplied by weight**j since.",
        ),
        Slip(other(mean=lambda x, w, b, s, h: w * x + b), "that mean is one step ahead: go on from it h - 1 times."),
        Slip(
            other(mean=lambda x, w, b, s, h: w ** (h - 1) * x + b * sums(w, h - 1)),
            "off by one: your mean is h - 1 steps ahead.",
        ),
        Slip(lambda *case: truth(*case).flip(0), "mean and standard deviation have changed places."),
    )
    cases = [(3.0, 0.8, 1.0, 0.5, 3), (-2.0, -0.6, 0.5, 1.5, 4), (10.0, 0.9, 2.0, 1.2, 1)]
    return grade("06.2", attempt, truth, cases, slips, record=record)


def probabilities(attempt, *, record: bool = True) -> Verdict:
    """06.3 attempt(x (B, D), W (D, D), b (D), order: a list of D) -> p(x_d = 1 | those before d in the order), (B, D).

    Of W, full of numbers, only W[d, j] with j before d in the order may count.
    """

    def truth(x, W, b, order):
        model = FVSBN(event_shape=(len(b),), order=order).requires_grad_(False)
        model.W.copy_(W)
        model.b.copy_(b)
        return model.conditionals(x).probs

    def with_mask(mask, *, bias=1.0, turned=False, last=torch.sigmoid):
        def wrong(x, W, b, order):
            place = torch.tensor(order).argsort()
            M = W * mask(place[None, :], place[:, None]).float()  # of W[d, j]: places of j, of d
            return last(x @ (M if turned else M.T) + bias * b)

        return wrong

    def raster(x, W, b, order):
        return truth(x, W, b, None)

    def listed(x, W, b, order):  # order[j] taken for the place of j
        return truth(x, W, b, torch.tensor(order).argsort().tolist())

    slips = (
        Slip(with_mask(lambda j, d: j <= d), "a leak: the diagonal of W is in use, so each pixel sees itself."),
        Slip(with_mask(lambda j, d: j >= 0), "nothing was cut out: each pixel sees itself and all that come later."),
        Slip(with_mask(lambda j, d: j > d), "turned around: your pixels look at those after them."),
        Slip(with_mask(lambda j, d: j != d), "only the diagonal was cut out: pixels still see those that come later."),
        Slip(with_mask(lambda j, d: j == d - 1), "each pixel sees the one before it only: that is a Markov chain."),
        Slip(
            with_mask(lambda j, d: j < d, turned=True),
            "W[d, j] runs from j to d: x @ W.T is wanted, not x @ W.",
        ),
        Slip(raster, "that is right for raster order: which pixels come before d is for `order` to say."),
        Slip(listed, "order[k] is the pixel that comes k-th, not the place of pixel k; argsort turns one into the other."),
        Slip(with_mask(lambda j, d: j < d, last=lambda a: a), "those are the logits; a probability goes through a sigmoid."),
        Slip(with_mask(lambda j, d: j < d, bias=0.0), "b is missing."),
        Slip(with_mask(lambda j, d: j < d, last=lambda a: torch.sigmoid(-a)), "that is p(x_d = 0 | …)."),
        Slip(
            lambda x, W, b, order: truth(x, W, b, order)[:, order],
            "right numbers in the order of reading: column d belongs to pixel d.",
        ),
    )
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

    def by_error(error, *, mean=True):
        def wrong(x, y, w, b):
            each = error(x @ w + b, y)[:, None] * torch.cat([x, torch.ones(len(x), 1)], 1)  # (B, J + 1)
            return each.mean(0) if mean else each.sum(0)

        return wrong

    def squared(a, y):
        p = torch.sigmoid(a)
        return (p - y) * p * (1 - p)

    slips = (
        Slip(lambda *case: -truth(*case), "that is the way down, minus the gradient: the gradient points uphill."),
        Slip(by_error(lambda a, y: torch.sigmoid(a) - y, mean=False), "summed over the examples; the mean is asked for."),
        Slip(by_error(lambda a, y: a - y), "the logit stands where the probability belongs: the sigmoid is missing."),
        Slip(by_error(squared), "no factor p (1 - p) is left for -log p: it belongs to a squared error."),
        Slip(lambda *case: 2 * by_error(squared)(*case), "that is the gradient of a squared error, not of -log p."),
        Slip(by_error(lambda a, y: torch.sigmoid(a)), "the data y are missing: the error is p - y."),
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
    """06.5 attempt(logits (B, D), x (B, D) of 0 and 1) -> the bits each pixel costs, (B, D)."""

    def nats(logits, x):
        return -Bernoulli(logits).log_prob(x)

    def truth(logits, x):
        return nats(logits, x) / math.log(2)

    def naive(logits, x):
        p = torch.sigmoid(logits)
        return -torch.where(x == 1, p, 1 - p).log2()

    slips = (
        Slip(nats, "those are nats; a bit is log 2 = 0.693 nats."),
        Slip(lambda *case: nats(*case) * math.log(2), "divide the nats by log 2; you have multiplied."),
        Slip(lambda *case: -truth(*case), "a cost is not negative: -log2 p."),
        Slip(lambda *case: truth(*case).sum(1), "that is the total of each image; the cost of every pixel is asked for."),
        Slip(lambda logits, x: truth(-logits, x), "0 and 1 have changed places."),
        Slip(
            lambda logits, x: x * truth(logits, torch.ones_like(x)),
            "only ink is paid for here: a blank pixel has a probability too, and costs -log2(1 - p).",
        ),
        Slip(
            lambda logits, x: truth(logits, torch.ones_like(x)),
            "every pixel is charged as if it were ink: x says which of the two it was.",
        ),
        Slip(
            lambda logits, x: truth(torch.sigmoid(logits), x),
            "a probability stands where a logit belongs: the sigmoid is applied twice.",
        ),
        Slip(naive, "in float32 sigmoid(±100) is 0 or 1, and its log is lost: use logsigmoid, or softplus, on the logits."),
    )
    g = runtime.generator(4)
    cases = [(2 * torch.randn(3, 5, generator=g), (torch.rand(3, 5, generator=g) < 0.5).float())]
    cases.append((torch.tensor([[100.0, -100.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]])))
    return grade("06.5", attempt, truth, cases, slips, record=record)
