"""Exercises 24.3 to 24.5: the Fréchet distance of two sets of features, its value at infinity, and the kernel distance."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.kernel import kernel, kernel_distance


def _features(n: int, width: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    """Features (n, width) in float64, correlated with one another."""
    generator = runtime.generator(seed)
    bend = torch.randn(width, width, generator=generator, dtype=torch.double)
    return scale * torch.randn(n, width, generator=generator, dtype=torch.double) @ bend + shift


def frechet(attempt, *, record: bool = True) -> Verdict:
    """24.3 attempt(a (N, F), b (M, F)) -> the squared Fréchet distance of Gaussians fitted to the features, a single number."""

    def parts(a: Tensor, b: Tensor, biased: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        A, B = (torch.cov(x.T, correction=0 if biased else 1) for x in (a, b))
        return (a.mean(0) - b.mean(0)).square().sum(), A, B

    def root(A: Tensor, B: Tensor) -> Tensor:
        return torch.linalg.eigvals(A @ B).real.clamp(min=0).sqrt().sum()

    def biased(a: Tensor, b: Tensor) -> Tensor:
        means, A, B = parts(a, b, biased=True)
        return means + A.trace() + B.trace() - 2 * root(A, B)

    def assembled(a: Tensor, b: Tensor, means=lambda squared: squared, both=lambda A, B: -2 * root(A, B)) -> Tensor:
        squared, A, B = parts(a, b)
        return means(squared) + A.trace() + B.trace() + both(A, B)

    def entries(A: Tensor, B: Tensor) -> Tensor:
        return -2 * (A @ B).diagonal().clamp(min=0).sqrt().sum()

    def no_clamp(A: Tensor, B: Tensor) -> Tensor:
        return -2 * torch.linalg.eigvals(A @ B).real.sqrt().sum()

    slips = (
        Slip(biased, "the covariance is biased: divide by N − 1, as torch.cov does, not by N."),
        Slip(lambda a, b: assembled(a, b, both=no_clamp),
             "rounding makes some eigenvalues of A B slightly negative, and their roots NaN: clamp them at 0 first."),
        Slip(lambda a, b: assembled(a, b, both=lambda A, B: -2 * (A @ B).clamp(min=0).sqrt().trace()),
             "the root of each entry is no matrix root: take the roots of the eigenvalues of A B."),
        Slip(lambda a, b: assembled(a, b, both=entries),
             "the root of each entry is no matrix root: take the roots of the eigenvalues of A B."),
        Slip(lambda a, b: assembled(a, b, both=lambda A, B: -2 * (A.diagonal() * B.diagonal()).sqrt().sum()),
             "that forgets the covariances off the diagonal: the features are correlated."),
        Slip(lambda a, b: assembled(a, b, means=torch.sqrt), "the distance of the means is squared."),
        Slip(lambda a, b: assembled(a, b, means=torch.zeros_like), "the means are missing."),
        Slip(lambda a, b: assembled(a, b, both=lambda A, B: -root(A, B)), "the factor 2 before the root is missing."),
        Slip(lambda a, b: assembled(a, b, both=lambda A, B: 2 * root(A, B)), "the sign: the root is subtracted."),
        Slip(lambda a, b: assembled(a, b, both=lambda A, B: -2 * torch.linalg.eigvals(A @ B).real.sum()),
             "that is the trace of A B: the root is missing."),
        Slip(lambda a, b: assembled(a, b).clamp(min=0).sqrt(), "no root at the end: FID is the squared distance."),
        Slip(lambda a, b: assembled(a, b) / a.shape[1], "the dimensions are summed, not averaged."),
        Slip(lambda a, b: frechet_distance(a.T, b.T) if a.shape == b.shape else torch.tensor(torch.nan),
             "the axes: rows are examples, and torch.cov wants them as columns."),
    )  # fmt: skip
    few = _features(6, 8, 5)  # fewer examples than features: singular covariances
    cases = [
        (_features(9, 4, 0), _features(9, 4, 1, shift=0.7)),
        (_features(12, 3, 2, 2.0), _features(7, 3, 3)),
        (few, few + 0.5),
    ]
    verdict = grade("24.3", attempt, frechet_distance, cases, slips, tolerance=1e-5, record=record)
    if "complex numbers" in verdict.text:
        return replace(verdict, hint="keep the real part: imaginary parts of the root are rounding errors.")
    return verdict


def infinity(attempt, *, record: bool = True) -> Verdict:
    """24.4 attempt(counts (K,), distances (K,)) -> the distance at n = ∞ of the best straight line in 1/n, a single number."""

    def line(across: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
        """Intercept and slope by least squares."""
        slope = ((across - across.mean()) * (up - up.mean())).sum() / (across - across.mean()).square().sum()
        return up.mean() - slope * across.mean(), slope

    def truth(counts: Tensor, distances: Tensor) -> Tensor:
        return line(1 / counts, distances)[0]

    slips = (
        Slip(lambda n, d: line(n, d)[0], "that line is straight in n; the excess falls as 1/n, so fit against 1/n."),
        Slip(lambda n, d: line(1 / n, d)[1], "that is the slope; at n = ∞ 1/n is 0, and the intercept is left."),
        Slip(lambda n, d: line(1 / n.sqrt(), d)[0], "a standard error falls as 1/√n; the excess of this distance falls as 1/n."),
        Slip(lambda n, d: line(1 / n.square(), d)[0], "the excess falls as 1/n, not as 1/n²."),
        Slip(lambda n, d: line(n.log(), d)[0], "that line is straight in log n; the excess falls as 1/n, so fit against 1/n."),
        Slip(lambda n, d: d[n.argmax()], "the largest count is not infinite: what it adds is left in."),
        Slip(lambda n, d: d.min(), "the smallest distance still holds what its count adds."),
        Slip(lambda n, d: d.mean(), "a mean over counts keeps what they add: fit a line in 1/n."),
        Slip(lambda n, d: (d[-1] * n[-1] - d[0] * n[0]) / (n[-1] - n[0]),
             "that is the line through two of the points; least squares uses all of them."),
        Slip(lambda n, d: line(d, 1 / n)[0], "the axes: 1/n is the place, and the distance is the height."),
        Slip(lambda n, d: sum(line(1 / n, d)), "that is the line at 1/n = 1, a single example; n = ∞ is 1/n = 0."),
    )  # fmt: skip
    cases = [
        (torch.tensor([500.0, 1_000, 2_000, 5_000]), torch.tensor([16.0, 9.5, 5.8, 4.1])),
        (torch.tensor([100.0, 200, 400]), torch.tensor([30.0, 21, 16.2])),
    ]
    return grade("24.4", attempt, truth, cases, slips, record=record)


def kernel_score(attempt, *, record: bool = True) -> Verdict:
    """24.5 attempt(x (N, F), y (M, F)) -> the unbiased squared kernel distance with k(x, y) = (x·y / F + 1)³, a single number."""

    def within(x: Tensor, k=kernel) -> Tensor:
        matrix = k(x, x)
        return (matrix.sum() - matrix.trace()) / (len(x) * (len(x) - 1))

    def by(x: Tensor, y: Tensor, k=kernel, inner=within, twice: float = -2.0) -> Tensor:
        return inner(x, k) + inner(y, k) + twice * k(x, y).mean()

    def with_kernel(k):
        return lambda x, y: by(x, y, k)

    def mean_of_all(x: Tensor, k) -> Tensor:
        return k(x, x).mean()

    def wrong_count(x: Tensor, k) -> Tensor:
        return within(x, k) * (len(x) - 1) / len(x)

    def diagonal_in_the_sum(x: Tensor, k) -> Tensor:
        return k(x, x).sum() / (len(x) * (len(x) - 1))

    def paired(x: Tensor, y: Tensor) -> Tensor:
        """The diagonal of the mixed kernel left out too, as for pairs."""
        matrix = kernel(x, y)
        return within(x) + within(y) - 2 * (matrix.sum() - matrix.trace()) / (len(x) * (len(x) - 1))

    diagonal = (
        "the diagonal is left in: an example is always like itself, which biases the estimate. Use N (N − 1) different pairs."
    )
    slips = (
        Slip(lambda x, y: by(x, y, inner=mean_of_all), diagonal),
        Slip(lambda x, y: by(x, y, inner=diagonal_in_the_sum), diagonal),
        Slip(lambda x, y: by(x, y, inner=wrong_count), "without the diagonal there are N (N − 1) pairs, not N²."),
        Slip(paired, "x and y are different examples throughout: between the sets, all N · M pairs count, the diagonal too."),
        Slip(with_kernel(lambda x, y: (x @ y.T + 1) ** 3), "the inner product is divided by the number of features F."),
        Slip(with_kernel(lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2), "the third power of the kernel."),
        Slip(with_kernel(lambda x, y: (x @ y.T / x.shape[1]) ** 3), "the + 1 in the kernel is missing."),
        Slip(with_kernel(lambda x, y: x @ y.T / x.shape[1] + 1), "the third power is missing."),
        Slip(with_kernel(lambda x, y: (x @ y.T / len(x) + 1) ** 3), "divide by the number of features F, not of examples."),
        Slip(lambda x, y: by(x, y, twice=-1.0), "the mixed term counts twice."),
        Slip(lambda x, y: by(x, y, twice=2.0), "the sign: the mixed term is subtracted."),
        Slip(lambda x, y: by(x, y).abs(), "an unbiased estimate of 0 is often negative: leave its sign."),
        Slip(lambda x, y: -by(x, y), "the sign: within the sets plus, between them minus."),
        Slip(lambda x, y: by(x, y).clamp(min=0), "an unbiased estimate of 0 is often negative: do not cut it off."),
        Slip(lambda x, y: by(x, y).clamp(min=0).sqrt(), "no root: KID is the squared distance, whose estimate is unbiased."),
        Slip(lambda x, y: by(x, y).sqrt(), "no root: KID is the squared distance, whose estimate is unbiased."),
    )  # fmt: skip
    same = _features(5, 3, 6)
    cases = [(_features(6, 3, 7, 0.5), _features(4, 3, 8, 0.5, shift=0.4)), (same, same + 0.01)]
    return grade("24.5", attempt, kernel_distance, cases, slips, record=record)
