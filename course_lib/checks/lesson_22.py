"""Exercises of lesson 22, score models: a mixture's score, a Langevin step and its bias, accept or reject, Hyvärinen, Tweedie."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade

__all__ = ["EXERCISES", "acceptance", "hyvarinen", "langevin_step", "mixture_score", "step_for_error", "tweedie"]

EXERCISES = {
    "22.1": "the score of a mixture of Gaussians",
    "22.2": "one Langevin step",
    "22.3": "the step size for a given error of the variance",
    "22.4": "the probability of accepting a Langevin step",
    "22.5": "Hyvärinen's objective for a Gaussian",
    "22.6": "the mean of the clean data, by Tweedie's formula",
}


def _draws(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=runtime.generator(seed))


def mixture_score(attempt, *, record: bool = True) -> Verdict:
    """22.1 attempt(x (B, D), probs (K,), mean (K, D), scale (K,)) -> the gradient of log p in x, (B, D)."""

    def log_joint(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor, power: float) -> Tensor:
        squares = (x[:, None] - mean).square().sum(2)
        return probs.log() - power * scale.log() - squares / (2 * scale**2)

    def weighted(weight: Tensor, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return (weight[..., None] * (mean - x[:, None]) / scale[:, None] ** 2).sum(1)

    def truth(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return weighted(log_joint(x, probs, mean, scale, x.shape[1]).softmax(1), x, mean, scale)

    def with_weight(power: float | None, dim: int = 1, uniform: bool = False):
        def wrong(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
            told = torch.full_like(probs, 1 / len(probs)) if uniform else probs
            joint = log_joint(x, told, mean, scale, x.shape[1] if power is None else power)
            return weighted(joint.softmax(dim), x, mean, scale)

        return wrong

    def divided(power: int):
        def wrong(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
            weight = log_joint(x, probs, mean, scale, x.shape[1]).softmax(1)
            return (weight[..., None] * (mean - x[:, None]) / scale[:, None] ** power).sum(1)

        return wrong

    def of_the_density(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        log_p = log_joint(x, probs, mean, scale, x.shape[1]).logsumexp(1) - x.shape[1] / 2 * math.log(2 * math.pi)
        return truth(x, probs, mean, scale) * log_p.exp()[:, None]

    def nearest(x: Tensor, probs: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        best = log_joint(x, probs, mean, scale, x.shape[1]).argmax(1)
        return (mean[best] - x) / scale[best, None] ** 2

    slips = (
        Slip(lambda x, p, m, s: weighted(p.expand(len(x), -1), x, m, s),
             "the weight of a component is its responsibility p(k | x), which depends on x; probs are the weights "
             "before x is seen."),
        Slip(lambda x, p, m, s: weighted(log_joint(x, p, m, s, x.shape[1]).exp(), x, m, s),
             "p(k | x) is the joint divided by its sum over k: without the division that is the slope of p, not of log p."),
        Slip(lambda *case: -truth(*case), "the sign: the score points uphill, from x towards the means."),
        Slip(divided(1), "the slope of a Gaussian's log-density is divided by its variance, scale², not by its scale."),
        Slip(divided(0), "each difference mean − x is divided by the component's variance, scale²."),
        Slip(with_weight(None, 0), "the wrong axis: the responsibilities of each x sum to 1 over the components, dim=1."),
        Slip(with_weight(0.0),
             "a component's density has the factor 1 / scale^D: without it a wide component counts too much."),
        Slip(with_weight(1.0), "in D dimensions the density has the factor 1 / scale to the power D, not 1 / scale."),
        Slip(with_weight(None, uniform=True), "the responsibilities contain the weights probs of the components, too."),
        Slip(of_the_density, "that is the slope of p; the score is the slope of log p, which is p'/p."),
        Slip(nearest, "all components pull, each by its responsibility, not the likeliest alone."),
        Slip(lambda *case: truth(*case).sum(0), "one vector per point: do not sum over the batch."),
    )  # fmt: skip
    two = (_draws(4, 2, seed=1), torch.tensor([0.7, 0.3]), _draws(2, 2, seed=2), torch.tensor([0.5, 1.5]))
    three = (_draws(5, 3, seed=3), torch.tensor([0.2, 0.5, 0.3]), _draws(3, 3, seed=4), torch.tensor([0.8, 1.3, 0.6]))
    return grade("22.1", attempt, truth, [two, three], slips, record=record)


def langevin_step(attempt, *, record: bool = True) -> Verdict:
    """22.2 attempt(x (B, D), score (B, D), step, noise (B, D)) -> x + step/2 · score + sqrt(step) · noise, (B, D)."""

    def kind(drift: float, power: float, noise: float = 1.0):
        return lambda x, score, step, z: x + drift * step * score + noise * step**power * z

    slips = (
        Slip(kind(1.0, 0.5),
             "the drift is step/2 · score. With the whole step beside noise of sqrt(step), the chain samples p², "
             "which is narrower."),
        Slip(kind(0.5, 0.5, 2**0.5),
             "the noise is sqrt(step). With sqrt(2 step) beside step/2, the chain samples the square root of p, "
             "which is wider."),
        Slip(kind(1.0, 0.5, 2**0.5), "a step of that form is one of size 2 · step: here step stands in the drift as step/2."),
        Slip(kind(1.0, 0.0), "the step belongs in front of the noise as well, as its square root; and the drift has a half."),
        Slip(kind(0.5, 1.0), "a variance grows with the step, so the noise is multiplied by its square root."),
        Slip(kind(0.5, 0.5, 0.0), "without the noise the chain climbs to a maximum and stays: nothing is sampled."),
        Slip(kind(0.5, 0.5, 0.5), "half of the step belongs to the drift alone; the noise is sqrt(step)."),
        Slip(kind(0.5, 0.5, 0.5**0.5), "half of the step belongs to the drift alone; the noise is sqrt(step)."),
        Slip(kind(-0.5, 0.5), "the sign: the chain follows the score, which points uphill. An energy's slope has a minus."),
        Slip(lambda x, score, step, z: step / 2 * score + step**0.5 * z, "that is the move; the place is x plus the move."),
        Slip(lambda x, score, step, z: x + (step / 2 * score + step**0.5 * z).mean(0),
             "each chain has a move of its own: no mean over chains."),
    )  # fmt: skip
    cases = [
        (_draws(4, 2, seed=5), _draws(4, 2, seed=6), 0.3, _draws(4, 2, seed=7)),
        (_draws(3, 1, seed=8), _draws(3, 1, seed=9), 2.0, _draws(3, 1, seed=10)),
    ]
    return grade("22.2", attempt, kind(0.5, 0.5), cases, slips, record=record)


def step_for_error(attempt, *, record: bool = True) -> Verdict:
    """22.3 attempt(error) -> the step size that makes the variance of N(0, 1) come out as 1 + error: 4 error / (1 + error)."""
    slips = (
        Slip(lambda error: 4 * error, "that is the first order of 1 / (1 − step/4); solve 1 / (1 − step/4) = 1 + error exactly."),
        Slip(lambda error: 2 * error / (1 + error), "the formula has step/4: with step/2 the step comes out half as long."),
        Slip(lambda error: error / (1 + error), "the factor 4 is missing: step/4 = 1 − 1 / (1 + error)."),
        Slip(lambda error: 4 * (1 - 1 / (1 + error) ** 2), "an error of the variance is asked for, not of its square root."),
        Slip(lambda error: 4 * error / (1 - error), "solve 1 / (1 − step/4) = 1 + error: there is a plus below."),
        Slip(lambda error: 4 / (1 + error), "one step more: step/4 = 1 − 1 / (1 + error), not 1 / (1 + error)."),
        Slip(lambda error: 4 * (1 + error), "set 1 / (1 − step/4) equal to 1 + error, and solve for step."),
        Slip(lambda error: 1 / (1 - error / 4), "that is the variance for a given step: turn it round."),
        Slip(lambda error: 4 * (1 - 1 / error), "the variance is 1 + error, not the error alone."),
    )  # fmt: skip
    return grade("22.3", attempt, lambda e: 4 * e / (1 + e), [(0.05,), (0.5,), (0.8,)], slips, tolerance=1e-6, record=record)


def acceptance(attempt, *, record: bool = True) -> Verdict:
    """22.4 attempt(log_p_x (B,), log_p_y (B,), x, y, score_x, score_y (B, D), step) -> probability of accepting y, (B,)."""

    def log_q(to: Tensor, at: Tensor, score: Tensor, step: float, drift: float = 0.5, over: float = 2.0) -> Tensor:
        return -(to - at - drift * step * score).square().sum(1) / (over * step)

    def ratio(p_x, p_y, x, y, s_x, s_y, step, **how) -> Tensor:
        return p_y - p_x + log_q(x, y, s_y, step, **how) - log_q(y, x, s_x, step, **how)

    def truth(*case) -> Tensor:
        return ratio(*case).clamp(max=0).exp()

    def changed(**how):
        return lambda *case: ratio(*case, **how).clamp(max=0).exp()

    def without(back: bool, there: bool):
        def wrong(p_x, p_y, x, y, s_x, s_y, step):
            q = (log_q(x, y, s_y, step) if back else 0) - (log_q(y, x, s_x, step) if there else 0)
            return (p_y - p_x + q).clamp(max=0).exp()

        return wrong

    def turned(p_x, p_y, x, y, s_x, s_y, step):
        return (p_y - p_x + log_q(y, x, s_x, step) - log_q(x, y, s_y, step)).clamp(max=0).exp()

    def same_score(p_x, p_y, x, y, s_x, s_y, step):
        return (p_y - p_x + log_q(x, y, s_x, step) - log_q(y, x, s_x, step)).clamp(max=0).exp()

    slips = (
        Slip(without(False, False),
             "that is the rule for a symmetric proposal. A Langevin step prefers uphill, so q(x | y) / q(y | x) belongs "
             "to the ratio."),
        Slip(turned, "the proposal's ratio is upside down: the way back, q(x | y), stands above."),
        Slip(lambda *case: (-ratio(*case)).clamp(max=0).exp(), "the whole ratio is upside down: p(y) stands above."),
        Slip(without(True, False), "the way there, q(y | x), is missing: it stands below."),
        Slip(without(False, True), "the way back, q(x | y), is missing: it stands above."),
        Slip(same_score, "the way back begins at y: it follows the score at y."),
        Slip(changed(drift=1.0), "the proposal's mean is x + step/2 · score, half a step."),
        Slip(changed(drift=0.0), "the drift cancels only where it is the same both ways: q's mean is x + step/2 · score."),
        Slip(changed(over=1.0), "the exponent of a Gaussian of variance step is −|…|² / (2 step)."),
        Slip(changed(over=4.0), "the proposal's variance is step, so the exponent is −|…|² / (2 step), not over 4 step."),
        Slip(lambda *case: ratio(*case).exp(), "a probability is at most 1: min(1, …)."),
        Slip(lambda *case: ratio(*case).clamp(max=0), "that is the logarithm of the probability: the exponential is missing."),
        Slip(lambda *case: truth(*case).mean(), "each chain is accepted or rejected on its own: one number per row."),
    )  # fmt: skip
    cases = []
    for seed, D, step in ((11, 2, 0.4), (17, 3, 1.0)):
        x, y = _draws(6, D, seed=seed), _draws(6, D, seed=seed + 1)
        narrow = 1 + torch.arange(D)  # of a Gaussian with the precisions 1, 2, …
        cases.append((*(-(z.square() * narrow).sum(1) / 2 for z in (x, y)), x, y, -x * narrow, -y * narrow, step))
    return grade("22.4", attempt, truth, cases, slips, record=record)


def hyvarinen(attempt, *, record: bool = True) -> Verdict:
    """22.5 attempt(x (N,), mean, variance) -> the mean over x of s² / 2 + ds/dx for s = -(x - mean) / variance, ()."""

    def kind(square: float, slope: float, power: int = 2):
        def loss(x: Tensor, mean: float, variance: float) -> Tensor:
            return square * (x - mean).square().mean() / variance**power + slope / variance

        return loss

    truth = kind(0.5, -1.0)
    slips = (
        Slip(kind(1.0, -1.0), "the square is halved: |s|² / 2. Without the half the minimum lies at twice the variance."),
        Slip(kind(0.5, 1.0), "the sign of ds/dx: s falls with x, by 1 / variance."),
        Slip(kind(0.5, 0.0), "the derivative of s is missing; without it the best score is 0 everywhere."),
        Slip(kind(0.5, -0.5), "the half belongs to the square alone, not to ds/dx."),
        Slip(kind(0.5, -1.0, 1), "s is divided by the variance, so its square by the variance squared."),
        Slip(lambda x, m, v: ((x - m) / v).square().mean() / 2 - ((x - m) / v).mean(),
             "the derivative of s in x, not s itself: −1 / variance at every x."),
        Slip(lambda x, m, v: ((x - m) / v).mean().square() / 2 - 1 / v, "square first, then the mean over the data."),
        Slip(lambda *case: -truth(*case), "the sign: the objective is made small."),
        Slip(lambda x, *rest: len(x) * truth(x, *rest), "the mean over the data, not the sum."),
        Slip(lambda x, mean, variance: ((x - mean) / variance).square() / 2 - 1 / variance,
             "the mean over the data: one number, not one per point."),
        Slip(lambda x, mean, variance: truth(x, mean, variance**0.5), "the variance is given: take no root of it."),
        Slip(lambda x, mean, variance: truth(x, mean, variance**2), "the variance is given: do not square it."),
        Slip(lambda x, mean, variance: (x - mean).square().mean() / (2 * variance) + math.log(2 * math.pi * variance) / 2,
             "that is the negative log-likelihood; Hyvärinen's objective uses the score and its derivative alone."),
    )  # fmt: skip
    cases = [(_draws(6, seed=20), 0.4, 2.0), (3 * _draws(5, seed=21), -1.0, 0.7)]
    return grade("22.5", attempt, truth, cases, slips, record=record)


def tweedie(attempt, *, record: bool = True) -> Verdict:
    """22.6 attempt(y (B, D), score (B, D), sigma) -> E[x | y] of y = x + sigma e, (B, D): y + sigma² · score."""

    def kind(factor: float, power: int):
        return lambda y, score, sigma: y + factor * sigma**power * score

    slips = (
        Slip(kind(1.0, 1), "the score is multiplied by the variance of the noise, sigma², not by sigma."),
        Slip(kind(-1.0, 2), "the sign: the clean data lie uphill, along the score."),
        Slip(kind(-1.0, 1), "the sign, and the power: the mean is y + sigma² · score."),
        Slip(kind(1.0, 0), "the score has the unit 1/x: multiply it by sigma², which has the unit x²."),
        Slip(kind(0.5, 2), "the whole of sigma²: the half belongs to a Langevin step."),
        Slip(lambda y, score, sigma: sigma**2 * score, "that is the correction; the mean is y plus the correction."),
        Slip(lambda y, score, sigma: -sigma * score, "that is the mean of the noise e; that of the clean data is y − sigma · e."),
        Slip(lambda y, score, sigma: y + score / sigma**2, "multiplied by sigma², not divided by it."),
        Slip(lambda y, score, sigma: (y + sigma**2 * score) / (1 + sigma**2),
             "no further shrinking: the score of the noisy density knows how wide the data are."),
    )  # fmt: skip
    cases = [(_draws(4, 2, seed=22), _draws(4, 2, seed=23), 0.3), (_draws(3, 3, seed=24), _draws(3, 3, seed=25), 2.0)]
    return grade("22.6", attempt, kind(1.0, 2), cases, slips, record=record)
