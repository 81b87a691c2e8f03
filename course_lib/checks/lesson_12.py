"""Exercises of lesson 12, variational autoencoders: the KL, a draw that keeps its gradient, the ELBO, the importance
bound, how many latents are alive."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import Bernoulli, DiagonalGaussian

EXERCISES = {
    "12.1": "KL from a Gaussian to the standard normal",
    "12.2": "a draw that keeps its gradient",
    "12.3": "the ELBO of a batch",
    "12.4": "how many latents are alive?",
    "12.5": "the importance bound from log weights",
}


def _gaussian(seed: int, B: int, L: int) -> tuple[Tensor, Tensor]:
    """Some mean and log_scale, (B, L) each."""
    g = runtime.generator(seed)
    return torch.randn(B, L, generator=g), 0.7 * torch.randn(B, L, generator=g) - 0.3


def kl(attempt, *, record: bool = True) -> Verdict:
    """12.1 attempt(mean (B, L), log_scale (B, L)) -> KL(N(mean, exp(log_scale)²) || N(0, 1)) in nats, (B,)."""

    def terms(mean: Tensor, log_scale: Tensor) -> Tensor:
        return DiagonalGaussian(mean, log_scale).kl_by_coordinate(DiagonalGaussian(torch.zeros(()), torch.zeros(())))

    slips = (
        Slip(terms, "one number per example is wanted: the KLs of independent coordinates add up."),
        Slip(lambda m, s: terms(m, s).mean(-1), "the KLs of the coordinates are summed, not averaged."),
        Slip(lambda m, s: terms(m, s).sum(), "that is the sum over the whole batch; keep one number per example."),
        Slip(lambda m, s: terms(m, s / 2).sum(-1), "log_scale is the log of the standard deviation, not of the variance."),
        Slip(
            lambda m, s: (0.5 * (m**2 + torch.exp(s) - 1) - s).sum(-1),
            "E[z²] = μ² + σ², and σ² = exp(2 log σ): the scale is not squared yet.",
        ),
        Slip(
            lambda m, s: (0.5 * (m**2 + torch.exp(2 * s) - 1 - s)).sum(-1),
            "½ log σ² is log σ: half of it is lost where log σ stands inside the bracket with the ½.",
        ),
        Slip(
            lambda m, s: (0.5 * (m**2 + torch.exp(2 * s) - 1) + s).sum(-1),
            "the sign of log σ: a narrow q costs nats, so −log σ, which is large where σ is small.",
        ),
        Slip(
            lambda m, s: (0.5 * (m**2 + s**2 - 1) - s.log()).sum(-1),
            "log_scale is log σ already: σ² is exp(2 log_scale), and log σ needs no further log.",
        ),
        Slip(lambda m, s: 2 * terms(m, s).sum(-1), "a factor ½ is missing."),
        Slip(
            lambda m, s: (terms(m, s) + 0.5).sum(-1),
            "for mean 0 and scale 1 the KL must be 0: a −1 is missing in each coordinate.",
        ),
        Slip(lambda m, s: (terms(m, s) - m**2 / 2).sum(-1), "the mean is missing: a q far from 0 is far from the prior."),
        Slip(
            lambda m, s: (terms(m, s) + s).sum(-1),
            "the log σ is missing: because of it the KL grows without limit as σ goes to 0.",
        ),
        Slip(
            lambda m, s: (torch.exp(-2 * s) * (1 + m**2) - 1).sum(-1) / 2 + s.sum(-1), "that is the other way round, KL(p || q)."
        ),
    )
    cases = [_gaussian(0, 3, 2), _gaussian(1, 2, 5)]
    return grade("12.1", attempt, lambda m, s: terms(m, s).sum(-1), cases, slips, record=record)


def draw(attempt, *, record: bool = True) -> Verdict:
    """12.2 attempt(mean (B, L), log_scale (B, L), noise (B, L)) -> z (B, L), differentiable; noise is standard normal."""

    def probed(function: Callable) -> Callable:
        """The draw, and what reaches mean and log_scale of a gradient of ones."""

        def draw_and_gradients(mean: Tensor, log_scale: Tensor, noise: Tensor):
            of = mean.clone().requires_grad_(True), log_scale.clone().requires_grad_(True)
            z = function(*of, noise)
            if not isinstance(z, Tensor):
                return z
            found = torch.autograd.grad(z.sum(), of, allow_unused=True) if z.requires_grad else (None, None)
            return z.detach(), *(torch.zeros_like(mean) if slope is None else slope for slope in found)

        return draw_and_gradients

    slips = (
        Slip(
            lambda m, s, e: m.detach() + s.detach().exp() * e, "the value is right, but no gradient reaches mean and log_scale."
        ),
        Slip(lambda m, s, e: m + s.detach().exp() * e, "the value is right, but no gradient reaches log_scale."),
        Slip(lambda m, s, e: m.detach() + s.exp() * e, "the value is right, but no gradient reaches the mean."),
        Slip(lambda m, s, e: m + s * e, "log_scale is a logarithm: the noise is multiplied by exp(log_scale)."),
        Slip(lambda m, s, e: m + (2 * s).exp() * e, "that multiplies by the variance; the standard deviation is wanted."),
        Slip(lambda m, s, e: m + (s / 2).exp() * e, "log_scale is the log of σ already, not of σ²."),
        Slip(lambda m, s, e: m + e, "the scale is missing: the noise of this q is not of scale 1."),
        Slip(lambda m, s, e: s.exp() * e, "the mean is missing."),
        Slip(lambda m, s, e: m + s.exp() * torch.randn_like(e), "use the noise that is given; yours was drawn anew."),
        Slip(
            lambda m, s, e: m.detach() + s.detach().exp() * torch.randn_like(e),
            "a ready-made sampler draws its own noise and passes no gradient: use the noise that is given.",
        ),
        Slip(lambda m, s, e: m, "that is the mean: without noise it is no draw from q."),
        Slip(lambda m, s, e: s.exp() * (m + e), "the mean is not scaled: mean + scale · noise."),
    )
    cases = [(*_gaussian(seed, 3, 2), torch.randn(3, 2, generator=runtime.generator(seed + 9))) for seed in (2, 3)]
    return grade("12.2", attempt, lambda m, s, e: m + s.exp() * e, cases, slips, probe=probed, record=record)


def elbo(attempt, *, record: bool = True) -> Verdict:
    """12.3 attempt(logits (B, D), x (B, D), kl (B,)) -> the ELBO in nats, (B,), from the decoder's logits at one z per row."""

    def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
        return Bernoulli(logits).log_prob(x).sum(1)

    def by_probabilities(least: float) -> Callable:
        def wrong(a: Tensor, x: Tensor, k: Tensor) -> Tensor:
            p = torch.sigmoid(a)
            return (x * (p + least).log() + (1 - x) * (1 - p + least).log()).sum(1) - k

        return wrong

    rounded = "sigmoid(120) is 1 in single precision, so log(1 - p) is lost; stay with the logits, as in exercise 07.2."
    slips = (
        *(Slip(by_probabilities(least), rounded) for least in (0.0, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)),
        Slip(lambda a, x, k: -F.binary_cross_entropy(torch.sigmoid(a), x, reduction="none").sum(1) - k, rounded),
        Slip(lambda a, x, k: k - reconstruction(a, x), "that is what training makes small; the ELBO is its negative."),
        Slip(lambda a, x, k: -reconstruction(a, x) - k, "a cross entropy is *minus* the log-probability: turn its sign round."),
        Slip(
            lambda a, x, k: reconstruction(a, x).mean() / x.shape[1] - k,
            "that averages over the batch and the pixels: sum over the pixels, keep each example.",
        ),
        Slip(
            lambda a, x, k: (x * F.logsigmoid(a)).sum(1) - k,
            "only the pixels that are 1 are counted; the zeros have a log-probability too.",
        ),
        Slip(
            lambda a, x, k: reconstruction(a, x).sum() - k,
            'reduction="sum" adds up the whole batch: use reduction="none" and sum over the pixels of each example.',
        ),
        Slip(lambda a, x, k: reconstruction(a, x) + k, "the KL is a cost: it is subtracted."),
        Slip(lambda a, x, k: reconstruction(a, x), "the KL is missing: that is the reconstruction term alone."),
        Slip(
            lambda a, x, k: reconstruction(a, x) / x.shape[1] - k,
            "log-probabilities of the pixels are summed; a mean makes the KL weigh D times too much.",
        ),
        Slip(lambda a, x, k: (reconstruction(a, x) - k).mean(), "one number per example is wanted, not the batch's mean."),
        Slip(
            lambda a, x, k: -(torch.sigmoid(a) - x).square().sum(1) - k,
            "a squared error is not the log-probability of a Bernoulli variable: take log p(x | z).",
        ),
    )
    cases = []
    for seed, (B, D) in ((4, (3, 4)), (5, (2, 7))):
        g = runtime.generator(seed)
        x = (torch.rand(B, D, generator=g) < 0.5).float()
        cases.append((2 * torch.randn(B, D, generator=g), x, torch.rand(B, generator=g) * 3 + 0.5))
    cases.append((torch.tensor([[120.0, 1.0], [-3.0, 0.5]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.ones(2)))
    return grade("12.3", attempt, lambda a, x, k: reconstruction(a, x) - k, cases, slips, record=record)


def importance_bound(attempt, *, record: bool = True) -> Verdict:
    """12.5 attempt(log_weights (k, B)) -> the log of the mean weight, (B,), also where the weights themselves underflow."""
    underflow = "exp(−200) is 0 in single precision: torch.logsumexp never leaves the logarithms."
    slips = (
        Slip(lambda w: w.mean(0), "that is the mean of the logs, the ELBO: take the log of the mean."),
        Slip(lambda w: torch.logsumexp(w, 0), "that is the log of the sum; a mean divides by k, which subtracts log k."),
        *(Slip(lambda w, least=least: (w.exp().mean(0) + least).log(), underflow) for least in (0.0, 1e-8, 1e-10, 1e-12)),
        Slip(lambda w: torch.logsumexp(w, 0) + math.log(len(w)), "a mean divides by k: log k is subtracted, not added."),
        Slip(
            lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1]),
            "the mean goes over the k draws, the first axis, not over the examples.",
        ),
        Slip(lambda w: torch.logsumexp(w, 0) - math.log(w.shape[1]), "divide by the number of draws, the first axis."),
        Slip(lambda w: torch.logsumexp(w, 0) - len(w), "a mean divides by k; in logarithms that subtracts log k, not k."),
        Slip(lambda w: torch.logsumexp(w, 0) / len(w), "the log of a mean is log-sum − log k: a difference, not a quotient."),
        Slip(lambda w: w.amax(0), "that is the largest weight alone, up to log k above the log of the mean."),
    )
    g = runtime.generator(6)
    cases = [(torch.randn(5, 3, generator=g),), (torch.randn(4, 2, generator=g) * 3 - 200,)]
    return grade("12.5", attempt, lambda w: torch.logsumexp(w, 0) - math.log(len(w)), cases, slips, record=record)


def live(attempt, *, record: bool = True) -> Verdict:
    """12.4 attempt(mean (N, L), log_scale (N, L), least) -> how many coordinates have a mean KL above `least` nats."""

    def terms(mean: Tensor, log_scale: Tensor) -> Tensor:
        return DiagonalGaussian(mean, log_scale).kl_by_coordinate(DiagonalGaussian(torch.zeros(()), torch.zeros(())))

    def right(mean: Tensor, log_scale: Tensor, least: float) -> int:
        return int((terms(mean, log_scale).mean(0) > least).sum())

    slips = (
        Slip(
            lambda m, s, least: m.shape[1] - right(m, s, least), "that counts the dead ones: a live latent lies above the limit."
        ),
        Slip(lambda m, s, least: terms(m, s).mean(0) > least, "that says which; count them: sum the True values."),
        Slip(
            lambda m, s, least: int((terms(m, s) > least).sum()), "that counts entries of the table: average over axis 0 first."
        ),
        Slip(
            lambda m, s, least: int((terms(m, s) > least).any(0).sum()),
            "one example above the limit does not make a latent alive: average over the examples first.",
        ),
        Slip(
            lambda m, s, least: int((terms(m, s).sum(0) > least).sum()),
            "summed over the examples: then any latent passes with enough of them; take the mean.",
        ),
        Slip(
            lambda m, s, least: int((terms(m, s).mean(1) > least).sum()),
            "that counts examples: the mean goes over the examples, axis 0, and the count over the latents.",
        ),
        Slip(lambda m, s, least: int((terms(m, s / 2).mean(0) > least).sum()), "log_scale is log σ, not log σ²."),
        Slip(
            lambda m, s, least: int((terms(m.mean(0), s.mean(0)) > least).sum()),
            "the KL of an average q misses latents that pull some digits up and others down: average the KLs.",
        ),
        Slip(
            lambda m, s, least: int((m.var(0) > least).sum()),
            "that is the variance of the means, by which Burda et al. count; here the limit is in nats of KL.",
        ),
        Slip(lambda m, s, least: right(m, s, least) / m.shape[1], "that is a share; the number of latents is wanted."),
    )
    kinds = {  # the means of six examples, and log σ
        "both": ([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 0.0),
        "dead": ([0.0] * 6, 0.0),
        "one": ([0.6, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        "weak": ([0.3] * 6, 0.0),
        "far": ([2.0] * 6, 0.0),
        "sharp": ([0.0] * 6, -0.45),
    }
    mixed = (
        ("both", "dead", "one", "weak", "far", "dead", "dead"),
        ("far", "far", "both", "dead"),
        ("sharp", "both", "one", "one", "dead"),
    )
    cases = [
        (torch.tensor([kinds[k][0] for k in some]).T.contiguous(), torch.tensor([[kinds[k][1] for k in some]] * 6), 0.1)
        for some in mixed
    ]
    return grade("12.4", attempt, right, cases, slips, record=record)
