"""Lesson 24: the right answers pass, in other styles and types too, and each likely mistake is told what it is."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from frame import frame

from course_lib.checks import lesson_24 as check
from course_lib.metrics.kernel import kernel


def right_units(nats, dimensions, per_character, length):
    return math.log2(math.exp(nats / dimensions)), 2 ** (per_character / math.log(2)), math.exp(per_character) ** length


def right_mixture(log_p, log_noise, share):
    both = torch.stack([log_p, log_noise]).double()
    return torch.logsumexp(both + torch.tensor([[share], [1 - share]]).double().log(), 0), math.log(1 / share)


def right_frechet(a, b):
    a, b = a.numpy(), b.numpy()
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(A)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ B @ root).clip(0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B) - 2 * trace


def right_infinity(counts, distances):
    return np.polyfit(1 / counts.numpy(), distances.numpy(), 1)[1]


def right_kernel_score(x, y):
    n, m = len(x), len(y)
    inner = [sum(kernel(z, z)[i, j] for i in range(len(z)) for j in range(len(z)) if i != j) for z in (x, y)]
    return inner[0] / (n * (n - 1)) + inner[1] / (m * (m - 1)) - 2 * kernel(x, y).sum() / (n * m)


def reach(x, k):
    squares = (x[:, None] - x).square().sum(-1)
    squares.fill_diagonal_(torch.inf)
    return squares.sort(1).values[:, k - 1]


def right_overlap(real, generated, k):
    squares = (real[:, None] - generated).square().sum(-1)
    inside = squares <= reach(real, k)[:, None]
    recalled = (squares <= reach(generated, k)).any(1)
    return (
        inside.any(0).float().mean(),
        recalled.float().mean(),
        inside.sum() / (k * len(generated)),
        inside.any(1).float().mean(),
    )


RIGHT = {
    check.units: right_units,
    check.mixture: right_mixture,
    check.frechet: right_frechet,
    check.infinity: right_infinity,
    check.kernel_score: right_kernel_score,
    check.overlap: right_overlap,
}


def swapped(function, *places):
    """The right answer's parts in another order."""
    return lambda *case: tuple(function(*case)[place] for place in places)


def units_with(place, change):
    def wrong(*case):
        found = list(right_units(*case))
        found[place] = change(*case)
        return tuple(found)

    return wrong


def overlap_with(place, change):
    def wrong(real, generated, k):
        found = list(right_overlap(real, generated, k))
        found[place] = change(found, real, generated, k)
        return tuple(found)

    return wrong


def overlap_by(radii):
    """24.6 with other radii: squares (N,) of the balls of each set."""

    def wrong(real, generated, k):
        squares = (real[:, None] - generated).square().sum(-1)
        inside, recalled = squares <= radii(real, generated, k)[:, None], squares <= radii(generated, real, k)
        shares = [part.float().mean() for part in (inside.any(0), recalled.any(1), inside.any(1))]
        return shares[0], shares[1], inside.sum() / (k * len(generated)), shares[2]

    return wrong


def sorted_squares(x, y, place):
    return (x[:, None] - y).square().sum(-1).sort(1).values[:, place]


def moments(a, b, bias=1):
    A, B = (torch.cov(x.T, correction=bias) for x in (a, b))
    return (a.mean(0) - b.mean(0)).square().sum(), A, B


def frechet_with(root, a, b, bias=1):
    squared, A, B = moments(a, b, bias)
    return squared + torch.trace(A + B - 2 * root(A, B))


def matrix_root(A, B):
    return torch.from_numpy(np.real(scipy.linalg.sqrtm((A @ B).numpy())))


def kid_with(k, x, y, diagonal=False, pairs=True):
    within = 0
    for z in (x, y):
        matrix = k(z, z)
        total = matrix.sum() if diagonal else matrix.sum() - matrix.diagonal().sum()
        within = within + total / (len(z) * (len(z) - (1 if pairs else 0)))
    return within - 2 * k(x, y).mean()


def cubic(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def log_shares(share):
    return math.log(share), math.log(1 - share)


SLIPS = [
    (check.units, units_with(0, lambda n, d, c, w: n * d / math.log(2)), "not multiply"),
    (check.units, lambda n, d, c, w: (n / d / math.log(2), c / math.log(2), c * w / math.log(2)), "those are bits"),
    (check.mixture, lambda p, noise, s: (torch.logaddexp(s * p, (1 - s) * noise), -math.log(s)), "its logarithm is added"),
    (check.units, units_with(0, lambda n, d, c, w: n / d * math.log(2)), "divide by log 2"),
    (check.units, units_with(0, lambda n, d, c, w: n / d), "nats per dimension"),
    (check.units, units_with(0, lambda n, d, c, w: n / math.log(2)), "bits per image"),
    (check.units, units_with(0, lambda n, d, c, w: -n / d / math.log(2)), "the sign"),
    (check.units, units_with(0, lambda n, d, c, w: n / d / math.log(10)), "base 10"),
    (check.units, units_with(0, lambda n, d, c, w: math.log2(n / d)), "not their logarithm"),
    (check.units, units_with(1, lambda n, d, c, w: 2**c), "Those are nats"),
    (check.units, lambda n, d, c, w: (n / d / math.log(2), 2**c, 2 ** (c * w)), "Those are nats"),
    (check.units, lambda n, d, c, w: (n / d / math.log(2), math.exp(-c), math.exp(-c * w)), "1 over it"),
    (check.units, units_with(2, lambda n, d, c, w: w * math.exp(c)), "add their nats first"),
    (check.units, units_with(2, lambda n, d, c, w: math.exp(c / w)), "more nats than one"),
    (check.units, units_with(2, lambda n, d, c, w: math.exp(c)), "per character and per word differ"),
    (check.mixture, lambda p, n, s: ((s * p.exp() + (1 - s) * n.exp()).log(), -math.log(s)), "torch.logaddexp"),
    (check.mixture, lambda p, n, s: (s * p + (1 - s) * n, -math.log(s)), "mixes the logarithms"),
    (check.mixture, lambda p, n, s: (torch.logaddexp(p, n), -math.log(s)), "must sum to 1"),
    (check.mixture, lambda p, n, s: (p + math.log(s), -math.log(s)), "leaves the noise out"),
    (check.mixture, lambda p, n, s: (right_mixture(p, n, 1 - s)[0], -math.log(s)), "have changed places"),
    (check.mixture, lambda p, n, s: (torch.maximum(p + log_shares(s)[0], n + log_shares(s)[1]), -math.log(s)), "adds both"),
    (check.mixture, lambda p, n, s: (-right_mixture(p, n, s)[0], -math.log(s)), "not −log q"),
    (check.mixture, lambda p, n, s: (right_mixture(p, n, s)[0], math.log(s)), "positive number of nats"),
    (check.mixture, lambda p, n, s: (right_mixture(p, n, s)[0], -math.log(1 - s)), "share · p is left"),
    (check.mixture, lambda p, n, s: (right_mixture(p, n, s)[0], -math.log2(s)), "not bits"),
    (check.mixture, lambda p, n, s: (right_mixture(p, n, s)[0], 1 / s), "logarithm of the factor"),
    (check.frechet, lambda a, b: frechet_with(matrix_root, a, b, bias=0), "the covariance is biased"),
    (check.frechet, lambda a, b: frechet_with(lambda A, B: torch.diag(torch.linalg.eigvals(A @ B).real.sqrt()), a, b), "clamp"),
    (check.frechet, lambda a, b: frechet_with(lambda A, B: (A @ B).clamp(min=0).sqrt(), a, b), "no matrix root"),
    (check.frechet, lambda a, b: frechet_with(lambda A, B: torch.diag((A.diag() * B.diag()).sqrt()), a, b), "off the diagonal"),
    (check.frechet, lambda a, b: right_frechet(a, b) + moments(a, b)[0].sqrt() - moments(a, b)[0], "the means is squared"),
    (check.frechet, lambda a, b: right_frechet(a, b) - moments(a, b)[0], "the means are missing"),
    (check.frechet, lambda a, b: frechet_with(lambda A, B: matrix_root(A, B) / 2, a, b), "factor 2"),
    (check.frechet, lambda a, b: frechet_with(lambda A, B: -matrix_root(A, B), a, b), "the sign"),
    (check.frechet, lambda a, b: frechet_with(torch.matmul, a, b), "the root is missing"),
    (check.frechet, lambda a, b: right_frechet(a, b) ** 0.5, "no root at the end"),
    (check.frechet, lambda a, b: right_frechet(a, b) / a.shape[1], "summed, not averaged"),
    (
        check.frechet,
        lambda a, b: moments(a, b)[0] + moments(a, b)[1].trace() + moments(a, b)[2].trace()
        - 2 * torch.linalg.eigvals(moments(a, b)[1] @ moments(a, b)[2]).sqrt().sum(),
        "keep the real part",
    ),
    (check.infinity, lambda n, d: np.polyfit(n, d, 1)[1], "straight in n"),
    (check.infinity, lambda n, d: np.polyfit(1 / n, d, 1)[0], "the slope"),
    (check.infinity, lambda n, d: np.polyfit(n**-0.5, d, 1)[1], "standard error"),
    (check.infinity, lambda n, d: np.polyfit(1 / n**2, d, 1)[1], "not as 1/n²"),
    (check.infinity, lambda n, d: np.polyfit(n.log(), d, 1)[1], "log n"),
    (check.infinity, lambda n, d: d[-1], "not infinite"),
    (check.infinity, lambda n, d: d.mean(), "keeps what they add"),
    (check.infinity, lambda n, d: (d[-1] * n[-1] - d[0] * n[0]) / (n[-1] - n[0]), "two of the points"),
    (check.infinity, lambda n, d: np.polyfit(d, 1 / n, 1)[1], "the axes"),
    (check.infinity, lambda n, d: np.polyfit(1 / n, d, 1).sum(), "a single example"),
    (check.kernel_score, lambda x, y: cubic(x, x).mean() + cubic(y, y).mean() - 2 * cubic(x, y).mean(), "diagonal is left in"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y, diagonal=True), "diagonal is left in"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y, pairs=False), "not N²"),
    (check.kernel_score, lambda x, y: kid_with(lambda a, b: (a @ b.T + 1) ** 3, x, y), "number of features F"),
    (check.kernel_score, lambda x, y: kid_with(lambda a, b: (a @ b.T / a.shape[1] + 1) ** 2, x, y), "the third power of"),
    (check.kernel_score, lambda x, y: kid_with(lambda a, b: (a @ b.T / a.shape[1]) ** 3, x, y), "the + 1"),
    (check.kernel_score, lambda x, y: kid_with(lambda a, b: a @ b.T / a.shape[1] + 1, x, y), "third power is missing"),
    (check.kernel_score, lambda x, y: kid_with(lambda a, b: (a @ b.T / len(a) + 1) ** 3, x, y), "not of examples"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y) + cubic(x, y).mean(), "counts twice"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y) + 4 * cubic(x, y).mean(), "mixed term is subtracted"),
    (check.kernel_score, lambda x, y: -kid_with(cubic, x, y), "within the sets plus"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y).clamp(min=0), "do not cut it off"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y).abs(), "leave its sign"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y).clamp(min=0).sqrt(), "no root"),
    (check.kernel_score, lambda x, y: kid_with(cubic, x, y).sqrt(), "no root"),
    (check.overlap, overlap_by(lambda x, y, k: sorted_squares(x, x, k - 1)), "counts the example itself"),
    (check.overlap, overlap_by(lambda x, y, k: sorted_squares(x, x, k + 1)), "one neighbour too far"),
    (check.overlap, overlap_by(lambda x, y, k: sorted_squares(x, y, k - 1)), "in its own set"),
    (check.overlap, overlap_by(lambda x, y, k: reach(x, k) ** 2), "the radii are squared"),
    (check.overlap, overlap_by(lambda x, y, k: reach(x, k).sqrt().mean().square().expand(len(x))), "its own radius"),
    (check.overlap, swapped(right_overlap, 1, 0, 2, 3), "precision and recall have changed"),
    (check.overlap, swapped(right_overlap, 0, 1, 3, 2), "density and coverage have changed"),
    (check.overlap, lambda real, generated, k: right_overlap(generated, real, k), "two sets have changed"),
    (check.overlap, overlap_with(2, lambda found, real, generated, k: found[2] * k), "by k"),
    (check.overlap, overlap_with(2, lambda found, real, generated, k: found[2] * len(generated)), "a mean over generated"),
    (check.overlap, overlap_with(2, lambda found, real, generated, k: found[2] * len(generated) / len(real)), "not by k · N"),
    (check.overlap, overlap_with(2, lambda found, real, generated, k: min(found[2], 1)), "may exceed 1"),
    (check.overlap, overlap_with(3, lambda found, *case: found[1]), "You have recall"),
    (check.overlap, overlap_with(1, lambda found, *case: found[3]), "You have coverage"),
    (check.overlap, overlap_with(3, lambda found, *case: found[0]), "share of the real examples"),
    (check.overlap, lambda *case: [100 * part for part in right_overlap(*case)], "not percent"),
]  # fmt: skip

TestFrame = frame(check, RIGHT, SLIPS)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_other_types_pass(kind):
    assert check.kernel_score(lambda x, y: kid_with(cubic, x.to(kind), y.to(kind)), record=False).status == "right"
    assert check.overlap(lambda real, made, k: right_overlap(real.to(kind), made.to(kind), k), record=False).status == "right"
    assert check.infinity(lambda n, d: right_infinity(n.to(kind), d.to(kind)), record=False).status == "right"
    assert check.mixture(lambda p, n, s: right_mixture(p.to(kind), n.to(kind), s), record=False).status == "right"


def test_scipys_matrix_root_passes():
    """SciPy's root of a singular product may have a tiny imaginary part: its real part is the answer."""
    assert check.frechet(lambda a, b: frechet_with(matrix_root, a, b), record=False).status == "right"
