"""Lesson 21: the right answers pass, and each likely mistake is told what it is."""

import math

import pytest
import torch
from frame import frame

from course_lib.checks import lesson_21 as check


def right_change(z, slope):
    return torch.distributions.Normal(0.0, 1.0).log_prob(z) + torch.log(torch.abs(slope))


def right_inverse(z, log_scale, shift):
    return (z - shift) / log_scale.exp(), -torch.sum(log_scale, dim=-1)


def right_planar(x, u, w, b):
    slope = 1 / torch.cosh((x * w).sum(1) + b) ** 2
    return torch.log(torch.abs(1 + slope * torch.dot(u, w))), torch.dot(u, w).item() > -1


def right_bound(log_density, x, noise, levels):
    rows = [log_density((x + u) / levels) for u in noise]
    return torch.stack(rows).double().mean(0) - x.shape[1] * math.log(levels)


def right_bits(log_density, dimensions, levels):
    return (dimensions * math.log(levels) - log_density.double()) / (dimensions * math.log(2))


RIGHT = {
    check.change_of_variables: right_change,
    check.coupling_inverse: right_inverse,
    check.planar: right_planar,
    check.bound: right_bound,
    check.bits_per_dim: right_bits,
}


def normal(z):
    return -0.5 * z**2 - 0.5 * math.log(2 * math.pi)


def back(z, s, t):
    return (z - t) / s.exp()


def slope_of(x, w, b):
    return 1 - torch.tanh(x @ w + b).square()


def planar(det=None, condition=None):
    def attempt(x, u, w, b):
        right = right_planar(x, u, w, b)
        return det(x, u, w, b) if det else right[0], condition(u, w) if condition else right[1]

    return attempt


def cells(f, x, u, K):
    return f((x + u) / K)


SLIPS = [
    (check.change_of_variables, lambda z, s: -(z**2) / 2 - math.log(2 * math.pi) + s.abs().log(), "half of log 2π"),
    (check.planar, lambda x, u, w, b: (right_planar(x, u, w, 0 * b)[0], bool(u @ w >= -1)), "b is missing"),
    (
        check.planar,
        lambda x, u, w, b: (right_planar(x, u, w, b)[0], bool((1 + (u @ w) * (1 - torch.tanh(x @ w + b) ** 2) > 0).all())),
        "everywhere",
    ),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(0) - len(x) * math.log(K), "not B examples"),
    (check.change_of_variables, lambda z, s: normal(z), "slope is missing"),
    (check.change_of_variables, lambda z, s: normal(z) - s.abs().log(), "log |dz/dx| is added"),
    (check.change_of_variables, lambda z, s: normal(z) + s.log(), "absolute value"),
    (check.change_of_variables, lambda z, s: normal(z) + s.abs(), "*logarithm*"),
    (check.change_of_variables, lambda z, s: normal(z) * s.abs(), "multiplies the density itself"),
    (check.change_of_variables, lambda z, s: s.abs().log() - z**2 / 2, "2π"),
    (check.change_of_variables, lambda z, s: normal(z).exp() * s.abs(), "logarithm is wanted"),
    (check.change_of_variables, lambda z, s: (normal(z) + s.abs().log()).sum(), "not their sum"),
    (check.coupling_inverse, lambda z, s, t: (z / s.exp() - t, -s.sum(1)), "order"),
    (check.coupling_inverse, lambda z, s, t: (z * s.exp() + t, -s.sum(1)), "forward layer"),
    (check.coupling_inverse, lambda z, s, t: (z * s.exp() + t, s.sum(1)), "forward layer"),
    (check.coupling_inverse, lambda z, s, t: ((z - t) * s.exp(), -s.sum(1)), "scale must be undone"),
    (check.coupling_inverse, lambda z, s, t: ((z + t) / s.exp(), -s.sum(1)), "subtracted"),
    (check.coupling_inverse, lambda z, s, t: ((z - t) / s, -s.sum(1)), "is a logarithm"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), s.sum(1)), "−Σ s"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), -s), "one number per example"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), -s.sum()), "not over the batch"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), -s.sum(0)), "axis 1"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), -s.mean(1)), "not averaged"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), (-s).exp().prod(1)), "that is the determinant"),
    (check.coupling_inverse, lambda z, s, t: (back(z, s, t), (-s).exp().sum(1)), "product of scales"),
    (check.planar, planar(lambda x, u, w, b: (1 + u @ w * torch.tanh(x @ w + b)).abs().log()), "*slope*"),
    (check.planar, planar(lambda x, u, w, b: (u @ w * slope_of(x, w, b)).abs().log()), "1 is missing"),
    (check.planar, planar(lambda x, u, w, b: 1 + u @ w * slope_of(x, w, b)), "that is the determinant"),
    (check.planar, planar(lambda x, u, w, b: (1 + u @ w * slope_of(x, w, b)).log()), "absolute value"),
    (check.planar, planar(lambda x, u, w, b: right_planar(x, u, w, b)[0].sum()), "one number per example"),
    (check.planar, planar(lambda x, u, w, b: (1 + slope_of(x, w, b)[:, None] * u * w).abs().log().sum(1)), "*inner* product"),
    (check.planar, planar(lambda x, u, w, b: (1 + w @ w * slope_of(x, w, b)).log()), "w·w"),
    (check.planar, planar(lambda x, u, w, b: -right_planar(x, u, w, b)[0]), "inverse layer"),
    (check.planar, planar(condition=lambda u, w: (u @ w).item() >= 0), "small negative"),
    (check.planar, planar(condition=lambda u, w: (u @ w).item() < -1), "turned around"),
    (check.planar, planar(condition=lambda u, w: (u @ w).item() >= 1), "bound is −1"),
    (check.planar, planar(condition=lambda u, w: abs((u @ w).item()) <= 1), "no upper bound"),
    (check.planar, planar(condition=lambda u, w: (u * w).min().item() >= -1), "not on each coordinate"),
    (check.planar, planar(condition=lambda u, w: True), "folds the plane"),
    (check.bound, lambda f, x, u, K: cells(f, x, 0.5 * u, K).mean(0) - x.shape[1] * math.log(K), "half of each cell"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(0), "log-density"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(0) - math.log(K), "every one of the D"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(0) + x.shape[1] * math.log(K), "*smaller*"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).exp().mean(0).log() - x.shape[1] * math.log(K), "importance bound"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).sum(0) - x.shape[1] * math.log(K), "not summed"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean() - x.shape[1] * math.log(K), "one number per example"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(1) - x.shape[1] * math.log(K), "not over the examples"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K) - x.shape[1] * math.log(K), "mean over the draws is missing"),
    (check.bound, lambda f, x, u, K: f(x / K) - x.shape[1] * math.log(K), "corner"),
    (check.bound, lambda f, x, u, K: f((x + u) / (K - 1)).mean(0) - x.shape[1] * math.log(K), "divide by K; with K − 1"),
    (check.bound, lambda f, x, u, K: f((x + u - 0.5) / K).mean(0) - x.shape[1] * math.log(K), "not centred"),
    (check.bound, lambda f, x, u, K: f(x / K + u).mean(0) - x.shape[1] * math.log(K), "width of one level"),
    (check.bound, lambda f, x, u, K: f(x + u).mean(0) - x.shape[1] * math.log(K), "lives on (0, 1)"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).exp().mean(0) * K ** -x.shape[1], "on its logarithm"),
    (check.bound, lambda f, x, u, K: f((x + 0.5) / K) - x.shape[1] * math.log(K), "middle of the cell"),
    (check.bound, lambda f, x, u, K: f((x + u) / 256).mean(0) - x.shape[1] * math.log(256), "256 is"),
    (check.bound, lambda f, x, u, K: cells(f, x, u, K).mean(0) - x.shape[1] * math.log2(K), "in nats"),
    (check.bits_per_dim, lambda d, D, K: -d / D / math.log(2) + 8, "256 levels"),
    (check.bits_per_dim, lambda d, D, K: -d / D / math.log(2), "negative bits"),
    (check.bits_per_dim, lambda d, D, K: -d / D + math.log(K), "nats per dimension"),
    (check.bits_per_dim, lambda d, D, K: -d / D + math.log2(K), "in nats still"),
    (check.bits_per_dim, lambda d, D, K: -d / D / math.log(2) - math.log2(K), "log₂ K is added"),
    (check.bits_per_dim, lambda d, D, K: -d / math.log(2) + D * math.log2(K), "bits per image"),
    (check.bits_per_dim, lambda d, D, K: d / D / math.log(2) + math.log2(K), "sign of the log-density"),
    (check.bits_per_dim, lambda d, D, K: (math.log2(K) - d / math.log(2)) / D, "added whole"),
    (check.bits_per_dim, lambda d, D, K: -d / D / math.log(2) + math.log2(K - 1), "not K − 1"),
    (check.bits_per_dim, lambda d, D, K: -d * math.log(2) / D + math.log2(K), "*divides*"),
    (check.bits_per_dim, lambda d, D, K: right_bits(d, D, K).mean(), "not the mean"),
    (check.bits_per_dim, lambda d, D, K: -d / D / math.log(2) + math.log(K), "log₂, not log"),
]

TestLesson = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize("exercise", [check.bound])
def test_the_bound_of_the_check_lies_below_the_exact_mass(exercise):
    x = torch.tensor([[0.0, 3.0], [2.0, 1.0]])
    noise = torch.rand(4_000, 2, 2, generator=torch.Generator().manual_seed(0))
    found = right_bound(check._log_density, x, noise, 4)
    mass = ((0.5 + (x.double() + 0.5) / 4) / 4).prod(1).log()  # of each cell, exactly
    assert (found < mass).all()
    assert (found > mass - 0.02).all()
