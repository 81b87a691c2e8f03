"""Lesson 15: the right answers pass, in other styles and types too, and each likely mistake is told what it is."""

import math

import numpy as np
import pytest
import torch
from frame import frame
from torch.nn import functional as F

from course_lib.checks import lesson_15 as check

bce, cross = F.binary_cross_entropy_with_logits, F.binary_cross_entropy


def right_loss(real, fake):
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def right_logit(m_p, s_p, m_q, s_q):
    a = math.log(s_q / s_p) - m_p**2 / (2 * s_p**2) + m_q**2 / (2 * s_q**2)
    return a, m_p / s_p**2 - m_q / s_q**2, 1 / (2 * s_q**2) - 1 / (2 * s_p**2)


def js(p, q):
    middle = (p + q) / 2
    return sum(torch.special.entr(t).sum() * -0.5 - torch.xlogy(t, middle).sum() / 2 for t in (p, q))


def right_value(p, q):
    return 2 * js(p, q) - math.log(4)


def zero_where_neither(p, q):
    return (torch.xlogy(p, p / (p + q)) + torch.xlogy(q, q / (p + q))).sum()


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def right_round(theta, psi, h, gamma):
    psi = psi - h * (theta * sigmoid(theta * psi) + gamma * psi)
    return theta + h * psi * sigmoid(theta * psi), psi


def right_modes(x, centres, scale):
    inside = torch.cdist(x, centres) <= 3 * scale
    return inside.any(0).sum(), inside.any(1).float().mean()


RIGHT = {
    check.discriminator_loss: right_loss,
    check.best_logit: right_logit,
    check.value: right_value,
    check.game_round: right_round,
    check.modes: right_modes,
}


def simultaneous(theta, psi, h, gamma):
    d = sigmoid(theta * psi)
    return theta + h * psi * d, psi - h * (theta * d + gamma * psi)


def half_old(theta, psi, h, gamma):
    new = right_round(theta, psi, h, gamma)[1]
    return theta + h * new * sigmoid(theta * psi), new


def generator_first(theta, psi, h, gamma):
    theta = theta + h * psi * sigmoid(theta * psi)
    return theta, psi - h * (theta * sigmoid(theta * psi) + gamma * psi)


def not_saturating(theta, psi, h, gamma):
    new = right_round(theta, psi, h, gamma)[1]
    return theta + h * new * (1 - sigmoid(theta * new)), new


def wrong_signs(discriminator, generator):
    def answer(theta, psi, h, gamma):
        psi = psi - h * (discriminator * theta * sigmoid(theta * psi) + gamma * psi)
        return theta + generator * h * psi * sigmoid(theta * psi), psi

    return answer


def at_rest(theta, psi, h, gamma):
    psi = psi - h * (theta / 2 + gamma * psi)
    return theta + h * psi / 2, psi


def with_penalty(slope):
    def answer(theta, psi, h, gamma):
        psi = psi - h * theta * sigmoid(theta * psi) - slope(psi, h, gamma)
        return theta + h * psi * sigmoid(theta * psi), psi

    return answer


def by_near(count, share):
    def answer(x, centres, scale):
        near = torch.cdist(x, centres) <= 3 * scale
        return count(near), share(near)

    return answer


def diamonds(x, centres, scale):
    near = torch.cdist(x, centres, p=1) <= 3 * scale
    return near.any(0).sum(), near.any(1).float().mean()


def with_distance(x, centres, reach, strict=False):
    distance, nearest = torch.cdist(x, centres).min(1)
    good = distance < reach if strict else distance <= reach
    return len(set(nearest[good].tolist())), good.float().mean()


def squares(x, centres, scale):
    inside = ((x[:, None] - centres).abs() <= 3 * scale).all(2)
    return inside.any(0).sum(), inside.any(1).float().mean()


def nearest_alone(x, centres, scale):
    return len(torch.cdist(x, centres).argmin(1).unique()), right_modes(x, centres, scale)[1]


def coefficients(factor=(1, 1, 1), shift=0.0):
    def answer(m_p, s_p, m_q, s_q):
        a, b, c = right_logit(m_p, s_p, m_q, s_q)
        return a * factor[0] + shift * math.log(s_q / s_p), b * factor[1], c * factor[2]

    return answer


def constant(log=1.0, squares=1.0):
    def answer(m_p, s_p, m_q, s_q):
        _, b, c = right_logit(m_p, s_p, m_q, s_q)
        return log * math.log(s_q / s_p) + squares * (m_q**2 / (2 * s_q**2) - m_p**2 / (2 * s_p**2)), b, c

    return answer


def without_halves(m_p, s_p, m_q, s_q):
    a = math.log(s_q / s_p) - m_p**2 / s_p**2 + m_q**2 / s_q**2
    return a, 2 * m_p / s_p**2 - 2 * m_q / s_q**2, 1 / s_q**2 - 1 / s_p**2


def naive(p, q):
    return (p * torch.log(p / (p + q)) + q * torch.log(q / (p + q))).sum()


SLIPS = [
    (check.discriminator_loss, lambda r, f: -(r.sigmoid().log().mean() + (1 - f.sigmoid()).log().mean()), "exactly 0 or 1"),
    (
        check.discriminator_loss,
        lambda r, f: (
            F.binary_cross_entropy(r.sigmoid().clamp(1e-7, 1 - 1e-7), torch.ones_like(r))
            + F.binary_cross_entropy(f.sigmoid().clamp(1e-7, 1 - 1e-7), torch.zeros_like(f))
        ),
        "clamping",
    ),
    (check.discriminator_loss, lambda r, f: right_loss(r, f) / 2, "half of that"),
    (check.discriminator_loss, lambda r, f: torch.cat([F.softplus(-r), F.softplus(f)]).mean(), "a mean of its own"),
    (check.discriminator_loss, lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), "grows with the batch"),
    (check.discriminator_loss, lambda r, f: right_loss(f, r), "changed places"),
    (check.discriminator_loss, lambda r, f: bce(r, torch.ones_like(r)) + bce(f, torch.ones_like(f)), "target 0"),
    (check.discriminator_loss, lambda r, f: right_loss(r.sigmoid(), f.sigmoid()), "taken twice"),
    (check.discriminator_loss, lambda r, f: F.softplus(-r).mean(), "fake examples are missing"),
    (check.discriminator_loss, lambda r, f: F.softplus(f).mean(), "real examples are missing"),
    (check.discriminator_loss, lambda r, f: r.mean() - f.mean(), "without the logarithm"),
    (check.discriminator_loss, lambda r, f: -right_loss(r, f), "sign is turned"),
    (check.discriminator_loss, lambda r, f: right_loss(r, f) / math.log(2), "in bits"),
    (
        check.discriminator_loss,
        lambda r, f: (1 + torch.exp(-r)).log().mean() + (1 + torch.exp(f)).log().mean(),
        "an exp overflows",
    ),
    (check.discriminator_loss, lambda r, f: F.softplus(r).mean() + F.softplus(f).mean(), "real points need"),
    (check.discriminator_loss, lambda r, f: F.softplus(-f).mean(), "generator's loss"),
    (check.best_logit, coefficients((1, 1, -1)), "sign of c"),
    (check.best_logit, constant(squares=-1), "signs of the two terms"),
    (check.best_logit, constant(squares=0), "lacks the terms with m²"),
    (check.best_logit, constant(log=0.5), "comes whole"),
    (check.best_logit, without_halves, "every term lacks ½"),
    (check.best_logit, lambda a, b, c, d: right_logit(c, d, a, b), "log q − log p"),
    (check.best_logit, lambda *case: right_logit(*case)[::-1], "order is a, b, c"),
    (check.best_logit, coefficients(shift=-1.0), "lacks log"),
    (check.best_logit, coefficients((1, -1, 1)), "sign of b"),
    (check.best_logit, coefficients((1, 2, 1)), "b is twice"),
    (check.best_logit, coefficients((1, 1, 2)), "c is twice"),
    (check.best_logit, lambda a, b, c, d: right_logit(a, b**0.5, c, d**0.5), "standard deviation"),
    (check.best_logit, coefficients(shift=-2.0), "sign of the logarithm"),
    (check.best_logit, lambda m, s, a, b: (-math.log(s) - m**2 / (2 * s**2), m / s**2, -0.5 / s**2), "log p alone"),
    (check.value, naive, "xlogy"),
    (check.value, zero_where_neither, "0 / 0"),
    (check.value, lambda p, q: (torch.xlogy(p, p / q) + torch.xlogy(q, q / p)).sum(), "is the logit"),
    (check.value, js, "divergence itself"),
    (check.value, lambda p, q: 2 * js(p, q), "−log 4 is missing"),
    (check.value, lambda p, q: js(p, q) - math.log(4), "whole sum"),
    (check.value, lambda p, q: 2 * js(p, q) - math.log(2), "together −log 4"),
    (check.value, lambda p, q: 2 * js(p, q) + math.log(4), "negative or 0"),
    (check.value, lambda p, q: right_value(p, q) / len(p), "no mean over places"),
    (check.value, lambda p, q: torch.xlogy(p, p / (p + q)).nan_to_num(0).sum(), "second term"),
    (check.value, lambda p, q: 2 * torch.xlogy(p, p / (p + q)).nan_to_num(0).sum(), "weighed by q, and holds"),
    (check.value, lambda p, q: torch.xlogy(p, p * q / (p + q) ** 2).nan_to_num(0).sum(), "weigh it by q"),
    (check.game_round, simultaneous, "simultaneous"),
    (check.game_round, generator_first, "discriminator moves first"),
    (check.game_round, half_old, "old ψ"),
    (check.game_round, lambda t, p, h, y: right_round(t, p, h, 0), "R1 is missing"),
    (check.game_round, lambda t, p, h, y: right_round(t, p, h, -y), "pushes ψ away"),
    (check.game_round, lambda t, p, h, y: right_round(t, p, h, 2 * y), "without a 2"),
    (check.game_round, wrong_signs(-1, 1), "discriminator's sign"),
    (check.game_round, wrong_signs(1, -1), "generator's sign"),
    (check.game_round, lambda *case: right_round(*case)[::-1], "order of the answer"),
    (check.game_round, not_saturating, "non-saturating"),
    (check.game_round, lambda t, p, h, y: (right_round(t, p, h, y)[0], p), "the old number"),
    (
        check.discriminator_loss,
        lambda r, f: cross(torch.sigmoid(r), torch.ones_like(r)) + cross(torch.sigmoid(f), torch.zeros_like(f)),
        "cuts its log",
    ),
    (check.modes, lambda x, c, s: with_distance(x, c, 3 * s, strict=True), "not <"),
    (check.game_round, lambda t, p, h, y: right_round(t, p, h, y / 2), "half of R1"),
    (check.game_round, with_penalty(lambda psi, h, gamma: h * gamma * psi**2 / 2), "penalty's value"),
    (check.game_round, with_penalty(lambda psi, h, gamma: gamma * psi), "slope of R1 too"),
    (check.game_round, at_rest, "equilibrium only"),
    (check.modes, diamonds, "Euclid"),
    (check.modes, by_near(lambda n: (n.sum(0) >= len(n) / n.shape[1] / 5).sum(), lambda n: n.any(1).float().mean()), "fifth"),
    (check.modes, by_near(lambda n: n.any(1).sum(), lambda n: n.any(0).float().mean()), "the axes"),
    (check.modes, by_near(lambda n: n.any(0).sum(), lambda n: n.float().mean()), "all pairs"),
    (check.modes, by_near(lambda n: n.any(0).float().mean(), lambda n: n.any(1).float().mean()), "share of K"),
    (check.modes, squares, "makes a square"),
    (check.modes, nearest_alone, "good points alone"),
    (check.modes, lambda x, c, s: (right_modes(x, c, s)[0], 100 * right_modes(x, c, s)[1]), "percentage"),
    (check.modes, lambda x, c, s: (right_modes(x, c, s)[0], len(x) * right_modes(x, c, s)[1]), "divide by N"),
    (check.modes, lambda x, c, s: with_distance(x, c, s), "one standard deviation"),
    (check.modes, lambda x, c, s: with_distance(x, c, (3 * s) ** 0.5), "squared"),
    (check.modes, lambda x, c, s: with_distance(x, c, 3 * s**2), "standard deviation already"),
    (check.modes, lambda x, c, s: right_modes(x, c, s)[::-1], "modes hit, then"),
]

TestLesson = frame(check, RIGHT, SLIPS)


def loss_by_numpy(real, fake):
    real, fake = real.double().numpy(), fake.double().numpy()
    return float(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean())


def loss_by_logsigmoid(real, fake):
    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()


def value_by_loops(p, q):
    pairs = [*zip(p.tolist(), q.tolist(), strict=True), *zip(q.tolist(), p.tolist(), strict=True)]
    return sum(a * math.log(a / (a + b)) for a, b in pairs if a)


def modes_by_loops(x, centres, scale):
    hit, good = set(), 0
    for point in x.tolist():
        distances = [math.dist(point, centre) for centre in centres.tolist()]
        if min(distances) <= 3 * scale:
            hit.add(distances.index(min(distances)))
            good += 1
    return len(hit), good / len(x)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.discriminator_loss, loss_by_numpy),
        (check.discriminator_loss, loss_by_logsigmoid),
        (check.best_logit, lambda *case: torch.tensor(right_logit(*case), dtype=torch.double)),
        (check.best_logit, lambda *case: list(right_logit(*case))),
        (check.value, lambda p, q: float(right_value(p, q))),
        (check.value, value_by_loops),
        (check.game_round, lambda *case: torch.tensor(right_round(*case))),
        (check.modes, modes_by_loops),
    ],
)
def test_other_styles_and_types_are_right_too(exercise, answer):
    verdict = exercise(answer, record=False)
    assert verdict.status == "right", str(verdict)
