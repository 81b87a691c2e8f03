"""Exercises of lesson 23, diffusion: exact velocity, one step back by Bayes, DDIM, two conventions of guidance, the trace."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.models.diffusion import paths
from course_lib.models.diffusion.point_set import PointSetFlow

EXERCISES = {
    "23.1": "the exact velocity of a finite set of points",
    "23.2": "one step back by Bayes' rule for two Gaussians",
    "23.3": "a DDIM step with fresh noise",
    "23.4": "the log-density of a linear flow by the trace",
    "23.5": "guidance in both conventions",
}


def velocity(attempt, *, record: bool = True) -> Verdict:
    """23.1 attempt(x (B, D), t, points (N, D)) -> the exact velocity (B, D) at the time t, one number in (0, 1)."""

    def squares(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (x[:, None] - (1 - t) * points).square().sum(2)  # (B, N)

    def by(weights: Tensor, x: Tensor, t: float, points: Tensor) -> Tensor:
        return (x - weights @ points) / t

    def weights(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (-squares(x, t, points) / (2 * t**2)).softmax(1)

    def truth(x: Tensor, t: float, points: Tensor) -> Tensor:
        return PointSetFlow(points=points).velocity(x, x.new_full((len(x),), t))

    def nearest(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (x - points[squares(x, t, points).argmin(1)]) / t

    def here(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (-(x[:, None] - points).square().sum(2) / (2 * t**2)).softmax(1)

    def raw(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (-squares(x, t, points) / (2 * t**2)).exp()

    def root(x: Tensor, t: float, points: Tensor) -> Tensor:
        return (-squares(x, t, points).sqrt() / (2 * t**2)).softmax(1)

    def each(make):
        return lambda *case: by(make(*case), *case)

    slips = (
        Slip(lambda *case: -truth(*case), "the sign is turned around: dx/dt is noise minus data, away from the points."),
        Slip(lambda x, t, p: (weights(x, t, p) @ p - x) / (1 - t), "that is the other convention's formula, noise at t = 0."),
        Slip(lambda x, t, p: t * truth(x, t, p) / (1 - t), "divide by t, not by 1 − t: data lie at t = 0 here."),
        Slip(lambda x, t, p: t * truth(x, t, p), "the division by t is missing."),
        Slip(lambda x, t, p: weights(x, t, p) @ p, "that is the mean of the data given x; the velocity is (x − mean) / t."),
        Slip(each(here), "measure the distance from (1 − t) times each point: at time t the points have moved towards 0."),
        Slip(each(lambda x, t, p: (-squares(x, t, p) / t**2).softmax(1)), "the ½ of the Gaussian's exponent is missing."),
        Slip(each(lambda x, t, p: (-squares(x, t, p) / (2 * t)).softmax(1)), "the variance of x given its point is t², not t."),
        Slip(each(lambda x, t, p: (-squares(x, t, p) / 2).softmax(1)), "the squares must be divided by the variance t²."),
        Slip(each(lambda x, t, p: (-squares(x, t, p) / (2 * t**2)).softmax(0)), "normalise over the points, not over the batch."),
        Slip(each(lambda x, t, p: (squares(x, t, p) / (2 * t**2)).softmax(1)), "near points weigh more: a minus is missing."),
        Slip(each(raw), "the weights must add up to 1 over the points."),
        Slip(each(root), "the exponent has the squared distance, not the distance."),
        Slip(lambda x, t, p: (x - (1 - t) * weights(x, t, p) @ p) / t,
             "the mean of the points themselves is taken off, not of (1 − t) times them."),
        Slip(nearest, "all points count, each by its probability given x, not the nearest one alone."),
        Slip(lambda x, t, p: (x - p.mean(0)) / t, "here all points weigh the same; use their probability given x."),
    )  # fmt: skip
    g = runtime.generator(23)
    cases = [(torch.randn(3, D, generator=g), t, torch.randn(N, D, generator=g)) for D, N, t in ((2, 4, 0.6), (3, 5, 0.35))]
    return grade("23.1", attempt, truth, cases, slips, record=record)


def step_back(attempt, *, record: bool = True) -> Verdict:
    """23.2 attempt(x_t (B,), x_0 (B,), t, s) -> mean (B,), variance of q(x_s | x_t, x_0) on the straight path; 0 < s < t < 1."""

    def parts(t: float, s: float) -> tuple[float, float]:
        a = (1 - t) / (1 - s)
        return a, t**2 - (a * s) ** 2

    def truth(x: Tensor, data: Tensor, t: float, s: float) -> tuple[Tensor, float]:
        of_x, of_data, variance = paths.posterior(t, s)
        return of_x * x + of_data * data, variance

    def mean(x: Tensor, data: Tensor, t: float, s: float) -> Tensor:
        return truth(x, data, t, s)[0]

    def flat(x: Tensor, data: Tensor, t: float, s: float) -> tuple[Tensor, float]:
        """Bayes with the variance t² − s² of a step that forgets to shrink x_s."""
        step = t**2 - s**2
        variance = 1 / (1 / s**2 + 1 / step)
        return variance * (x / step + (1 - s) * data / s**2), variance

    def unscaled(x: Tensor, data: Tensor, t: float, s: float) -> tuple[Tensor, float]:
        step = parts(t, s)[1]
        variance = 1 / (1 / s**2 + 1 / step)
        return variance * (x / step + (1 - s) * data / s**2), variance

    def deviation(x: Tensor, data: Tensor, t: float, s: float) -> tuple[Tensor, float]:
        return mean(x, data, t, s), truth(x, data, t, s)[1] ** 0.5

    def precision(x: Tensor, data: Tensor, t: float, s: float) -> tuple[Tensor, float]:
        return mean(x, data, t, s), 1 / truth(x, data, t, s)[1]

    slips = (
        Slip(lambda x, d, t, s: (mean(x, d, t, s), parts(t, s)[1]), "that is the variance of the step forward, q(x_t | x_s)."),
        Slip(deviation, "that is the standard deviation; the variance is wanted."),
        Slip(precision, "that is the precision; the variance is 1 over it."),
        Slip(lambda x, d, t, s: (mean(x, d, t, s), s**2), "that is the variance given x_0 alone; x_t narrows it."),
        Slip(lambda x, d, t, s: ((1 - s) * d, s**2), "that is q(x_s | x_0): x_t must come in by Bayes' rule."),
        Slip(lambda x, d, t, s: truth(d, x, t, s), "x_t and x_0 have changed places."),
        Slip(flat, "from s to t the point shrinks by (1 − t) / (1 − s) before noise is added: its variance is t² − a² s²."),
        Slip(lambda x, d, t, s: (truth(x, d / (1 - s), t, s)[0], truth(x, d, t, s)[1]),
             "given x_0, x_s has the mean (1 − s) x_0: the factor 1 − s is missing."),
        Slip(lambda x, d, t, s: ((1 - s) * d + s / t * (x - (1 - t) * d), s**2), "that is DDIM's mean without fresh noise."),
        Slip(unscaled, "x_t has the mean a x_s: the factor a = (1 − t) / (1 − s) multiplies x_t in the posterior's mean."),
        Slip(lambda x, d, t, s: truth(x, d, t, s)[::-1], "mean first, then variance."),
    )  # fmt: skip
    g = runtime.generator(24)
    cases = [(*torch.randn(2, 3, generator=g), t, s) for t, s in ((0.8, 0.5), (0.4, 0.3))]
    return grade("23.2", attempt, truth, cases, slips, record=record)


def ddim(attempt, *, record: bool = True) -> Verdict:
    """23.3 attempt(x (B, D), v (B, D), t, s, eta, noise (B, D)) -> x_s (B, D), with v the velocity at x and time t."""

    def made(x, v, t, s, *, kept: float, fresh: Tensor | float, sign: float = 1.0) -> Tensor:
        data, old = x - sign * t * v, x + sign * (1 - t) * v
        return (1 - s) * data + kept * old + fresh

    def variance(t: float, s: float, eta: float) -> float:
        return eta**2 * paths.posterior(t, s)[2]

    def truth(x, v, t, s, eta, noise) -> Tensor:
        fresh = variance(t, s, eta)
        return made(x, v, t, s, kept=(s**2 - fresh) ** 0.5, fresh=fresh**0.5 * noise)

    def forward(x, v, t, s, eta, noise) -> Tensor:
        fresh = eta**2 * (t**2 - ((1 - t) / (1 - s) * s) ** 2)
        return made(x, v, t, s, kept=max(s**2 - fresh, 0) ** 0.5, fresh=fresh**0.5 * noise)

    def once(x, v, t, s, eta, noise) -> Tensor:
        fresh = eta * paths.posterior(t, s)[2]
        return made(x, v, t, s, kept=(s**2 - fresh) ** 0.5, fresh=fresh**0.5 * noise)

    def squared(x, v, t, s, eta, noise) -> Tensor:
        fresh = variance(t, s, eta)
        return made(x, v, t, s, kept=(s**2 - fresh) ** 0.5, fresh=fresh * noise)

    def doubled(x, v, t, s, eta, noise) -> Tensor:
        return made(x, v, t, s, kept=s, fresh=variance(t, s, eta) ** 0.5 * noise)

    def difference(x, v, t, s, eta, noise) -> Tensor:
        return made(x, v, t, s, kept=s - variance(t, s, eta) ** 0.5, fresh=variance(t, s, eta) ** 0.5 * noise)

    def dry(x, v, t, s, eta, noise) -> Tensor:
        return made(x, v, t, s, kept=(s**2 - variance(t, s, eta)) ** 0.5, fresh=0.0)

    def swapped(x, v, t, s, eta, noise) -> Tensor:
        fresh = variance(t, s, eta)
        return made(x, v, t, s, kept=(s**2 - fresh) ** 0.5, fresh=fresh**0.5 * noise, sign=-1.0)

    slips = (
        Slip(doubled, "the old noise must give way: its factor is √(s² − σ²), so that both together have the variance s²."),
        Slip(difference, "variances add, not deviations: the old noise has the factor √(s² − σ²), not s − σ."),
        Slip(once, "eta multiplies the deviation σ, so the variance gets eta²."),
        Slip(squared, "the fresh noise is multiplied by the deviation σ, not by the variance."),
        Slip(forward, "that is the variance of the step forward; DDPM's fresh noise has that of q(x_s | x_t, x_0)."),
        Slip(lambda x, v, t, s, eta, noise: x + (s - t) * v, "that is eta = 0, without fresh noise: use eta."),
        Slip(dry, "the old noise is reduced, but the fresh noise is not added."),
        Slip(lambda x, v, t, s, eta, noise: made(x, v, t, s, kept=max(s**2 - eta**2, 0) ** 0.5, fresh=eta * noise),
             "eta is a share: the fresh deviation is eta times the deviation of q(x_s | x_t, x_0)."),
        Slip(swapped, "data are x − t v, and noise is x + (1 − t) v: the sign of v is turned around."),
    )  # fmt: skip
    g = runtime.generator(25)
    cases = [(*torch.randn(2, 2, 3, generator=g), t, s, eta, torch.randn(2, 3, generator=g))
             for t, s, eta in ((0.8, 0.6, 1.0), (0.5, 0.4, 0.5), (0.7, 0.2, 0.3))]  # fmt: skip
    return grade("23.3", attempt, truth, cases, slips, record=record)


def density(attempt, *, record: bool = True) -> Verdict:
    """23.4 attempt(x (B, D), A (D, D)) -> log p(x), (B,): dx/dt = A x leads from x at t = 0 to standard normal points at 1."""

    exp = torch.linalg.matrix_exp

    def normal(z: Tensor) -> Tensor:
        return -(z.square().sum(1) + z.shape[1] * math.log(2 * math.pi)) / 2

    def end(x: Tensor, A: Tensor) -> Tensor:
        return x @ exp(A).T

    def truth(x: Tensor, A: Tensor) -> Tensor:
        return normal(end(x, A)) + A.trace()

    slips = (
        Slip(lambda x, A: normal(end(x, A)) - A.trace(), "the sign of the trace is turned around."),
        Slip(lambda x, A: normal(end(x, A)), "the trace is missing: that is the density of the end, not of the beginning."),
        Slip(lambda x, A: normal(x) + A.trace(), "x must be followed to its end at t = 1 before the normal density is read."),
        Slip(lambda x, A: normal(x + x @ A.T) + A.trace(), "that is one Euler step; the end at t = 1 is exp(A) x."),
        Slip(lambda x, A: normal(x @ A.T) + A.trace(), "A x is the velocity; the end at t = 1 is exp(A) x."),
        Slip(lambda x, A: normal(x @ A.exp().T) + A.trace(), "exp() works on each entry; torch.linalg.matrix_exp is wanted."),
        Slip(lambda x, A: normal(x @ exp(A)) + A.trace(), "A x is x @ A.T for rows x; the transpose is missing."),
        Slip(lambda x, A: normal(x @ exp(-A).T) + A.trace(), "the flow leads from data at 0 to noise at 1: exp(A), not exp(−A)."),
        Slip(lambda x, A: normal(end(x, A)) + exp(A).trace(), "the trace is that of A, the velocity's Jacobian."),
        Slip(lambda x, A: normal(end(x, A)) + exp(A).det(), "log of the determinant: that is the trace of A."),
        Slip(lambda x, A: -end(x, A).square().sum(1) / 2 + A.trace(), "the normal density's constant D log(2π) / 2 is missing."),
        Slip(lambda x, A: normal(end(x, A)) + A.sum(), "the trace is the sum of the diagonal alone."),
        Slip(lambda x, A: normal(end(x, A)) + torch.linalg.det(A), "the trace of A: its exponential is det exp(A)."),
        Slip(lambda x, A: normal(end(x, A)).sum() + A.trace(), "one number per row of x: sum over the D values alone."),
    )  # fmt: skip
    g = runtime.generator(27)
    cases = [(torch.randn(3, D, generator=g), 0.6 * torch.randn(D, D, generator=g)) for D in (2, 3)]
    return grade("23.4", attempt, truth, cases, slips, record=record)


def guidance(attempt, *, record: bool = True) -> Verdict:
    """23.5 attempt(free (B, D), given (B, D), w, from_conditional) -> the guided velocity (B, D).

    from_conditional False: w = 0 is unconditional and 1 conditional. True: w = 0 is conditional, as in Ho & Salimans (2022).
    """

    def course(free: Tensor, given: Tensor, w: float) -> Tensor:
        return free + w * (given - free)

    def paper(free: Tensor, given: Tensor, w: float) -> Tensor:
        return (1 + w) * given - w * free

    def falling(free: Tensor, given: Tensor, w: float, from_conditional: bool) -> Tensor:
        return course(free, given, w - 1 if from_conditional else w)

    slips = (
        Slip(lambda f, g, w, c: course(f, g, w), "where it is True, w counts from the conditional one: there it is 1 + w."),
        Slip(lambda f, g, w, c: paper(f, g, w), "where from_conditional is False, w = 0 must give the unconditional velocity."),
        Slip(lambda f, g, w, c: (course if c else paper)(f, g, w), "the two conventions have changed places."),
        Slip(lambda f, g, w, c: course(g, f, 1 + w if c else w), "free and given have changed places."),
        Slip(lambda f, g, w, c: f + (1 + w if c else w) * g, "only the difference given − free is multiplied."),
        Slip(lambda f, g, w, c: f + (1 + w if c else w) * (f - g), "the sign: from free towards given, by given − free."),
        Slip(falling, "from one convention to the other, w grows by 1; it does not fall."),
        Slip(lambda f, g, w, c: g + w * f, "add w times the difference given − free, not w times the free velocity."),
    )  # fmt: skip
    g = runtime.generator(26)
    cases = [(*torch.randn(2, 2, 3, generator=g), w, c) for w, c in ((3.0, False), (3.0, True), (0.5, False), (0.5, True))]
    return grade("23.5", attempt, lambda f, g, w, c: (paper if c else course)(f, g, w), cases, slips, record=record)
