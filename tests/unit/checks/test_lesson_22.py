"""Lesson 22: the right answers pass, in other styles and types too, and each likely mistake is told what it is."""

import math

import numpy as np
import pytest
import torch
from frame import frame
from torch import distributions as td

from course_lib import runtime
from course_lib.checks import lesson_22 as check


def log_mixture(x, probs, mean, scale):
    parts = td.Independent(td.Normal(mean, scale[:, None].expand_as(mean)), 1)
    return td.MixtureSameFamily(td.Categorical(probs), parts).log_prob(x)


def right_score(x, probs, mean, scale):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(log_mixture(x, probs, mean, scale).sum(), x)[0]


def right_step(x, score, step, noise):
    return x + (step / 2) * score + math.sqrt(step) * noise


def right_step_for_error(error):
    return 4 - 4 / (1 + error)


def right_acceptance(p_x, p_y, x, y, s_x, s_y, step):
    there = td.Normal(x + step / 2 * s_x, step**0.5).log_prob(y).sum(-1)
    back = td.Normal(y + step / 2 * s_y, step**0.5).log_prob(x).sum(-1)
    return torch.minimum(torch.ones(len(x)), torch.exp(p_y + back - p_x - there))


def right_hyvarinen(x, mean, variance):
    s = (mean - x) / variance
    return (s * s / 2 - 1 / variance).mean()


def right_tweedie(y, score, sigma):
    return y + score * sigma * sigma


RIGHT = {
    check.mixture_score: right_score,
    check.langevin_step: right_step,
    check.step_for_error: right_step_for_error,
    check.acceptance: right_acceptance,
    check.hyvarinen: right_hyvarinen,
    check.tweedie: right_tweedie,
}


def squares(x, mean, scale):
    return (x[:, None] - mean).square().sum(2) / (2 * scale**2)


def pulled(weight, x, mean, scale):
    return torch.einsum("bk,bkd->bd", weight, (mean - x[:, None]) / scale[:, None] ** 2)


def responsibilities(x, probs, mean, scale):
    return (probs.log() - x.shape[1] * scale.log() - squares(x, mean, scale)).softmax(1)


def log_q(to, at, score, step, drift=0.5):
    return -(to - at - drift * step * score).square().sum(1) / (2 * step)


def accept(q, over=1.0):
    """22.4 with another ratio of proposals."""
    return lambda p_x, p_y, *case: torch.exp(p_y - p_x + q(*case) * over).clamp(max=1)


def ratio(x, y, s_x, s_y, step):
    return log_q(x, y, s_y, step) - log_q(y, x, s_x, step)


SLIPS = [
    (check.mixture_score, lambda x, p, m, s: pulled((p.log() - x.shape[1] * s.log() - squares(x, m, s)).exp(), x, m, s),
     "without the division"),
    (check.langevin_step, lambda x, score, step, z: x + step * score + z, "as its square root"),
    (check.step_for_error, lambda error: 4 / (1 + error), "one step more"),
    (check.step_for_error, lambda error: 4 * (1 + error), "equal to 1 + error"),
    (check.hyvarinen, lambda x, m, v: ((x - m) / v).square().mean() / 2 - ((x - m) / v).mean(), "not s itself"),
    (check.hyvarinen, lambda x, m, v: ((x - m) / v).mean().square() / 2 - 1 / v, "square first"),
    (check.tweedie, lambda y, score, sigma: y - sigma * score, "the sign, and the power"),
    (check.mixture_score, lambda x, p, m, s: pulled(p.repeat(len(x), 1), x, m, s), "responsibility"),
    (check.mixture_score, lambda *case: -right_score(*case), "uphill"),
    (check.mixture_score, lambda x, p, m, s: pulled(responsibilities(x, p, m, s) * s, x, m, s), "not by its scale"),
    (check.mixture_score, lambda x, p, m, s: pulled(responsibilities(x, p, m, s) * s**2, x, m, s), "is divided by the component"),
    (check.mixture_score,
     lambda x, p, m, s: pulled((p.log() - 2 * s.log() * x.shape[1] / 2 - squares(x, m, s)).softmax(0), x, m, s), "wrong axis"),
    (check.mixture_score, lambda x, p, m, s: pulled((p.log() - squares(x, m, s)).softmax(1), x, m, s), "counts too much"),
    (check.mixture_score, lambda x, p, m, s: pulled((p.log() - s.log() - squares(x, m, s)).softmax(1), x, m, s), "power D"),
    (check.mixture_score, lambda x, p, m, s: right_score(x, torch.ones_like(p) / len(p), m, s), "weights probs"),
    (check.mixture_score, lambda x, *m: right_score(x, *m) * log_mixture(x, *m).exp()[:, None], "slope of log p"),
    (check.mixture_score, lambda x, p, m, s: pulled(responsibilities(x, p, m, s).eq(
        responsibilities(x, p, m, s).amax(1, keepdim=True)).float(), x, m, s), "likeliest alone"),
    (check.mixture_score, lambda *case: right_score(*case).sum(0), "sum over the batch"),
    (check.langevin_step, lambda x, s, e, z: x + e * s + e**0.5 * z, "samples p²"),
    (check.langevin_step, lambda x, s, e, z: x + e / 2 * s + (2 * e) ** 0.5 * z, "square root of p"),
    (check.langevin_step, lambda x, s, e, z: x + e * s + (2 * e) ** 0.5 * z, "size 2 · step"),
    (check.langevin_step, lambda x, s, e, z: x + e / 2 * s + e * z, "its square root"),
    (check.langevin_step, lambda x, s, e, z: x + e / 2 * s, "climbs to a maximum"),
    (check.langevin_step, lambda x, s, e, z: x + e / 2 * s + e**0.5 / 2 * z, "drift alone"),
    (check.langevin_step, lambda x, s, e, z: x + e / 2 * s + (e / 2) ** 0.5 * z, "drift alone"),
    (check.langevin_step, lambda x, s, e, z: x - e / 2 * s + e**0.5 * z, "energy's slope"),
    (check.langevin_step, lambda x, s, e, z: e / 2 * s + e**0.5 * z, "plus the move"),
    (check.langevin_step, lambda x, s, e, z: x + (e / 2 * s + e**0.5 * z).mean(0), "no mean over chains"),
    (check.step_for_error, lambda e: 4 * e, "first order"),
    (check.step_for_error, lambda e: 2 * e / (1 + e), "step/4"),
    (check.step_for_error, lambda e: e / (1 + e), "factor 4"),
    (check.step_for_error, lambda e: 4 - 4 / (1 + e) ** 2, "its square root"),
    (check.step_for_error, lambda e: 4 * e / (1 - e), "a plus below"),
    (check.step_for_error, lambda e: 1 / (1 - e / 4), "turn it round"),
    (check.step_for_error, lambda e: 4 - 4 / e, "not the error alone"),
    (check.acceptance, accept(lambda *case: 0), "symmetric proposal"),
    (check.acceptance, accept(ratio, -1.0), "proposal's ratio is upside down"),
    (check.acceptance, lambda a, b, *case: torch.exp(a - b - ratio(*case)).clamp(max=1), "whole ratio"),
    (check.acceptance, accept(lambda x, y, a, b, e: log_q(x, y, b, e)), "way there"),
    (check.acceptance, accept(lambda x, y, a, b, e: -log_q(y, x, a, e)), "way back, q(x | y), is missing"),
    (check.acceptance, accept(lambda x, y, a, b, e: log_q(x, y, a, e) - log_q(y, x, a, e)), "score at y"),
    (check.acceptance, accept(lambda x, y, a, b, e: log_q(x, y, b, e, 1.0) - log_q(y, x, a, e, 1.0)), "half a step"),
    (check.acceptance, accept(ratio, 2.0), "(2 step)"),
    (check.acceptance, accept(ratio, 0.5), "not over 4 step"),
    (check.acceptance, lambda a, b, *case: torch.exp(b - a + ratio(*case)), "at most 1"),
    (check.acceptance, lambda *case: right_acceptance(*case).log(), "exponential is missing"),
    (check.acceptance, lambda *case: right_acceptance(*case).mean(), "one number per row"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v**2 - 1 / v).mean(), "is halved"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v**2 / 2 + 1 / v).mean(), "sign of ds/dx"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v**2 / 2).mean(), "derivative of s is missing"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v**2 - 1 / v).mean() / 2, "square alone"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v / 2 - 1 / v).mean(), "variance squared"),
    (check.hyvarinen, lambda *case: -right_hyvarinen(*case), "made small"),
    (check.hyvarinen, lambda x, m, v: ((x - m) ** 2 / v**2 / 2 - 1 / v).sum(), "not the sum"),
    (check.hyvarinen, lambda x, m, v: (x - m) ** 2 / v**2 / 2 - 1 / v, "one number"),
    (check.hyvarinen, lambda x, m, v: right_hyvarinen(x, m, v**0.5), "no root"),
    (check.hyvarinen, lambda x, m, v: right_hyvarinen(x, m, v**2), "do not square"),
    (check.hyvarinen, lambda x, m, v: -td.Normal(m, v**0.5).log_prob(x).mean(), "log-likelihood"),
    (check.tweedie, lambda y, s, g: y + g * s, "not by sigma"),
    (check.tweedie, lambda y, s, g: y - g**2 * s, "along the score"),
    (check.tweedie, lambda y, s, g: y + s, "unit"),
    (check.tweedie, lambda y, s, g: y + g**2 / 2 * s, "the half belongs"),
    (check.tweedie, lambda y, s, g: g**2 * s, "plus the correction"),
    (check.tweedie, lambda y, s, g: -g * s, "mean of the noise"),
    (check.tweedie, lambda y, s, g: y + s / g**2, "not divided"),
    (check.tweedie, lambda y, s, g: (y + g**2 * s) / (1 + g**2), "no further shrinking"),
]  # fmt: skip

TestLesson22 = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize(
    ("exercise", "attempt"),
    [
        (check.mixture_score, lambda x, *m: right_score(x.double(), *(part.double() for part in m))),
        (check.mixture_score, lambda x, p, m, s: pulled(responsibilities(x, p, m, s), x, m, s).tolist()),
        (check.langevin_step, lambda x, s, e, z: (x.numpy() + e / 2 * s.numpy() + np.sqrt(e) * z.numpy()).astype(np.float64)),
        (check.step_for_error, lambda e: torch.tensor(4 * e / (1 + e))),
        (check.acceptance, lambda *case: list(right_acceptance(*case))),
        (check.hyvarinen, lambda *case: right_hyvarinen(*case).item()),
        (check.tweedie, lambda y, s, g: y.double() + g**2 * s.double()),
    ],
)
def test_other_styles_and_types_pass(exercise, attempt):
    assert exercise(attempt, record=False).status == "right"


def test_chains_by_the_right_step_have_the_error_that_the_right_step_size_says():
    step, g = right_step_for_error(0.25), runtime.generator(0)
    x = torch.zeros(100_000, 1)
    for _ in range(40):
        x = right_step(x, -x, step, torch.randn(x.shape, generator=g))
    assert x.var().item() == pytest.approx(1.25, rel=0.02)
