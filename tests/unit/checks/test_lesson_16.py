"""Lesson 16: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame
from scipy import special, stats
from torch.nn import functional as F

from course_lib.checks import lesson_16 as check


def right_overlaps(n, kernel, stride, padding):
    return F.conv_transpose2d(torch.ones(1, 1, n, n), torch.ones(1, 1, kernel, kernel), stride=stride, padding=padding)[0, 0]


def right_wrong_labels(p, q, flipped, label):
    real = p / (p + q)
    return real * (1 - flipped) + (1 - real) * flipped, label * real


def right_truncated_norm(L, t):
    return math.sqrt(L) * stats.truncnorm(-t, t).std()


def right_spectral_norm(W, v, rounds):
    for _ in range(rounds):
        u = F.normalize(W @ v, dim=0)
        v = F.normalize(W.T @ u, dim=0)
    return u @ W @ v


def first_duplicates(drawn):
    found = []
    for row in drawn.tolist():
        seen = set()
        for count, name in enumerate(row, 1):
            if name in seen:
                found.append(count)
                break
            seen.add(name)
    return torch.tensor(found, dtype=torch.float)


def right_birthday(drawn):
    s = first_duplicates(drawn)
    return (s * (s - 1)).mean() / 2


RIGHT = {
    check.overlaps: right_overlaps,
    check.wrong_labels: right_wrong_labels,
    check.truncated_norm: right_truncated_norm,
    check.spectral_norm: right_spectral_norm,
    check.birthday: right_birthday,
}


def counts(n, kernel, stride):
    return F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, kernel), stride=stride)[0, 0]


def uncut(n, kernel, stride, padding):
    return counts(n, kernel, stride)[:, None] * counts(n, kernel, stride)


def size(n, kernel, stride, padding):
    return (stride * (n - 1) + kernel - 2 * padding,) * 2


def row(n, kernel, stride, padding):
    found = counts(n, kernel, stride)
    return found[padding : len(found) - padding]


def first(p, q, e):
    return (p * (1 - e) + q * e) / (p + q)


def second(p, q, a):
    return a * p / (p + q)


def clamped_norm(L, t):
    z = torch.linspace(-9, 9, 2_000_001, dtype=torch.double)
    return (L * (torch.exp(-(z**2) / 2) * z.clamp(-t, t) ** 2).sum() / torch.exp(-(z**2) / 2).sum()).sqrt()


def part(t):  # of the variance, which the limits take away
    return 2 * t * stats.norm.pdf(t)


def power(W, v, rounds):
    for _ in range(rounds):
        v = F.normalize(W.T @ (W @ v), dim=0)
    return v


def unnormalised(W, v, rounds):
    for _ in range(rounds):
        v = W.T @ (W @ v)
    return (W @ v).norm() / v.norm()


def of(drawn, function):
    return function(first_duplicates(drawn))


SLIPS = [
    (check.overlaps, row, "two directions, and"),
    (check.overlaps, lambda *c: row(*c)[:, None] + row(*c), "multiplied, not added"),
    (check.overlaps, uncut, "cut off on every side"),
    (check.overlaps, lambda n, k, s, p: uncut(n, k, s, p)[p:, p:], "at the far end"),
    (check.overlaps, lambda n, k, s, p: uncut(n, k, s, p)[: -p or None, : -p or None], "the near end too"),
    (check.overlaps, lambda n, k, s, p: F.pad(uncut(n, k, s, p), (p, p, p, p)), "takes rows away"),
    (check.overlaps, lambda n, k, s, p: torch.full(size(n, k, s, p), math.ceil(k / s) ** 2), "not every pixel"),
    (check.overlaps, lambda n, k, s, p: torch.ones(size(n, k, s, p)), "several inputs reach one pixel"),
    (check.overlaps, lambda *c: (right_overlaps(*c) > 1).int(), "only says whether"),
    (check.overlaps, lambda *c: right_overlaps(*c) - 1, "counts 1, not 0"),
    (check.overlaps, lambda n, k, s, p: torch.ones((max(0, (n + 2 * p - k) // s + 1),) * 2), "a transposed one grows"),
    (check.wrong_labels, lambda p, q, e, a: (second(p, q, a), first(p, q, e)), "changed places"),
    (check.wrong_labels, lambda p, q, e, a: (p / (p + q), second(p, q, a)), "flips are missing"),
    (check.wrong_labels, lambda p, q, e, a: ((1 - e) * p / (p + q), second(p, q, a)), "called real are missing"),
    (check.wrong_labels, lambda p, q, e, a: ((1 - e) * p / ((1 - e) * p + e * q), second(p, q, a)), "p + q"),
    (check.wrong_labels, lambda p, q, e, a: (1 - first(p, q, e), second(p, q, a)), "called fake"),
    (check.wrong_labels, lambda p, q, e, a: ((e * p + (1 - e) * q) / (p - e * p + e * q), second(p, q, a)), "ratio of odds"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), p / (p + q)), "label is missing from the second"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), a * p / (a * p + q)), "does not weigh real examples"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), (a * p + q - a * q) / (p + q)), "one-sided"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), (p + a - 1) / (p + q)), "nothing is subtracted"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), (p / (p + q)).clamp(max=a)), "does not cut D off"),
    (check.wrong_labels, lambda p, q, e, a: (first(p, q, e), a * q / (p + q)), "where real examples are dense"),
    (check.wrong_labels, lambda p, q, e, a: (p / (p + q), p / (p + q)), "And the label is missing"),
    (check.truncated_norm, lambda L, t: right_truncated_norm(L, t) ** 2, "take its root"),
    (check.truncated_norm, lambda L, t: right_truncated_norm(1, t), "one coordinate's"),
    (check.truncated_norm, lambda L, t: L * right_truncated_norm(1, t), "not lengths"),
    (check.truncated_norm, lambda L, t: L**0.5, "without truncation"),
    (check.truncated_norm, lambda L, t: L**0.5 * stats.truncnorm(-t, t).var(), "variance of a coordinate as well"),
    (check.truncated_norm, clamped_norm, "clamped to the limits"),
    (check.truncated_norm, lambda L, t: (L * (1 - 2 * t * stats.norm.pdf(t) / special.erf(t))) ** 0.5, "erf(t/√2)"),
    (check.truncated_norm, lambda L, t: (L * (2 - stats.truncnorm(-t, t).var())) ** 0.5, "the sign"),
    (check.truncated_norm, lambda L, t: (L * (1 - 2 * stats.norm.sf(t) - part(t))) ** 0.5, "drawn again, and never counted"),
    (check.truncated_norm, lambda L, t: (L * max(0, 1 - part(t) / stats.norm.cdf(t))) ** 0.5, "not Φ(t)"),
    (check.truncated_norm, lambda L, t: (L * (1 - part(t) / 2 / (1 - 2 * stats.norm.sf(t)))) ** 0.5, "both limits count"),
    (check.truncated_norm, lambda L, t: min(t, L**0.5), "not for the norm"),
    (check.truncated_norm, lambda L, t: t * L**0.5, "a corner of the box"),
    (check.truncated_norm, lambda L, t: L**0.5 * stats.uniform(-t, 2 * t).std(), "not uniform"),
    (check.spectral_norm, lambda W, v, r: right_spectral_norm(W, v, r) ** 2, "that is its square"),
    (check.spectral_norm, lambda W, v, r: W.norm(), "Frobenius"),
    (check.spectral_norm, lambda W, v, r: torch.linalg.svdvals(W).min(), "smallest singular value"),
    (check.spectral_norm, lambda W, v, r: torch.linalg.matrix_norm(W, "nuc"), "sum of the singular values"),
    (check.spectral_norm, lambda W, v, r: torch.linalg.matrix_norm(W, torch.inf), "sum of a row"),
    (check.spectral_norm, lambda W, v, r: W.abs().max(), "largest entry"),
    (check.spectral_norm, power, "that is the direction"),
    (check.spectral_norm, lambda W, v, r: (W @ F.normalize(v, dim=0)).norm(), "stretch of the first vector"),
    (check.spectral_norm, lambda W, v, r: (W @ power(W, v, 1)).norm(), "after one round"),
    (check.spectral_norm, unnormalised, "divide by the norm"),
    (check.birthday, lambda d: of(d, lambda s: s.mean() * (s.mean() - 1) / 2), "no square of a mean"),
    (check.birthday, lambda d: of(d, lambda s: ((s - 1) * (s - 2) / 2).mean()), "index from 0"),
    (check.birthday, lambda d: of(d, lambda s: ((s + 1) * s / 2).mean()), "one picture too many"),
    (check.birthday, lambda d: of(d, lambda s: (s * (s - 1)).mean()), "counted twice"),
    (check.birthday, lambda d: of(d, lambda s: (s**2).mean()), "order of magnitude"),
    (check.birthday, lambda d: of(d, lambda s: (s**2).mean() / 2), "a pair with itself"),
    (check.birthday, lambda d: of(d, lambda s: s.mean()), "its *square*"),
    (check.birthday, lambda d: of(d, lambda s: (s * (s - 1) / 2).sum()), "not the sum"),
    (check.birthday, lambda d: right_birthday(d[:1]), "first row alone"),
    (check.birthday, lambda d: len(d.unique()), "happened to see"),
]


class TestLesson(frame(check, RIGHT, SLIPS)):
    def test_the_place_of_the_earlier_one_is_told_apart(self):
        def earlier(drawn):
            rows = [row[: int(s)] for row, s in zip(drawn.tolist(), first_duplicates(drawn), strict=True)]
            s = torch.tensor([row.index(row[-1]) + 1.0 for row in rows])
            return (s * (s - 1) / 2).mean()

        assert "where the picture came first" in check.birthday(earlier, record=False).hint

    def test_the_mean_number_of_pairs_is_the_number_of_pictures(self):
        """E s(s - 1)/2 = N exactly: the sum over s of the probability of the first duplicate there, for N = 2,000."""
        alone, total = 1.0, 0.0  # P(no duplicate among the first s - 1)
        for s in range(2, 2_002):
            total += alone * (s - 1) / 2_000 * s * (s - 1) / 2
            alone *= 1 - (s - 1) / 2_000
        assert math.isclose(total, 2_000, rel_tol=1e-9)

    def test_single_precision_and_other_types_pass(self):
        assert check.overlaps(lambda *c: right_overlaps(*c).to(torch.uint8), record=False).status == "right"
        assert check.truncated_norm(lambda L, t: torch.tensor(right_truncated_norm(L, t)), record=False).status == "right"
        assert check.spectral_norm(lambda W, v, r: torch.linalg.matrix_norm(W, 2), record=False).status == "right"
