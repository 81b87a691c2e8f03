"""Exercises of lesson 07, NADE: one conditional, a log-probability from logits, the count of weights, a mask, a mixture."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import Bernoulli, UnivariateGaussianMixture, gaussian_log_prob

EXERCISES = {
    "07.1": "count the weights, shared and not",
    "07.2": "one conditional of NADE",
    "07.3": "log p(x) from logits",
    "07.4": "MADE's last mask",
    "07.5": "the log-density of a mixture of Gaussians",
}


def _small_nade(seed: int, D: int, H: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Some x (D) and parameters W (D, H), V (D, H), b (D), c (H)."""
    g = runtime.generator(seed)
    x = (torch.rand(D, generator=g) < 0.6).float()
    W, V, b, c = (torch.randn(*shape, generator=g) for shape in ((D, H), (D, H), (D,), (H,)))
    return x, W, V, b, c


def conditional(attempt, *, record: bool = True) -> Verdict:
    """07.2 attempt(x (D), d, W (D, H), V (D, H), b (D), c (H)) -> p(x_d = 1 | x_0 … x_{d-1}), counting d from 0."""

    def logit(x, d, W, V, b, c, *, seen=0, hidden=torch.sigmoid):
        return b[d] + V[d] @ hidden(c + x[: d + seen] @ W[: d + seen])

    slips = (
        Slip(
            lambda *case: torch.sigmoid(logit(*case, seen=1)),
            "off by one: your hidden layer has already seen x_d itself, which it is to predict.",
        ),
        Slip(
            lambda *case: torch.sigmoid(logit(*case, seen=-1)) if case[1] else None,
            "off by one the other way: x_{d-1} is known too.",
        ),
        Slip(
            lambda x, *rest: torch.sigmoid(logit(x, *rest, seen=len(x) - rest[0])),
            "your hidden layer sees all of x; p(x_d | those before it) may look at x[:d] only.",
        ),
        Slip(logit, "that is the logit; a probability goes through a sigmoid."),
        Slip(lambda *case: torch.sigmoid(logit(*case, hidden=lambda a: a)), "the hidden layer needs its own sigmoid."),
        Slip(
            lambda x, d, W, V, b, c: torch.sigmoid(logit(x, d, W, V, b, torch.zeros_like(c))),
            "c is missing: the hidden layer's bias is there before any pixel is seen.",
        ),
        Slip(lambda x, d, W, V, b, c: torch.sigmoid(logit(x, d, W, V, torch.zeros_like(b), c)), "b[d] is missing."),
        Slip(
            lambda x, d, *rest: torch.sigmoid(logit(x, d, *rest) * (2 * x[d] - 1)),
            "that is the probability of the value that x_d has; asked is that of 1, whatever x_d is.",
        ),
        *(
            Slip(
                lambda *case, f=f: torch.sigmoid(logit(*case, hidden=f)),
                f"the hidden layer has a sigmoid here, not a {f.__name__}.",
            )
            for f in (torch.tanh, torch.relu)
        ),
        Slip(
            lambda x, d, W, V, b, c: torch.sigmoid(b[d] + V[d] @ torch.sigmoid(c + (x[d - 1] * W[d - 1] if d else 0))),
            "only the pixel just before is used: that is a Markov model; NADE reads all of x[:d].",
        ),
        Slip(lambda *case: 1 - torch.sigmoid(logit(*case)), "that is p(x_d = 0 | …)."),
    )
    cases = []
    for seed, d in ((0, 0), (1, 2), (2, 5)):
        x, *parameters = _small_nade(seed, 6, 4)
        cases.append((x, d, *parameters))
    return grade("07.2", attempt, lambda *case: torch.sigmoid(logit(*case)), cases, slips, record=record)


def log_prob(attempt, *, record: bool = True) -> Verdict:
    """07.3 attempt(logits (B, D), x (B, D) of 0 and 1) -> log p(x) in nats, (B,)."""

    def each(logits: Tensor, x: Tensor) -> Tensor:
        return Bernoulli(logits).log_prob(x)  # (B, D)

    unsafe = "a sigmoid can be exactly 0 or 1 in floating point, and its log -inf: F.logsigmoid takes both in one safe step."

    slips = (
        Slip(
            lambda logits, x: each(torch.sigmoid(logits), x).sum(1),
            "a probability stands where a logit belongs: the sigmoid is applied twice.",
        ),
        Slip(lambda logits, x: each(logits, x).sum(0), "summed over the wrong axis: D is to go, B is to stay."),
        Slip(lambda logits, x: each(logits, x).mean(1), "that is the mean over d; the chain rule asks for the sum."),
        Slip(lambda logits, x: each(logits, x).sum(), "summed over the examples too: one number per example is wanted."),
        Slip(lambda logits, x: each(logits, x).exp().sum(1), "a log is missing: probabilities multiply, their logs add up."),
        Slip(
            lambda logits, x: (x * torch.nn.functional.logsigmoid(logits)).sum(1),
            "only the 1s are counted: a pixel that is 0 has a probability too.",
        ),
        Slip(lambda logits, x: each(-logits, x).sum(1), "0 and 1 have changed places."),
        *(
            Slip(
                lambda logits, x, e=e, save=save: (
                    save(torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()), e).log().sum(1)
                ),
                f"{e:g} hides the infinity, and the log-probability is wrong: F.logsigmoid needs no such help.",
            )
            for e in (1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5)
            for save in (torch.add, torch.clamp)
        ),
        Slip(
            lambda logits, x: -torch.nn.functional.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(1),
            "binary_cross_entropy cuts every log at -100: give the logits to F.logsigmoid.",
        ),
        Slip(
            lambda logits, x: (x * logits - torch.log1p(logits.exp())).sum(1),
            "exp(logit) overflows above 88: F.softplus, or F.logsigmoid, takes log(1 + exp) in one safe step.",
        ),
        Slip(lambda logits, x: torch.where(x == 1, logits.sigmoid(), 1 - logits.sigmoid()).log().sum(1), unsafe),
        Slip(lambda logits, x: (x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()).sum(1), unsafe),
    )
    g = runtime.generator(7)
    cases = [(2 * torch.randn(3, 5, generator=g), (torch.rand(3, 5, generator=g) < 0.5).float())]
    cases.append((torch.tensor([[60.0, -120.0], [3.0, 120.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])))
    return grade("07.3", attempt, lambda logits, x: each(logits, x).sum(1), cases, slips, record=record)


def count(attempt, *, record: bool = True) -> Verdict:
    """07.1 attempt(D, H) -> (parameters in D separate networks, parameters in NADE), weights and biases."""

    def separate(D: int, H: int) -> int:
        return H * D * (D - 1) // 2 + D * H + D * H + D  # weights in, hidden biases, weights out, output biases

    def shared(D: int, H: int) -> int:
        return 2 * D * H + D + H

    def pair(first, second):
        return lambda D, H: torch.tensor([first(D, H), second(D, H)])

    slips = (
        Slip(pair(shared, separate), "the two numbers have changed places."),
        Slip(
            pair(lambda D, H: separate(D, H) - D * H + H, shared),
            "in D separate networks each has its own H hidden biases.",
        ),
        Slip(
            pair(lambda D, H: H * D * D + 2 * D * H + D, shared),
            "network d looks at the d variables before it, not at all D: 0 + 1 + … + (D - 1).",
        ),
        Slip(
            pair(lambda D, H: separate(D, H) + D * H, shared),
            "off by one: the first variable (d = 0) has no variable before it, the last has D - 1.",
        ),
        Slip(
            pair(lambda D, H: H * D * (D - 1) // 2, lambda D, H: D * H),
            "those are the weights into the hidden layers alone: add the weights out of them, and all biases.",
        ),
        Slip(pair(separate, lambda D, H: 2 * D * H + D), "c, the bias of NADE's H hidden units, is missing."),
        Slip(pair(separate, lambda D, H: 2 * D * H + H), "b, one bias per output of NADE, is missing."),
        Slip(pair(separate, lambda D, H: D * H + D + H), "NADE shares W, but V is there as well: H weights out for each d."),
        Slip(pair(separate, lambda D, H: 2 * D * H + D + D * H), "NADE has one c for all d."),
        Slip(
            pair(lambda D, H: H * D * (D - 1) // 2 + D * H, lambda D, H: 2 * D * H),
            "those are the weights; count the biases of the hidden and the output units too.",
        ),
        Slip(
            pair(lambda D, H: H * D * (D - 1) // 2 + D * H + D, shared),
            "in the separate networks one H is missing for each d: each has H hidden biases and H output weights.",
        ),
        Slip(
            pair(lambda D, H: separate(D, H) - D, lambda D, H: 2 * D * H + H),
            "the output biases are missing: one for each of the D outputs, in both counts.",
        ),
    )
    return grade("07.1", attempt, pair(separate, shared), [(6, 4), (784, 500), (1, 3)], slips, record=record)


def output_mask(attempt, *, record: bool = True) -> Verdict:
    """07.4 attempt(degrees (H) of the last hidden layer, D) -> mask (D, H) of 0 and 1 for x_0 … x_{D-1} in order.

    A unit of degree m has seen the first m variables, x_0 … x_{m-1}.
    """

    def mask(compare):
        return lambda degrees, D: compare(degrees[None, :], torch.arange(D)[:, None]).float()

    slips = (
        Slip(
            mask(lambda m, d: m <= d + 1),
            "a leak: a unit of degree d + 1 has seen x_d itself, and yours hands it to output d.",
        ),
        Slip(mask(lambda m, d: m < d), "too strict: a unit of degree d has seen x_0 … x_{d-1}, which output d may know."),
        Slip(mask(lambda m, d: m >= d), "turned around: outputs late in the order may see more, not less."),
        Slip(mask(lambda m, d: m > d), "turned around: those are just the connections to cut."),
        Slip(mask(lambda m, d: m == d), "units that have seen fewer than d variables are allowed too, not those with d only."),
        Slip(lambda *case: mask(lambda m, d: m <= d)(*case).T, "rows and columns have changed places: (D, H) is wanted."),
    )
    cases = [(torch.tensor([1, 2, 3, 1, 2]), 4), (torch.tensor([1, 1, 2, 3, 4, 5]), 6)]
    return grade("07.4", attempt, mask(lambda m, d: m <= d), cases, slips, record=record)


def mixture_log_prob(attempt, *, record: bool = True) -> Verdict:
    """07.5 attempt(x (B), logits (B, M), mean (B, M), log_scale (B, M)) -> log p(x) in nats, (B,)."""

    def parts(x, mean, log_scale) -> Tensor:
        return gaussian_log_prob(x[:, None], mean, log_scale)  # (B, M)

    def truth(x, logits, mean, log_scale) -> Tensor:
        return UnivariateGaussianMixture(logits, mean, log_scale).log_prob(x)

    def over_examples(x, logits, mean, log_scale, *, axis: int) -> Tensor:
        return (logits.log_softmax(axis) + parts(x, mean, log_scale)).logsumexp(0)  # (M,)

    over_axis_0 = "the sum runs over the examples, axis 0: it is to run over the M Gaussians, the last axis."

    def weighted(x, logits, mean, log_scale) -> Tensor:
        return (logits.softmax(-1) * parts(x, mean, log_scale)).sum(-1)

    slips = (
        Slip(
            lambda x, logits, mean, log_scale: (logits.softmax(-1) * parts(x, mean, log_scale).exp()).sum(-1).log(),
            "60 standard deviations out, every density underflows to 0: stay with logs, by logsumexp.",
        ),
        Slip(
            lambda x, logits, mean, log_scale: parts(x, mean, log_scale).logsumexp(-1),
            "the log weights are missing: each Gaussian counts by its share.",
        ),
        Slip(
            lambda x, logits, mean, log_scale: (logits + parts(x, mean, log_scale)).logsumexp(-1),
            "the logits are not yet log weights: they must be normalised (log_softmax).",
        ),
        Slip(
            lambda x, logits, mean, log_scale: (logits.softmax(-1) + parts(x, mean, log_scale)).logsumexp(-1),
            "a weight was added where its log belongs.",
        ),
        Slip(weighted, "that is a mean of logs; a mixture takes the log of the mean (logsumexp)."),
        Slip(
            lambda x, logits, mean, log_scale: truth(x, logits, mean, log_scale / 2),
            "log_scale is the log of the standard deviation, not of the variance.",
        ),
        Slip(
            lambda x, logits, mean, log_scale: truth(x, logits, mean, log_scale.clamp(min=1e-6).log()),
            "log_scale is a log: the scale is its exp.",
        ),
        Slip(
            lambda x, logits, mean, log_scale: (logits.log_softmax(-1) + parts(x, mean, log_scale) + log_scale).logsumexp(-1),
            "the Gaussian's own scale is missing: -log_scale belongs to each log-density.",
        ),
        Slip(
            lambda x, logits, mean, log_scale: (
                logits.log_softmax(-1) - 0.5 * ((x[:, None] - mean) / log_scale.exp()).square()
            ).logsumexp(-1),
            "only the squares are there: each log-density also holds -log_scale and -0.5 log 2π.",
        ),
        Slip(
            lambda x, *rest: truth(x, *rest) + 0.5 * torch.log(torch.tensor(2 * torch.pi)),
            "the Gaussian's constant, 0.5 log 2π, is missing.",
        ),
        Slip(lambda *case: truth(*case).sum(), "summed over the examples too: one number per example is wanted."),
        Slip(
            lambda x, logits, mean, log_scale: (logits.log_softmax(0) + parts(x, mean, log_scale)).logsumexp(-1),
            "the weights are normalised over the examples, axis 0: each example's M weights sum to 1.",
        ),
        Slip(lambda *case: over_examples(*case, axis=0), over_axis_0),
        Slip(lambda *case: over_examples(*case, axis=-1), over_axis_0),
    )
    g = runtime.generator(3)
    cases = [(torch.randn(4, generator=g), *(torch.randn(4, 3, generator=g) for _ in range(3)))]
    cases.append((torch.tensor([60.0]), torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.zeros(1, 2)))
    return grade("07.5", attempt, truth, cases, slips, record=record)
