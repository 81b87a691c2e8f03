"""Exercises of lesson 11, autoencoders: project, choose a width, a denoiser's loss, a transposed convolution, AUROC."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics.detection import auroc as area

EXERCISES = {
    "11.1": "through a code and back, by PCA",
    "11.2": "how many numbers are enough?",
    "11.3": "a denoiser's loss",
    "11.4": "a transposed convolution",
    "11.5": "the area under the ROC curve",
}


def project(attempt, *, record: bool = True) -> Verdict:
    """11.1 attempt(x (B, D), mean (D), axes (D, L) with orthonormal columns) -> reconstruction (B, D)."""

    def right(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
        return mean + (x - mean) @ axes @ axes.T

    slips = (
        Slip(lambda x, mean, axes: (x - mean) @ axes, "that is the code; go back to D numbers: multiply by the axes again."),
        Slip(lambda x, mean, axes: (x - mean) @ axes @ axes.T, "the mean was taken away at the start; add it at the end."),
        Slip(lambda x, mean, axes: x @ axes @ axes.T, "the directions start at the mean: take it away first, add it at the end."),
        Slip(lambda x, mean, axes: mean + x @ axes @ axes.T, "the mean is added at the end, and was never taken away."),
        Slip(lambda x, mean, axes: x - right(x, mean, axes), "that is what is lost, x minus the reconstruction."),
        Slip(lambda x, mean, axes: x + 0 * mean, "that is x itself: only what lies along the L axes may come through."),
        Slip(
            lambda x, mean, axes: right(x, x.mean(0), axes),
            "take the `mean` that is given; the mean of these few rows is another one.",
        ),
    )
    g = runtime.generator(0)
    cases = []
    for B, D, K in ((4, 3, 1), (2, 5, 2)):
        axes = torch.linalg.qr(torch.randn(D, K, generator=g))[0]
        cases.append((torch.randn(B, D, generator=g), torch.randn(D, generator=g), axes))
    return grade("11.1", attempt, right, cases, slips, record=record)


def enough(attempt, *, record: bool = True) -> Verdict:
    """11.2 attempt(variances (D), falling, share) -> the smallest L that holds this share of the variance."""

    def count(variances: Tensor, share: float, *, extra: int = 0) -> int:
        shares = variances.cumsum(0) / variances.sum()
        return int((shares < share - 1e-6).sum()) + 1 + extra

    slips = (
        Slip(lambda v, share: count(v, share, extra=-1), "off by one: an index counts from 0, directions from 1."),
        Slip(lambda v, share: count(v, share, extra=1), "one too many: fewer directions hold this share already."),
        Slip(lambda v, share: int((v / v.sum() >= share).sum()), "shares add up: take their running sum before comparing."),
        Slip(lambda v, share: count(v.sqrt(), share), "those are scales; variances add up, scales do not."),
        Slip(lambda v, share: count(v.square(), share), "the variances are squared once too often."),
        Slip(lambda v, share: count(v.flip(0), share), "start with the largest variance: they are given falling."),
        Slip(
            lambda v, share: len(v) - count(v, share) + 1,
            "that counts all L that hold the share; the smallest of them is wanted.",
        ),
        Slip(lambda v, share: len(v) - count(v, share), "that counts the directions which are left out."),
        Slip(
            lambda v, share: int((v.cumsum(0) < share).sum()) + 1,
            "a share is a part of the whole: divide the running sum by the sum of all variances.",
        ),
        Slip(lambda v, share: count(v, 1 - share), "the share is to be kept, not to be lost."),
    )
    cases = [
        (torch.tensor([90.0, 4.0, 2.0, 2.0, 1.0, 1.0]), 0.9),
        (torch.tensor([6.0, 3.0, 0.75, 0.25]), 0.85),
        (torch.tensor([5.0, 2.0, 1.0, 1.0, 0.5, 0.5]), 0.95),
    ]
    cases += [(torch.tensor([4.0, 4.0, 2.0]), 0.3), (torch.tensor([9.0, 3.0, 2.0, 1.0, 1.0]), 0.7)]
    return grade("11.2", attempt, count, cases, slips, record=record)


def denoising_loss(attempt, *, record: bool = True) -> Verdict:
    """11.3 attempt(reconstruct, x (B, D), noise (B, D)) -> mean over the batch of the squared error of a denoiser, ()."""

    def loss(reconstruct, x: Tensor, noise: Tensor) -> Tensor:
        return (x - reconstruct(x + noise)).square().sum(1).mean()

    def of(error) -> Slip:
        return lambda *case: error(*case).square().sum(1).mean()

    slips = (
        Slip(
            of(lambda r, x, n: x + n - r(x + n)), "the target must stay clean: as it is, the network is asked to copy the noise."
        ),
        Slip(of(lambda r, x, n: x - r(x)), "the network reads clean data: add the noise to what it reads."),
        Slip(of(lambda r, x, n: x + n - r(x)), "the wrong way round: noise goes to what is read, the target stays clean."),
        Slip(of(lambda r, x, n: x - r(x) - n), "the noise was added to the reconstruction; it belongs to the input."),
        Slip(of(lambda r, x, n: x - r(n)), "the network reads noise alone: add it to x."),
        Slip(of(lambda r, x, n: n - r(x + n)), "the target is the clean x, not the noise."),
        Slip(of(lambda r, x, n: x - r(x + torch.randn_like(x))), "use the noise that is given; yours was drawn anew."),
        Slip(
            lambda r, x, n: (x - r(x + n)).square().mean(), "averaged over the D values too: sum over those, mean over the batch."
        ),
        Slip(
            lambda r, x, n: (x + n - r(x + n)).square().mean(),
            "two slips: the target must stay clean, and the squares are summed over the D values.",
        ),
        Slip(lambda r, x, n: (x - r(x + n)).square().sum(), "summed over the batch; there the mean is wanted."),
        Slip(lambda r, x, n: (x - r(x + n)).abs().sum(1).mean(), "that is the absolute error; the squared one is wanted."),
        Slip(lambda r, x, n: (x - r(x + n)).square().sum(1), "that is one number per example: take their mean."),
        Slip(lambda r, x, n: (x - r(x + n)).norm(dim=1).mean(), "a root too many: squared error is wanted."),
    )
    g = runtime.generator(2)
    A = 0.5 * torch.randn(3, 3, generator=g)

    def reconstruct(x: Tensor) -> Tensor:
        return torch.tanh(x @ A)

    cases = [(reconstruct, torch.randn(4, 3, generator=g), 0.5 * torch.randn(4, 3, generator=g)) for _ in range(2)]
    return grade("11.3", attempt, loss, cases, slips, record=record)


def transposed(attempt, *, record: bool = True) -> Verdict:
    """11.4 attempt(x (n), w (k), stride) -> (stride (n - 1) + k): every x_i paints x_i w from place stride · i on."""

    def right(x: Tensor, w: Tensor, stride: int) -> Tensor:
        return F.conv_transpose1d(x[None, None], w[None, None], stride=stride)[0, 0]

    def overwritten(x: Tensor, w: Tensor, stride: int) -> Tensor:
        y = torch.zeros(stride * (len(x) - 1) + len(w))
        for i, value in enumerate(x):
            y[stride * i : stride * i + len(w)] = value * w
        return y

    def crowded(x: Tensor, w: Tensor, stride: int) -> Tensor:
        painted = right(x, w, 1)
        return F.pad(painted, (0, stride * (len(x) - 1) + len(w) - len(painted)))

    slips = (
        Slip(overwritten, "where two windows overlap, both count: add to what is there (+=), do not replace it."),
        Slip(
            lambda x, w, stride: right(x, w, 1), "every window starts at the next place; they are to start `stride` places apart."
        ),
        Slip(crowded, "window i starts at i; it is to start at stride · i."),
        Slip(lambda x, w, stride: right(x, w.flip(0), stride), "the kernel is reversed: x_i w_0 comes first."),
        Slip(
            lambda x, w, stride: right(x, w, len(w)), "your windows lie side by side, k apart; they are to start `stride` apart."
        ),
        Slip(lambda x, w, stride: right(torch.ones_like(x), w, stride), "x is missing: each window is the kernel times x_i."),
        Slip(lambda x, w, stride: right(x, torch.ones_like(w), stride), "the kernel is missing: each window is x_i times w."),
        Slip(
            lambda x, w, stride: F.pad(right(x, w, stride), (0, stride)),
            "too long: the last window starts at stride · (n - 1), not at stride · n.",
        ),
        Slip(
            lambda x, w, stride: F.pad(right(x, w, stride), (0, stride * len(x) - (stride * (len(x) - 1) + len(w)))),
            "the length: the last window starts at stride · (n - 1) and is k long.",
        ),
        Slip(
            lambda x, w, stride: F.conv1d(x[None, None], w[None, None], stride=stride)[0, 0],
            "that is an ordinary convolution, which gathers and shrinks; this one paints and grows.",
        ),
    )
    cases = [
        (torch.tensor([1.0, 2.0, -1.0]), torch.tensor([1.0, 3.0, 5.0]), 2),
        (torch.tensor([2.0, 1.0, 4.0, 3.0]), torch.tensor([1.0, 2.0, 0.5, 4.0]), 2),
        (torch.tensor([1.0, -2.0]), torch.tensor([1.0, 2.0]), 3),
    ]
    return grade("11.4", attempt, right, cases, slips, record=record)


def auroc(attempt, *, record: bool = True) -> Verdict:
    """11.5 attempt(ordinary (N), odd (M)) -> the chance that a random odd score is above a random ordinary one, ties half."""

    def pairs(ordinary: Tensor, odd: Tensor, ties: float = 0.5) -> float:
        above = (odd[:, None] > ordinary).double() + ties * (odd[:, None] == ordinary)
        return above.mean().item()

    slips = (
        Slip(lambda a, b: pairs(a, b, ties=0.0), "ties count half."),
        Slip(lambda a, b: pairs(a, b, ties=1.0), "ties count half, not whole: a coin would decide them."),
        Slip(lambda a, b: 1 - area(a, b), "reversed: the odd ones are to lie above."),
        Slip(lambda a, b: 1 - pairs(a, b, ties=0.0), "reversed: the odd ones are to lie above (and ties count half)."),
        Slip(lambda a, b: 1 - pairs(a, b, ties=1.0), "reversed: the odd ones are to lie above (and ties count half)."),
        Slip(lambda a, b: pairs(a, b) * len(a) * len(b), "that counts the pairs; divide by how many there are, N M."),
        Slip(lambda a, b: pairs(a, b) * len(a), "divide by the number of pairs, N M, not by M alone."),
        Slip(lambda a, b: pairs(a, b) * len(b), "divide by the number of pairs, N M, not by N alone."),
        Slip(lambda a, b: float(b.mean() > a.mean()), "the means alone do not tell: every odd score meets every ordinary one."),
        Slip(lambda a, b: (b[: len(a)] > a[: len(b)]).double().mean(), "every odd score meets every ordinary one: N M pairs."),
    )
    cases = [
        (torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([2.0, 5.0, 3.5])),
        (torch.tensor([0.0, 7.0, 1.0]), torch.tensor([1.0, 1.0, 3.0, 0.5, 8.0])),
        (torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0, 2.0])),
    ]
    return grade("11.5", attempt, area, cases, slips, record=record)
