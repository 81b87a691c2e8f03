"""Lesson 23: the right answers pass, in more than one style, and each likely mistake is told what it is."""

import math

import numpy as np
import pytest
import torch
from frame import frame

from course_lib.checks import lesson_23 as check


def right_velocity(x, t, points):  # by log-densities of a library's own Gaussian
    gaussian = torch.distributions.Normal((1 - t) * points, t)
    w = gaussian.log_prob(x[:, None]).sum(-1).softmax(-1)
    return (w[..., None] * (x[:, None] - points)).sum(1) / t


def right_step(x, data, t, s):  # by precisions
    a = (1 - t) / (1 - s)
    precision = 1 / s**2 + a**2 / (t**2 - a**2 * s**2)
    return (data * (1 - s) / s**2 + a * x / (t**2 - a**2 * s**2)) / precision, torch.tensor(1 / precision)


def posterior_variance(t, s):
    return right_step(torch.zeros(1), torch.zeros(1), t, s)[1].item()


def right_ddim(x, v, t, s, eta, noise):  # from Euler's step
    fresh = eta**2 * posterior_variance(t, s)
    old = x + v - t * v
    return x + (s - t) * v + (math.sqrt(s * s - fresh) - s) * old + math.sqrt(fresh) * noise


def right_guidance(free, given, w, from_conditional):
    return torch.lerp(free, given, w + from_conditional)


def right_density(x, A):
    M = torch.linalg.matrix_exp(A)
    return torch.distributions.MultivariateNormal(torch.zeros(len(A)), precision_matrix=M.T @ M).log_prob(x)


RIGHT = {
    check.velocity: right_velocity,
    check.step_back: right_step,
    check.ddim: right_ddim,
    check.guidance: right_guidance,
    check.density: right_density,
}


def squares(x, t, points):
    return ((x[:, None] - (1 - t) * points) ** 2).sum(-1)


def by(weights):
    return lambda x, t, points: (x - weights(x, t, points) @ points) / t


def normal(z):
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)


exp = torch.linalg.matrix_exp


def dropped(x, v, t, s, eta, noise, old, fresh):
    return (1 - s) * (x - t * v) + old * (x + (1 - t) * v) + fresh * noise


def sigma(t, s, eta):
    return eta * posterior_variance(t, s) ** 0.5


def forgets_to_shrink(x, data, t, s):
    return (x * s**2 + (1 - s) * data * (t**2 - s**2)) / t**2, s**2 * (t**2 - s**2) / t**2


def forgets_the_factor(x, data, t, s):
    step = t**2 - ((1 - t) / (1 - s) * s) ** 2
    return (x * s**2 + (1 - s) * data * step) / (s**2 + step), s**2 * step / (s**2 + step)


def steps_forward(x, v, t, s, eta, noise):
    fresh = eta**2 * (t**2 - ((1 - t) / (1 - s) * s) ** 2)
    return dropped(x, v, t, s, eta, noise, max(0, s**2 - fresh) ** 0.5, fresh**0.5)


SLIPS = (
    (check.velocity, lambda x, t, p: (x - (1 - t) * (-squares(x, t, p) / 2 / t**2).softmax(1) @ p) / t, "points themselves"),
    (check.step_back, lambda x, d, t, s: (right_step(x, d / (1 - s), t, s)[0], right_step(x, d, t, s)[1]),
     "1 − s is missing"),
    (check.step_back, lambda x, d, t, s: ((1 - s) * d + s / t * (x - (1 - t) * d), s**2), "without fresh noise"),
    (check.ddim, lambda x, v, t, s, eta, z: (1 - s) * (x - t * v) + max(s**2 - eta**2, 0) ** 0.5 * (x + (1 - t) * v) + eta * z,
     "eta is a share"),
    (check.guidance, lambda f, g, w, c: f + (1 + w if c else w) * (f - g), "from free towards given"),
    (check.density, lambda x, A: right_density(x, A) - A.trace() + A.sum(), "diagonal alone"),
    (check.density, lambda x, A: right_density(x, A) - A.trace() + torch.linalg.det(A), "det exp(A)"),
    (check.velocity, lambda *case: -right_velocity(*case), "noise minus data"),
    (check.velocity, lambda x, t, p: (p - x[:, None]).mul((-squares(x, t, p) / 2 / t**2).softmax(1)[..., None]).sum(1) / (1 - t),
     "other convention"),
    (check.velocity, lambda x, t, p: right_velocity(x, t, p) * t / (1 - t), "not by 1 − t"),
    (check.velocity, lambda x, t, p: right_velocity(x, t, p) * t, "division by t is missing"),
    (check.velocity, lambda x, t, p: x - t * right_velocity(x, t, p), "mean of the data given x"),
    (check.velocity, by(lambda x, t, p: (-((x[:, None] - p) ** 2).sum(-1) / 2 / t**2).softmax(1)), "(1 − t) times each point"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) / t**2).softmax(1)), "½"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) / 2 / t).softmax(1)), "t², not t"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) / 2).softmax(1)), "divided by the variance"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) / 2 / t**2).softmax(0)), "not over the batch"),
    (check.velocity, by(lambda x, t, p: (squares(x, t, p) / 2 / t**2).softmax(1)), "a minus is missing"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) / 2 / t**2).exp()), "add up to 1"),
    (check.velocity, by(lambda x, t, p: (-squares(x, t, p) ** 0.5 / 2 / t**2).softmax(1)), "squared distance"),
    (check.velocity, lambda x, t, p: (x - p[squares(x, t, p).min(1).indices]) / t, "nearest one alone"),
    (check.velocity, lambda x, t, p: (x - p.sum(0) / len(p)) / t, "weigh the same"),
    (check.step_back, lambda x, d, t, s: (right_step(x, d, t, s)[0], t**2 - ((1 - t) / (1 - s) * s) ** 2), "step forward"),
    (check.step_back, lambda x, d, t, s: (right_step(x, d, t, s)[0], posterior_variance(t, s) ** 0.5), "standard deviation"),
    (check.step_back, lambda x, d, t, s: (right_step(x, d, t, s)[0], 1 / posterior_variance(t, s)), "precision"),
    (check.step_back, lambda x, d, t, s: (right_step(x, d, t, s)[0], s * s), "x_t narrows it"),
    (check.step_back, lambda x, d, t, s: (d - s * d, s * s), "by Bayes' rule"),
    (check.step_back, lambda x, d, t, s: right_step(d, x, t, s), "changed places"),
    (check.step_back, forgets_to_shrink, "shrinks"),
    (check.step_back, forgets_the_factor, "multiplies x_t"),
    (check.step_back, lambda x, d, t, s: right_step(x, d, t, s)[::-1], "mean first"),
    (check.ddim, lambda x, v, t, s, e, n: dropped(x, v, t, s, e, n, s, sigma(t, s, e)), "give way"),
    (check.ddim, lambda x, v, t, s, e, n: dropped(x, v, t, s, e, n, s - sigma(t, s, e), sigma(t, s, e)), "variances add"),
    (check.ddim, lambda x, v, t, s, e, n: right_ddim(x, v, t, s, e**0.5, n), "eta²"),
    (check.ddim, lambda x, v, t, s, e, n: dropped(x, v, t, s, e, n, (s**2 - sigma(t, s, e) ** 2) ** 0.5, sigma(t, s, e) ** 2),
     "not by the variance"),
    (check.ddim, steps_forward, "step forward"),
    (check.ddim, lambda x, v, t, s, e, n: right_ddim(x, v, t, s, 0, n), "eta = 0"),
    (check.ddim, lambda x, v, t, s, e, n: right_ddim(x, v, t, s, e, 0 * n), "not added"),
    (check.ddim, lambda x, v, t, s, e, n: right_ddim(x, -v, t, s, e, n), "sign of v"),
    (check.guidance, lambda f, g, w, c: f + w * (g - f), "there it is 1 + w"),
    (check.guidance, lambda f, g, w, c: g + w * (g - f), "must give the unconditional"),
    (check.guidance, lambda f, g, w, c: right_guidance(f, g, w, not c), "conventions have changed places"),
    (check.guidance, lambda f, g, w, c: right_guidance(g, f, w, c), "free and given have changed places"),
    (check.guidance, lambda f, g, w, c: f + (w + c) * g, "only the difference"),
    (check.guidance, lambda f, g, w, c: right_guidance(f, g, w - 2 * c, c), "grows by 1"),
    (check.guidance, lambda f, g, w, c: g + w * f, "add w times the difference"),
    (check.density, lambda x, A: right_density(x, A) - 2 * A.trace(), "sign of the trace"),
    (check.density, lambda x, A: normal(x @ exp(A).T), "trace is missing"),
    (check.density, lambda x, A: normal(x) + A.diag().sum(), "followed to its end"),
    (check.density, lambda x, A: normal(x + x @ A.T) + A.trace(), "one Euler step"),
    (check.density, lambda x, A: normal(x @ A.T) + A.trace(), "A x is the velocity"),
    (check.density, lambda x, A: normal(x @ A.exp().T) + A.trace(), "each entry"),
    (check.density, lambda x, A: normal(x @ exp(A)) + A.trace(), "transpose"),
    (check.density, lambda x, A: normal(x @ exp(-A).T) + A.trace(), "not exp(−A)"),
    (check.density, lambda x, A: normal(x @ exp(A).T) + exp(A).trace(), "that of A"),
    (check.density, lambda x, A: normal(x @ exp(A).T) + torch.linalg.det(exp(A)), "log of the determinant"),
    (check.density, lambda x, A: right_density(x, A) + len(A) / 2 * math.log(2 * math.pi), "constant"),
    (check.density, lambda x, A: normal(x @ exp(A).T).sum() + A.trace(), "per row"),
)  # fmt: skip


class TestLesson23(frame(check, RIGHT, SLIPS)):
    """The frame's tests, on this lesson's exercises."""


@pytest.mark.parametrize("exercise", RIGHT, ids=lambda value: value.__name__)
def test_numpy_and_double_precision_pass(exercise):
    def doubled(*case):
        return RIGHT[exercise](*(part.double() if isinstance(part, torch.Tensor) else part for part in case))

    def by_numpy(*case):
        found = RIGHT[exercise](*case)
        return tuple(np.asarray(part) for part in found) if isinstance(found, tuple) else found.numpy()

    if exercise is not check.density:  # its right answer here is made of single-precision parts
        assert exercise(doubled, record=False).status == "right"
    assert exercise(by_numpy, record=False).status == "right"
