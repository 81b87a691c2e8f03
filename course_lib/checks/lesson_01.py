"""Exercises of lesson 01, generative models: Bayes' rule in logs, the likeliest Gaussian, the cost of a wrong model."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade

EXERCISES = {
    "01.1": "log p(y | x) from log p(x | y) and log p(y)",
    "01.2": "the likeliest Gaussian",
    "01.3": "KL as the surplus of a wrong model",
}


def log_posterior(attempt, *, record: bool = True) -> Verdict:
    """01.1 attempt(log_likelihood (B, K), log_prior (K,)) -> log p(y | x), (B, K)."""

    def truth(log_likelihood: Tensor, log_prior: Tensor) -> Tensor:
        return (log_likelihood + log_prior).log_softmax(1)

    def in_probabilities(log_likelihood: Tensor, log_prior: Tensor) -> Tensor:
        joint = log_likelihood.exp() * log_prior.exp()
        return (joint / joint.sum(1, keepdim=True)).log()

    slips = (
        Slip(lambda lik, prior: lik + prior, "that is log p(x, y): it has not been divided by p(x)."),
        Slip(lambda lik, prior: lik.log_softmax(1), "the prior plays no part: a rare label needs a higher likelihood."),
        Slip(lambda lik, prior: (lik + prior).softmax(1), "those are probabilities; the log was asked for."),
        Slip(lambda lik, prior: (lik + prior).log_softmax(0), "normalised over the batch; for each x the labels' sum is 1."),
        Slip(
            lambda lik, prior: lik + prior - lik.logsumexp(1, keepdim=True),
            "divided by the likelihoods' sum; p(x) weighs each of them by its prior.",
        ),
        Slip(
            lambda lik, prior: (lik + prior) / (lik + prior).sum(1, keepdim=True),
            "the log of a quotient is a difference of logs: subtract log p(x), which is logsumexp of log p(x, y).",
        ),
        Slip(lambda lik, prior: (lik * prior).log_softmax(1), "a product of probabilities is a sum of logs."),
        Slip(
            lambda lik, prior: lik + prior - (lik + prior).exp().sum(1, keepdim=True).log(),
            "the log of a sum of exps is -inf where each exp is 0 in floating point: logsumexp does it in one safe step.",
        ),
        Slip(in_probabilities, "exp of such log-densities is 0 in floating point: stay in logs, with logsumexp."),
    )
    prior = torch.tensor([0.7, 0.2, 0.1]).log()
    cases = [(torch.randn(4, 3, generator=runtime.generator(0)), prior)]
    cases.append((torch.tensor([[-900.0, -903.0, -901.0], [-2000.0, -1990.0, -1995.0]]), prior))
    return grade("01.1", attempt, truth, cases, slips, record=record)


def gaussian_mle(attempt, *, record: bool = True) -> Verdict:
    """01.2 attempt(x (N,)) -> (mean, scale) of the Gaussian that makes x most probable."""
    slips = (
        Slip(
            lambda x: (x.mean(), x.std()),
            "that divides by N - 1: unbiased for the variance, but not where the likelihood is highest.",
        ),
        Slip(lambda x: (x.mean(), x.var(correction=0)), "the second number is the variance; a scale is its square root."),
        Slip(lambda x: (x.mean(), x.var()), "the second number is a variance, and one that divides by N - 1."),
        Slip(
            lambda x: (x.mean(), (x - x.mean()).square().sum()),
            "the second number is the sum of the squared distances: divide it by N, then take the root.",
        ),
        Slip(
            lambda x: (x.mean(), x.square().mean().sqrt()),
            "the squared distances are those to 0; the scale measures the distances to the mean.",
        ),
        Slip(lambda x: (x.median(), x.std(correction=0)), "the median suits another family, the Laplace."),
        Slip(lambda x: (x.mean(), (x - x.mean()).abs().mean()), "the mean absolute deviation suits the Laplace family."),
        Slip(lambda x: (x.mean(), x.std(correction=0).log()), "that is the log of the scale."),
        Slip(lambda x: (x.std(correction=0), x.mean()), "the two have changed places: the mean first, then the scale."),
        Slip(lambda x: (x.std(), x.mean()), "the mean comes first, then the scale; and the scale divides by N, not by N - 1."),
    )
    cases = [(torch.tensor([1.0, 2.0, 4.0, 9.0]),), (torch.tensor([-3.0, 0.5, 0.0]),)]
    return grade("01.2", attempt, lambda x: (x.mean(), x.std(correction=0)), cases, slips, record=record)


def surplus(attempt, *, record: bool = True) -> Verdict:
    """01.3 attempt(rolls (N,), p (K,), q (K,)) -> mean over the rolls of log p - log q, in nats."""
    slips = (
        Slip(
            lambda rolls, p, q: -q.log()[rolls].mean(),
            "that is the cross-entropy: subtract the entropy of the truth, -log p of the same rolls.",
        ),
        Slip(lambda rolls, p, q: (p.log()[rolls] - q.log()[rolls]).sum(), "a sum over the rolls; nats per roll are asked for."),
        Slip(lambda rolls, p, q: (p[rolls] - q[rolls]).mean(), "a log is missing: both terms are log-probabilities."),
        Slip(
            lambda rolls, p, q: (p * (p.log() - q.log())).sum(),
            "that is the exact KL from the tables; here, average over the rolls that fell.",
        ),
        Slip(
            lambda rolls, p, q: -q.log()[rolls].mean() + (p * p.log()).sum(),
            "the entropy came from the table: take both terms, -log q and -log p, from the same rolls.",
        ),
        Slip(
            lambda rolls, p, q: (p[rolls] * (p.log()[rolls] - q.log()[rolls])).mean(),
            "weighted twice: the rolls already fall as often as p says, so a plain mean over them is enough.",
        ),
        Slip(lambda rolls, p, q: (p.log() - q.log()).mean(), "a mean over the faces; average over the rolls, by their faces."),
    )
    p, q = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.4, 0.3, 0.2, 0.1])
    cases = [(torch.tensor([0, 3, 3, 2, 1]), p, q), (torch.tensor([3, 3, 3]), p, torch.full((4,), 0.25))]
    return grade("01.3", attempt, lambda rolls, p, q: (p.log()[rolls] - q.log()[rolls]).mean(), cases, slips, record=record)
