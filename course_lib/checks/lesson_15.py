"""Exercises of lesson 15, GANs: the discriminator's loss, the best logit, the value of the game, one round, modes counted."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.mode_counts import modes
from course_lib.checks.report import Slip, Verdict, grade

__all__ = ["EXERCISES", "best_logit", "discriminator_loss", "game_round", "modes", "value"]

EXERCISES = {
    "15.1": "the discriminator's loss from logits",
    "15.2": "the logit of the best discriminator for two Gaussians",
    "15.3": "the value of the game at the best discriminator",
    "15.4": "one round of the game of two numbers",
    "15.5": "modes hit and good points",
}


def discriminator_loss(attempt, *, record: bool = True) -> Verdict:
    """15.1 attempt(real (N,), fake (M,)), both logits -> mean of -log D over real plus mean of -log(1 - D) over fake, in nats."""

    def loss(real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def by_probabilities(real: Tensor, fake: Tensor) -> Tensor:
        return -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean()

    def entropies(real: Tensor, fake: Tensor) -> Tensor:
        a, b = F.binary_cross_entropy, torch.sigmoid
        return a(b(real), torch.ones_like(real)) + a(b(fake), torch.zeros_like(fake))

    def cut(real: Tensor, fake: Tensor, floor: float) -> Tensor:
        a, b = torch.sigmoid(real).clamp(floor, 1 - floor), torch.sigmoid(fake).clamp(floor, 1 - floor)
        return -a.log().mean() - (1 - b).log().mean()

    def all_together(real: Tensor, fake: Tensor) -> Tensor:
        return torch.cat([F.softplus(-real), F.softplus(fake)]).mean()

    slips = (
        Slip(
            by_probabilities,
            "at logits of ±100 a probability is exactly 0 or 1 in single precision, or an exp overflows, and the log is "
            "infinite: stay with logits, as softplus or logsigmoid do.",
        ),
        Slip(entropies, "beyond a logit of 17 a probability is exactly 1, and torch cuts its log at −100: stay with logits."),
        *(
            Slip(
                lambda r, f, floor=floor: cut(r, f, floor),
                "clamping the probabilities hides the infinity and changes the loss, and its slope there is 0: stay with logits.",
            )
            for floor in (1e-6, 1e-7, 1e-8, 1e-12)
        ),
        Slip(
            lambda r, f: loss(r, f) / 2, "the two means are added; half of that is the mean over both kinds, with other weights."
        ),
        Slip(all_together, "each kind has a mean of its own: otherwise the kind with more examples counts more."),
        Slip(lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), "a sum grows with the batch; take means."),
        Slip(lambda r, f: loss(f, r), "real and fake have changed places: D is high on real examples."),
        Slip(
            lambda r, f: F.softplus(-r).mean() + F.softplus(-f).mean(), "fake examples have the target 0: −log(1 − D) for them."
        ),
        Slip(
            lambda r, f: loss(torch.sigmoid(r), torch.sigmoid(f)),
            "the sigmoid is taken twice: a loss that wants logits was given probabilities.",
        ),
        Slip(lambda r, f: F.softplus(r).mean() + F.softplus(f).mean(), "real points need −log σ(t), which is softplus(−t)."),
        Slip(lambda r, f: F.softplus(-f).mean(), "that is the generator's loss."),
        Slip(lambda r, f: F.softplus(-r).mean(), "the fake examples are missing."),
        Slip(lambda r, f: F.softplus(f).mean(), "the real examples are missing."),
        Slip(lambda r, f: r.mean() - f.mean(), "that is a difference of mean logits, without the logarithm of a probability."),
    )
    g = runtime.generator(0)
    cases = [
        (2 * torch.randn(4, generator=g), 2 * torch.randn(4, generator=g)),
        (torch.tensor([100.0, -100.0, 0.5]), torch.tensor([-100.0, 100.0, 30.0, -1.0])),
    ]
    return grade("15.1", attempt, loss, cases, slips, record=record)


def best_logit(attempt, *, record: bool = True) -> Verdict:
    """15.2 attempt(m_p, s_p, m_q, s_q) -> (a, b, c): the best discriminator's logit is a + b x + c x².

    Real points follow N(m_p, s_p²), fake ones N(m_q, s_q²).
    """

    def one(m: float, s: float) -> Tensor:
        return torch.tensor([-math.log(s) - m**2 / (2 * s**2), m / s**2, -1 / (2 * s**2)], dtype=torch.double)

    def truth(m_p: float, s_p: float, m_q: float, s_q: float) -> Tensor:
        return one(m_p, s_p) - one(m_q, s_q)

    first = torch.tensor([1, 0, 0])

    def scale_alone(m_p: float, s_p: float, m_q: float, s_q: float) -> Tensor:  # the constant is log(s_q / s_p) alone
        return truth(m_p, s_p, m_q, s_q) * (1 - first) + math.log(s_q / s_p) * first

    def changed(*factors: float, shift: bool = False):
        def wrong(m_p: float, s_p: float, m_q: float, s_q: float) -> Tensor:
            found = truth(m_p, s_p, m_q, s_q) * torch.tensor(factors, dtype=torch.double)
            return found + torch.tensor([math.log(s_p / s_q), 0, 0]) if shift else found

        return wrong

    slips = (
        Slip(lambda a, b, c, d: truth(c, d, a, b), "that is log q − log p: the logit is large where real points are likelier."),
        Slip(lambda *case: truth(*case).flip(0), "the order is a, b, c: the constant first, then x, then x²."),
        Slip(changed(1, 1, 1, shift=True), "the constant lacks log(s_q / s_p), which comes from 1 / (s √(2π)) of each density."),
        Slip(changed(1, -1, 1), "the sign of b: (x − m)² has −2 m x in it, and the exponent is −(x − m)² / (2 s²)."),
        Slip(changed(1, 2, 1), "b is twice too large: −2 m x is divided by −2 s²."),
        Slip(changed(1, 1, 2), "c is twice too large: the exponent is divided by 2 s²."),
        Slip(
            lambda a, b, c, d: truth(a, math.sqrt(b), c, math.sqrt(d)),
            "s is the standard deviation; the exponent is divided by 2 s².",
        ),
        Slip(
            lambda a, b, c, d: truth(a, b, c, d) - torch.tensor([math.log(d / b), 0, 0]) + torch.tensor([math.log(b / d), 0, 0]),
            "the sign of the logarithm: log p holds −log s_p, and log q holds −log s_q.",
        ),
        Slip(lambda a, b, c, d: one(a, b), "that is log p alone; the logit is log p − log q."),
        Slip(changed(1, 1, -1), "the sign of c: log p has −1 / (2 s_p²) before x², and log q is subtracted."),
        Slip(
            lambda *case: 2 * scale_alone(*case) - truth(*case),
            "the signs of the two terms with m² in the constant: the exponent is −(x − m)² / (2 s²), and log q is subtracted.",
        ),
        Slip(scale_alone, "the constant lacks the terms with m², which (x − m)² brings in."),
        Slip(
            lambda *case: truth(*case) - scale_alone(*case) * first / 2,
            "log(s_q / s_p) comes whole: 1 / (s √(2π)) has s itself, not its root.",
        ),
        Slip(lambda *case: 2 * truth(*case) - scale_alone(*case) * first, "the exponent is divided by 2 s²: every term lacks ½."),
    )
    cases = [(0.0, 1.0, 3.0, 1.0), (1.0, 2.0, -1.5, 0.5), (-0.5, 0.7, 0.8, 1.3)]
    return grade("15.2", attempt, truth, cases, slips, tolerance=1e-6, record=record)


def value(attempt, *, record: bool = True) -> Verdict:
    """15.3 attempt(p (K,), q (K,)), two tables of probabilities -> sum p log D + q log(1 - D) at the best D, in nats."""

    def truth(p: Tensor, q: Tensor) -> Tensor:
        return (torch.xlogy(p, p) + torch.xlogy(q, q) - torch.xlogy(p + q, p + q)).sum()

    def js(p: Tensor, q: Tensor) -> Tensor:
        return truth(p, q) / 2 + math.log(2)

    def one_term(p: Tensor, q: Tensor) -> Tensor:
        return (torch.xlogy(p, p) - torch.xlogy(p, p + q)).sum()

    slips = (
        Slip(
            lambda p, q: (torch.xlogy(p, p / (p + q)) + torch.xlogy(q, q / (p + q))).sum(),
            "where p and q are both 0, p / (p + q) is 0 / 0, which is not a number: such a place adds 0.",
        ),
        Slip(
            lambda p, q: (p * (p / (p + q)).log() + q * (q / (p + q)).log()).sum(),
            "0 · log 0 is 0 here, and not a number for torch: torch.xlogy.",
        ),
        Slip(
            lambda p, q: (torch.xlogy(p, p / q) + torch.xlogy(q, q / p)).sum(),
            "log(p / q) is the logit; the value holds log D and log(1 − D).",
        ),
        Slip(js, "that is the Jensen–Shannon divergence itself; the value of the game is another function of it."),
        Slip(
            lambda p, q: 2 * js(p, q),
            "the −log 4 is missing: for equal p and q the best D is ½ everywhere, and the value is −log 4.",
        ),
        Slip(lambda p, q: js(p, q) - math.log(4), "JS is half the sum of two KLs, and the value holds the whole sum: 2 JS."),
        Slip(lambda p, q: 2 * js(p, q) - math.log(2), "for equal p and q each of the two terms is −log 2: together −log 4."),
        Slip(lambda p, q: 2 * js(p, q) + math.log(4), "the value is negative or 0: both terms are logarithms of probabilities."),
        Slip(lambda p, q: truth(p, q) / len(p), "the probabilities already weigh the places: add, and take no mean over places."),
        Slip(one_term, "the fake examples are missing: E_q log(1 − D) is the second term."),
        Slip(lambda p, q: 2 * one_term(p, q), "the second term is weighed by q, and holds 1 − D = q/(p + q)."),
        Slip(
            lambda p, q: (torch.xlogy(p, p / (p + q)) + torch.xlogy(p, q / (p + q))).nan_to_num(0.0).sum(),
            "the second expectation is over fake examples: weigh it by q.",
        ),
    )
    g = runtime.generator(1)
    p, q = torch.rand(2, 5, generator=g, dtype=torch.double).softmax(-1)
    nowhere = torch.zeros(1, dtype=torch.double)
    cases = [
        (p, q),
        (torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.25, 0.75])),
        (p, p),
        (torch.cat([p, nowhere]), torch.cat([q, nowhere])),
    ]
    return grade("15.3", attempt, truth, cases, slips, tolerance=1e-6, record=record)


def game_round(attempt, *, record: bool = True) -> Verdict:
    """15.4 attempt(theta, psi, h, gamma) -> (theta, psi) after one alternate round of the minimax game of two numbers with R1.

    The discriminator moves first: psi += h (-theta sigmoid(theta psi) - gamma psi). Then the generator answers the new psi:
    theta += h psi sigmoid(theta psi).
    """

    def sigmoid(t: float) -> float:
        return 1 / (1 + math.exp(-t))

    def truth(theta: float, psi: float, h: float, gamma: float, *, signs: tuple = (1, 1), old: bool = False) -> Tensor:
        new = psi + h * (-signs[0] * theta * sigmoid(theta * psi) - gamma * psi)
        seen = psi if old else new
        return torch.tensor([theta + h * signs[1] * seen * sigmoid(theta * seen), new], dtype=torch.double)

    def at_rest(theta: float, psi: float, h: float, gamma: float) -> Tensor:
        new = psi - h * (theta / 2 + gamma * psi)
        return torch.tensor([theta + h * new / 2, new], dtype=torch.double)

    def generator_first(theta: float, psi: float, h: float, gamma: float) -> Tensor:
        moved = theta + h * psi * sigmoid(theta * psi)
        return torch.tensor([moved, psi + h * (-moved * sigmoid(moved * psi) - gamma * psi)], dtype=torch.double)

    slips = (
        Slip(
            lambda *case: truth(*case, old=True),
            "those are simultaneous moves: the generator answers the discriminator's new number, not its old one.",
        ),
        Slip(generator_first, "the discriminator moves first; here the generator did."),
        Slip(
            lambda t, p, h, y: torch.tensor(
                [t + h * truth(t, p, h, y)[1].item() * sigmoid(t * p), truth(t, p, h, y)[1].item()], dtype=torch.double
            ),
            "the generator's sigmoid still holds the old ψ: everything in its move takes the new one.",
        ),
        Slip(lambda t, p, h, y: truth(t, p, h, 0.0), "R1 is missing: it pulls ψ towards 0 by h γ ψ."),
        Slip(lambda t, p, h, y: truth(t, p, h, -y), "R1 pulls ψ towards 0; here it pushes ψ away."),
        Slip(lambda t, p, h, y: truth(t, p, h, y / 2), "half of R1: the slope of γ ψ² / 2 is γ ψ."),
        Slip(lambda t, p, h, y: truth(t, p, h, y * p / 2), "that is the penalty's value γ ψ² / 2; a step needs its slope, γ ψ."),
        Slip(lambda t, p, h, y: truth(t, p, h, y / h), "the step size h multiplies the slope of R1 too."),
        Slip(at_rest, "σ = ½ holds at the equilibrium only; elsewhere it is sigmoid(θ ψ)."),
        Slip(lambda t, p, h, y: truth(t, p, h, 2 * y), "the penalty is γ ψ² / 2, so its slope is γ ψ, without a 2."),
        Slip(lambda t, p, h, y: truth(t, p, h, y, signs=(-1, 1)), "the discriminator's sign: it makes the logit ψ θ small."),
        Slip(lambda t, p, h, y: truth(t, p, h, y, signs=(1, -1)), "the generator's sign: it makes the logit ψ θ larger."),
        Slip(lambda *case: truth(*case).flip(0), "the order of the answer is θ, ψ."),
        Slip(lambda *case: (truth(*case)[0], case[1]), "θ is right, but ψ is the old number: return the new one."),
        Slip(
            lambda t, p, h, y: (lambda new: torch.tensor([t + h * new * sigmoid(-t * new), new], dtype=torch.double))(
                truth(t, p, h, y)[1].item()
            ),
            "that is the non-saturating generator, with 1 − D; the minimax loss log(1 − D) gives D = sigmoid(θ ψ).",
        ),
    )
    cases = [(1.0, 0.5, 0.2, 0.3), (-0.7, 1.2, 0.5, 0.1), (0.3, -2.0, 0.1, 0.0)]
    return grade("15.4", attempt, truth, cases, slips, tolerance=1e-6, record=record)
