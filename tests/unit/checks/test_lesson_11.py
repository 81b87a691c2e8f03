"""Lesson 11: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_11 as check


def right_project(x, mean, axes):
    back = torch.zeros_like(x)
    for axis in axes.T:
        back = back + ((x - mean) @ axis)[:, None] * axis
    return mean + back


def right_enough(variances, share):
    kept, K = 0.0, 0
    while kept < share * variances.sum() - 1e-5:
        kept, K = kept + variances[K], K + 1
    return K


def right_loss(reconstruct, x, noise):
    made = reconstruct(x + noise)
    return sum(((made[b] - x[b]) ** 2).sum() for b in range(len(x))) / len(x)


def right_transposed(x, w, stride):
    y = torch.zeros(stride * (len(x) - 1) + len(w))
    for i in range(len(x)):
        for j in range(len(w)):
            y[stride * i + j] += x[i] * w[j]
    return y


def right_auroc(ordinary, odd):
    total = sum((b > a) + 0.5 * (b == a) for a in ordinary.tolist() for b in odd.tolist())
    return total / (len(ordinary) * len(odd))


RIGHT = {
    check.project: right_project,
    check.enough: right_enough,
    check.denoising_loss: right_loss,
    check.transposed: right_transposed,
    check.auroc: right_auroc,
}


def paint(x, w, stride, add=True, size=None):
    y = torch.zeros(size or stride * (len(x) - 1) + len(w))
    for i in range(len(x)):
        place = slice(stride * i, stride * i + len(w))
        y[place] = x[i] * w + (y[place] if add else 0)
    return y


WRONG = [
    (check.project, lambda x, m, a: (x - m) @ a, "that is the code"),
    (check.project, lambda x, m, a: (x - m) @ a @ a.T, "add it at the end"),
    (check.project, lambda x, m, a: x @ a @ a.T, "start at the mean"),
    (check.project, lambda x, m, a: m + x @ a @ a.T, "never taken away"),
    (check.project, lambda x, m, a: x - right_project(x, m, a), "what is lost"),
    (check.project, lambda x, m, a: x, "x itself"),
    (check.project, lambda x, m, a: right_project(x, x.mean(0), a), "mean of these few rows"),
    (check.enough, lambda v, s: right_enough(v, s) - 1, "off by one"),
    (check.enough, lambda v, s: int((v.cumsum(0) / v.sum() >= s - 1e-6).sum()), "the smallest of them"),
    (check.enough, lambda v, s: right_enough(v, s) + 1, "one too many"),
    (check.enough, lambda v, s: int((v / v.sum() >= s).sum()), "running sum"),
    (check.enough, lambda v, s: right_enough(v.sqrt(), s), "those are scales"),
    (check.enough, lambda v, s: right_enough(v * v, s), "squared once too often"),
    (check.enough, lambda v, s: right_enough(v.flip(0), s), "start with the largest"),
    (check.enough, lambda v, s: len(v) - right_enough(v, s), "left out"),
    (check.enough, lambda v, s: int((v.cumsum(0) < s).sum()) + 1, "divide the running sum"),
    (check.enough, lambda v, s: right_enough(v, 1 - s), "not to be lost"),
    (check.denoising_loss, lambda r, x, n: right_loss(r, x + n, 0 * n), "stay clean"),
    (check.denoising_loss, lambda r, x, n: right_loss(r, x, 0 * n), "reads clean data"),
    (check.denoising_loss, lambda r, x, n: ((r(x) - x - n) ** 2).sum(1).mean(), "wrong way round"),
    (check.denoising_loss, lambda r, x, n: ((r(x) + n - x) ** 2).sum(1).mean(), "to the reconstruction"),
    (check.denoising_loss, lambda r, x, n: ((r(n) - x) ** 2).sum(1).mean(), "noise alone"),
    (check.denoising_loss, lambda r, x, n: ((r(x + n) - n) ** 2).sum(1).mean(), "not the noise"),
    (check.denoising_loss, lambda r, x, n: right_loss(r, x, torch.randn(x.shape)), "drawn anew"),
    (check.denoising_loss, lambda r, x, n: torch.nn.functional.mse_loss(r(x + n), x + n), "two slips"),
    (check.denoising_loss, lambda r, x, n: ((r(x + n) - x) ** 2).mean(), "over the D values too"),
    (check.denoising_loss, lambda r, x, n: ((r(x + n) - x) ** 2).sum(), "summed over the batch"),
    (check.denoising_loss, lambda r, x, n: (r(x + n) - x).abs().sum(1).mean(), "absolute error"),
    (check.denoising_loss, lambda r, x, n: ((r(x + n) - x) ** 2).sum(1), "take their mean"),
    (check.denoising_loss, lambda r, x, n: ((r(x + n) - x) ** 2).sum(1).sqrt().mean(), "a root too many"),
    (check.transposed, lambda x, w, s: paint(x, w, s, add=False), "both count"),
    (check.transposed, lambda x, w, s: paint(x, w, 1), "`stride` places apart"),
    (check.transposed, lambda x, w, s: paint(x, w.flip(0), s), "kernel is reversed"),
    (check.transposed, lambda x, w, s: paint(x, w, len(w)), "side by side"),
    (check.transposed, lambda x, w, s: paint(torch.ones_like(x), w, s), "x is missing"),
    (check.transposed, lambda x, w, s: paint(x, torch.ones_like(w), s), "kernel is missing"),
    (check.transposed, lambda x, w, s: paint(x, w, s, size=2 * s * len(x) + 9)[: s * len(x)], "the length"),
    (check.transposed, lambda x, w, s: paint(x, w, 1, size=s * (len(x) - 1) + len(w)), "stride · i."),
    (check.transposed, lambda x, w, s: paint(x, w, s, size=s * len(x) + len(w)), "too long"),
    (
        check.transposed,
        lambda x, w, s: torch.stack([x[i : i + len(w)] @ w for i in range(0, len(x) - len(w) + 1, s)]),
        "ordinary convolution",
    ),
    (check.auroc, lambda a, b: (b[:, None] > a).float().mean(), "ties count half"),
    (check.auroc, lambda a, b: (b[:, None] >= a).float().mean(), "not whole"),
    (check.auroc, lambda a, b: right_auroc(b, a), "reversed"),
    (check.auroc, lambda a, b: (a[:, None] > b).float().mean(), "reversed"),
    (check.auroc, lambda a, b: right_auroc(a, b) * len(a) * len(b), "divide by how many"),
    (check.auroc, lambda a, b: right_auroc(a, b) * len(a), "not by M alone"),
    (check.auroc, lambda a, b: right_auroc(a, b) * len(b), "not by N alone"),
    (check.auroc, lambda a, b: float(b.mean() > a.mean()), "the means alone"),
    (check.auroc, lambda a, b: (b[: len(a)] > a[: len(b)]).float().mean(), "N M pairs"),
]

TestLesson11 = frame(check, RIGHT, WRONG)
