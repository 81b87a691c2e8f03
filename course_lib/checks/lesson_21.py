"""Exercises of lesson 21, normalising flows: a density on a line, a coupling undone, a planar layer, dequantisation, bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import gaussian_log_prob

EXERCISES = {
    "21.1": "the density of x from that of z, on a line",
    "21.2": "an affine coupling, undone",
    "21.3": "determinant of a planar layer, and whether it can be undone",
    "21.4": "a bound on the mass of grey levels",
    "21.5": "bits per dimension",
}


def change_of_variables(attempt, *, record: bool = True) -> Verdict:
    """21.1 attempt(z (N,), slope (N,)) -> log p(x) in nats, (N,), where z = f(x) is standard normal and slope = df/dx."""

    def base(z: Tensor) -> Tensor:
        return gaussian_log_prob(z)

    slips = (
        Slip(lambda z, s: base(z), "the slope is missing: where f stretches, a mass of z comes from a shorter piece of x."),
        Slip(lambda z, s: base(z) - s.abs().log(), "that is the density of z from that of x: here log |dz/dx| is added."),
        Slip(lambda z, s: base(z) + s.log(), "a falling f has a negative slope: the absolute value is missing."),
        Slip(lambda z, s: base(z) + s.abs(), "the slope multiplies the density, so its *logarithm* is added."),
        Slip(lambda z, s: base(z) * s.abs(), "the slope multiplies the density itself; in logarithms it is added."),
        Slip(lambda z, s: -(z**2) / 2 - math.log(2 * math.pi) + s.abs().log(), "the Gaussian has √(2π): half of log 2π."),
        Slip(lambda z, s: -0.5 * z**2 + s.abs().log(), "the ½ log 2π of the Gaussian is missing: the total mass is not 1."),
        Slip(lambda z, s: (base(z) + s.abs().log()).exp(), "that is the density; its logarithm is wanted."),
        Slip(lambda z, s: (base(z) + s.abs().log()).sum(), "one number per point is wanted, not their sum."),
    )
    cases = [
        (torch.tensor([0.3, -1.2, 2.0]), torch.tensor([2.0, 0.5, 3.0])),
        (torch.tensor([0.0, 1.0]), torch.tensor([-4.0, -0.25])),
    ]
    return grade("21.1", attempt, lambda z, s: base(z) + s.abs().log(), cases, slips, record=record)


def coupling_inverse(attempt, *, record: bool = True) -> Verdict:
    """21.2 attempt(z, log_scale, shift), each (B, K) -> (x (B, K), log |det dx/dz| (B,)), where z = x exp(log_scale) + shift."""

    def answer(z: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return (z - t) * torch.exp(-s), -s.sum(1)

    def with_x(x):
        return lambda z, s, t: (x(z, s, t), -s.sum(1))

    def with_det(det):
        return lambda z, s, t: ((z - t) * torch.exp(-s), det(s))

    slips = (
        Slip(with_x(lambda z, s, t: z * torch.exp(-s) - t), "order: the shift came last, so undo it first, then the scale."),
        Slip(with_x(lambda z, s, t: z * torch.exp(s) + t), "that is the forward layer once more; the inverse is wanted."),
        Slip(lambda z, s, t: (z * torch.exp(s) + t, s.sum(1)), "that is the forward layer once more; the inverse is wanted."),
        Slip(with_x(lambda z, s, t: (z - t) * torch.exp(s)), "the scale must be undone too: divide by exp(log_scale)."),
        Slip(with_x(lambda z, s, t: (z + t) * torch.exp(-s)), "the shift was added, so it is subtracted."),
        Slip(with_x(lambda z, s, t: (z - t) / s), "log_scale is a logarithm: divide by exp(log_scale)."),
        Slip(
            with_det(lambda s: s.sum(1)),
            "x is right; the determinant of the inverse is 1 over that of the layer: its log is −Σ s.",
        ),
        Slip(with_det(lambda s: -s), "x is right; log |det| is one number per example: the sum over the K stretches."),
        Slip(with_det(lambda s: -s.sum()), "x is right; the sum goes over the K coordinates, not over the batch."),
        Slip(with_det(lambda s: -s.sum(0)), "x is right; the sum goes over the coordinates, axis 1, not over the batch."),
        Slip(with_det(lambda s: -s.mean(1)), "x is right; log-scales are summed, not averaged: a volume is a product."),
        Slip(with_det(lambda s: torch.exp(-s).prod(1)), "x is right; that is the determinant, and its logarithm is wanted."),
        Slip(with_det(lambda s: torch.exp(-s).sum(1)), "x is right; a determinant is a product of scales: sum their logarithms."),
    )
    cases = []
    for seed, shape in ((0, (3, 2)), (1, (2, 4))):
        g = runtime.generator(seed)
        cases.append(tuple(torch.randn(*shape, generator=g) for _ in range(3)))
    return grade("21.2", attempt, answer, cases, slips, record=record)


def planar(attempt, *, record: bool = True) -> Verdict:
    """21.3 attempt(x (B, D), u (D,), w (D,), b) -> (log |det dz/dx| (B,), can the layer be undone), z = x + u tanh(w·x + b)."""

    def bent(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return 1 - torch.tanh(x @ w + b) ** 2

    def log_det(x: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return (1 + (u @ w) * bent(x, w, b)).abs().log()

    def fine(u: Tensor, w: Tensor) -> bool:
        return bool(u @ w >= -1)

    def with_det(det):
        return lambda x, u, w, b: (det(x, u, w, b), fine(u, w))

    def with_condition(condition):
        return lambda x, u, w, b: (log_det(x, u, w, b), condition(u, w))

    def here(x: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, bool]:
        return log_det(x, u, w, b), bool((1 + (u @ w) * bent(x, w, b) > 0).all())

    slips = (
        Slip(with_det(lambda x, u, w, b: (1 + (u @ w) * torch.tanh(x @ w + b)).abs().log()),
             "the *slope* of tanh is wanted: 1 − tanh²."),
        Slip(with_det(lambda x, u, w, b: ((u @ w) * bent(x, w, b)).abs().log()),
             "the 1 is missing: the layer is the identity plus a bend."),
        Slip(with_det(lambda x, u, w, b: 1 + (u @ w) * bent(x, w, b)),
             "that is the determinant; the log of its absolute value is wanted."),
        Slip(with_det(lambda x, u, w, b: (1 + (u @ w) * bent(x, w, b)).log()),
             "where the determinant is negative, log needs its absolute value."),
        Slip(with_det(lambda x, u, w, b: log_det(x, u, w, b).sum()), "one number per example is wanted, not the batch's sum."),
        Slip(with_det(lambda x, u, w, b: (1 + u * w * bent(x, w, b)[:, None]).abs().log().sum(-1)),
             "the lemma has the *inner* product u·w: det(I + u vᵀ) = 1 + v·u, not the product of the diagonal."),
        Slip(with_det(lambda x, u, w, b: (1 + w.square().sum() * bent(x, w, b)).abs().log()),
             "that is w·w; the lemma has u·w: along u the points move, along w the bend is measured."),
        Slip(with_det(lambda x, u, w, b: log_det(x, u, w, 0 * b)), "b is missing: the slope is taken at w·x + b."),
        Slip(here, "everywhere, not at the given x alone: the slope of tanh comes up to 1, so that u·w decides."),
        Slip(with_det(lambda x, u, w, b: -log_det(x, u, w, b)), "that is log |det dx/dz|, of the inverse layer."),
        Slip(with_condition(lambda u, w: bool(u @ w >= 0)), "a small negative u·w does no harm: 1 + u·w tanh' stays above 0."),
        Slip(with_condition(lambda u, w: bool(u @ w >= 1)), "the bound is −1: 1 + u·w tanh' > 0 needs u·w > −1, for tanh' ≤ 1."),
        Slip(with_condition(lambda u, w: bool((u @ w).abs() <= 1)), "a large positive u·w only stretches: no upper bound."),
        Slip(with_condition(lambda u, w: bool((u * w >= -1).all())), "the condition is on u·w, not on each coordinate."),
        Slip(with_condition(lambda u, w: True), "not every planar layer can be undone: where u·w < −1 it folds the plane."),
        Slip(with_condition(lambda u, w: bool(u @ w <= -1)), "the condition is turned around: u·w ≥ −1 can be undone."),
    )  # fmt: skip
    g = runtime.generator(2)
    x, w = torch.randn(4, 2, generator=g), torch.tensor([1.0, -0.5])
    cases = [
        (x, torch.tensor([1.0, -2.0]), w, torch.tensor(0.3)),  # u·w = 2
        (x, torch.tensor([0.3, -0.4]), w, torch.tensor(-0.1)),  # u·w = 0.5
        (x, torch.tensor([-0.3, 0.4]), w, torch.tensor(-0.2)),  # u·w = -0.5
        (0.3 * x, torch.tensor([-0.9, 2.2]), w, torch.tensor(0.1)),  # u·w = -2, each u w above -1.2
        (0.3 * x, torch.tensor([-0.9, 1.8]), w, torch.tensor(0.1)),  # u·w = -1.8, each u w at least -0.9
        (0.3 * x + 4 * w, torch.tensor([-0.9, 1.8]), w, torch.tensor(0.1)),  # the same, far from where it folds
    ]
    truth = with_det(log_det)
    return grade("21.3", attempt, truth, cases, slips, record=record)


def _log_density(y: Tensor) -> Tensor:
    """A density on (0, 1)^D whose cells have exact masses: p(y) = ∏ (½ + y_d)."""
    return torch.log(0.5 + y).sum(-1)


def bound(attempt, *, record: bool = True) -> Verdict:
    """21.4 attempt(log_density, x (B, D), noise (R, B, D), levels) -> a lower bound on log P(x) in nats, (B,), by R draws."""

    def at(f, x: Tensor, u: Tensor, K: int) -> Tensor:
        return f((x + u) / K)  # (R, B)

    def by(make):
        """A slip from the log-densities of the draws, the whole number of levels and D."""
        return lambda f, x, u, K: make(at(f, x, u, K), K, x.shape[-1])

    slips = (
        Slip(lambda f, x, u, K: at(f, x, u / 2, K).mean(0) - x.shape[-1] * math.log(K),
             "the noise fills half of each cell only: no bound on the mass of the whole cell."),
        Slip(lambda f, x, u, K: at(f, x, u, K).mean(0) - x.shape[0] * math.log(K), "D pixels count, not B examples."),
        Slip(by(lambda d, K, D: d.mean(0)), "that is a log-density: a cell's mass is about p · K^−D, so D log K is taken off."),
        Slip(by(lambda d, K, D: d.mean(0) - math.log(K)), "every one of the D pixels has a cell of width 1/K: take off D log K."),
        Slip(by(lambda d, K, D: d.mean(0) + D * math.log(K)), "a cell is *smaller* than the unit square: D log K is taken off."),
        Slip(by(lambda d, K, D: torch.logsumexp(d, 0) - math.log(len(d)) - D * math.log(K)),
             "that is the log of the mean, the importance bound of lesson 12; here the mean of the logs is asked for."),
        Slip(by(lambda d, K, D: d.sum(0) - D * math.log(K)), "the draws are averaged, not summed."),
        Slip(
            by(lambda d, K, D: d.mean() - D * math.log(K)), "one number per example: the mean is over the draws, axis 0, alone."
        ),
        Slip(by(lambda d, K, D: d.mean(1) - D * math.log(K)), "the mean goes over the draws, axis 0, not over the examples."),
        Slip(by(lambda d, K, D: d - D * math.log(K)), "the mean over the draws is missing."),
        Slip(lambda f, x, u, K: at(f, x, 0 * u, K).mean(0) - x.shape[-1] * math.log(K),
             "without noise that is the density at the cell's corner: add the noise to the whole number."),
        Slip(lambda f, x, u, K: f((x + u) / (K - 1)).mean(0) - x.shape[-1] * math.log(K),
             "K levels have K cells: divide by K; with K − 1 the last cell lies outside (0, 1)."),
        Slip(lambda f, x, u, K: f((x + u - 0.5) / K).mean(0) - x.shape[-1] * math.log(K),
             "level k owns the cell from k / K to (k + 1) / K: the noise is not centred."),
        Slip(lambda f, x, u, K: f(x / K + u).mean(0) - x.shape[-1] * math.log(K),
             "the noise has the width of one level: add it before you divide by K."),
        Slip(
            lambda f, x, u, K: f(x + u).mean(0) - x.shape[-1] * math.log(K), "the density lives on (0, 1): divide x + noise by K."
        ),
        Slip(by(lambda d, K, D: d.exp().mean(0) / K**D), "that is a mass; the bound is on its logarithm."),
        Slip(lambda f, x, u, K: at(f, x, 0 * u + 0.5, K).mean(0) - x.shape[-1] * math.log(K),
             "that is the density in the middle of the cell; a bound needs the mean over noise in the whole cell."),
        Slip(lambda f, x, u, K: at(f, x, u, 256).mean(0) - x.shape[-1] * math.log(256),
             "256 is the number of levels of a grey pixel; here it is the argument `levels`."),
        Slip(by(lambda d, K, D: d.mean(0) - D * math.log2(K)), "the bound is in nats: the natural logarithm of K, not log₂."),
    )  # fmt: skip
    cases = []
    for seed, (R, B, D, K) in ((3, (5, 3, 2, 4)), (4, (6, 2, 3, 8))):
        g = runtime.generator(seed)
        x = torch.randint(K, (B, D), generator=g).float()
        cases.append((_log_density, x, torch.rand(R, B, D, generator=g), K))
    return grade("21.4", attempt, by(lambda d, K, D: d.mean(0) - D * math.log(K)), cases, slips, record=record)


def bits_per_dim(attempt, *, record: bool = True) -> Verdict:
    """21.5 attempt(log_density (B,) in nats, of pixels in (0, 1), dimensions, levels) -> bits per dimension, (B,)."""

    def bits(d: Tensor, D: int, K: int) -> Tensor:
        return -d / (D * math.log(2)) + math.log2(K)

    slips = (
        Slip(
            lambda d, D, K: -d / (D * math.log(2)),
            "the levels are missing, and good flows then show negative bits: add log₂ of the number of levels.",
        ),
        Slip(lambda d, D, K: -d / D + math.log(K), "that is nats per dimension: divide by log 2."),
        Slip(lambda d, D, K: -d / D + math.log2(K), "the density's part is in nats still: divide it by log 2."),
        Slip(
            lambda d, D, K: -d / (D * math.log(2)) - math.log2(K), "the width of a level makes the mass smaller: log₂ K is added."
        ),
        Slip(lambda d, D, K: -d / math.log(2) + D * math.log2(K), "that is bits per image: divide by the number of dimensions."),
        Slip(
            lambda d, D, K: d / (D * math.log(2)) + math.log2(K),
            "the sign of the log-density: a more probable image needs fewer bits.",
        ),
        Slip(lambda d, D, K: -d / (D * math.log(2)) + math.log2(K) / D, "each dimension has K levels: log₂ K is added whole."),
        Slip(lambda d, D, K: -d / (D * math.log(2)) + math.log2(K - 1), "there are K levels, not K − 1."),
        Slip(lambda d, D, K: -d * math.log(2) / D + math.log2(K), "from nats to bits one *divides* by log 2 = 0.693."),
        Slip(lambda d, D, K: bits(d, D, K).mean(), "one number per image is wanted, not the mean of the batch."),
        Slip(lambda d, D, K: -d / (D * math.log(2)) + math.log(K), "the levels' part is in nats: log₂, not log."),
        Slip(
            lambda d, D, K: -d / (D * math.log(2)) + 8, "8 bits are log₂ of 256 levels; here it is log₂ of the argument `levels`."
        ),
    )
    cases = [(torch.tensor([1500.0, -20.0]), 784, 256), (torch.tensor([3.0, 0.5, -1.0]), 4, 16)]
    return grade("21.5", attempt, bits, cases, slips, record=record)
