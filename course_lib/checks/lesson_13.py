"""Exercises of lesson 13, latent space: the arc, what a table tells, the direction of an attribute, the gap, beta as noise."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics.disentanglement import information_gaps
from course_lib.models.latent import paths

EXERCISES = {
    "13.1": "along the sphere",
    "13.2": "what one number tells of another",
    "13.3": "the direction of an attribute",
    "13.4": "the gap",
    "13.5": "beta is noise",
}


def slerp(attempt, *, record: bool = True) -> Verdict:
    """13.1 attempt(a (L,), b (L,), t) -> (L,): the point at t in [0, 1] of the arc from a to b."""

    def parts(a: Tensor, b: Tensor, t: float, cosine: Tensor, *, divided: bool = True) -> Tensor:
        angle = cosine.arccos()
        sine = angle.sin() if divided else 1.0
        return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine

    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return torch.cosine_similarity(a, b, dim=0)

    def scaled(a: Tensor, b: Tensor, t: float) -> Tensor:
        line = paths.lerp(a, b, t)
        return line * paths.lerp(a.norm(), b.norm(), t) / line.norm()

    slips = (
        Slip(paths.lerp, "that is the straight line, which cuts through the ball."),
        Slip(lambda a, b, t: paths.slerp(b, a, t), "the wrong way round: t = 0 is a, t = 1 is b."),
        Slip(lambda a, b, t: parts(a, b, t, cosine(a, b), divided=False), "divide both parts by sin of the whole angle."),
        Slip(
            lambda a, b, t: parts(a, b, t, (a * b).sum()),
            "the angle's cosine is a·b over both norms: divide by |a| and by |b|.",
        ),
        Slip(lambda a, b, t: parts(a, b, t, cosine(a, b).cos()), "that is the angle's cosine; the angle itself is its arccos."),
        Slip(
            lambda a, b, t: paths.slerp(a / a.norm(), b / b.norm(), t),
            "divide by the norms for the angle only; the ends must stay a and b themselves.",
        ),
        Slip(
            lambda a, b, t: torch.nn.functional.normalize(paths.lerp(a, b, t), dim=0),
            "that is the straight line, brought to norm 1: use the angle, and leave the ends their norms.",
        ),
        Slip(scaled, "a straight line pushed out to the sphere goes fast in the middle; the arc turns at even speed."),
        Slip(
            lambda a, b, t: torch.nn.functional.normalize(paths.slerp(a, b, t), dim=0),
            "do not bring the result to norm 1: the prior's draws have a norm near the root of L.",
        ),
    )
    g = runtime.generator(8)
    cases = [
        (*(size * torch.randn(2, L, generator=g)).unbind(), t) for L, t, size in ((2, 0.5, 0.4), (3, 0.25, 0.4), (50, 0.8, 0.1))
    ]
    return grade("13.1", attempt, paths.slerp, cases, slips, record=record)


def information(attempt, *, record: bool = True) -> Verdict:
    """13.2 attempt(counts (A, B)) -> (): mutual information in nats of two numbers, from how often they occurred together."""

    def told(counts: Tensor) -> Tensor:
        joint = counts / counts.sum()
        return (torch.special.entr(joint.sum(1)).sum() + torch.special.entr(joint.sum(0)).sum()) - torch.special.entr(joint).sum()

    def without_margins(counts: Tensor) -> Tensor:
        joint = counts / counts.sum()
        return torch.special.xlogy(joint, joint * counts.numel()).sum()

    slips = (
        Slip(lambda c: torch.special.entr(c / c.sum()).sum(), "that is the entropy of the pair; subtract it from H(a) + H(b)."),
        Slip(
            lambda c: torch.special.entr(c / c.sum()).sum() - torch.special.entr(c.sum(1) / c.sum()).sum(),
            "that is H(b | a), what stays unknown; the mutual information is H(b) minus H(b | a).",
        ),
        Slip(
            lambda c: torch.special.entr(c / c.sum()).sum() - torch.special.entr(c.sum(0) / c.sum()).sum(),
            "that is H(a | b), what stays unknown; the mutual information is H(a) minus H(a | b).",
        ),
        Slip(
            lambda c: sum(torch.special.entr(c.sum(axis) / c.sum()).sum() for axis in (0, 1)),
            "that is H(a) + H(b); subtract the entropy of the pair, H(a, b).",
        ),
        Slip(
            lambda c: torch.special.xlogy(c, c / (c.sum(1, keepdim=True) * c.sum(0))).sum(),
            "turn the counts into probabilities first: divide by their sum.",
        ),
        Slip(lambda c: told(c) * c.sum(), "turn the counts into probabilities first: divide by their sum."),
        Slip(without_margins, "compare p(a, b) with p(a) p(b), not with equal shares."),
        Slip(
            lambda c: told(c) / torch.special.entr(c.sum(1) / c.sum()).sum(),
            "that is already divided by an entropy; the nats themselves are asked.",
        ),
    )
    tables = ([[4.0, 0], [0, 4]], [[1.0, 1], [1, 1]], [[5.0, 1, 0], [2, 2, 6]], [[1.0, 3], [2, 0], [0, 6]])
    return grade("13.2", attempt, told, [(torch.tensor(t),) for t in tables[2:] + tables[:2]], slips, record=record)


def direction(attempt, *, record: bool = True) -> Verdict:
    """13.3 attempt(codes (N, L), amount (N,)) -> (L,): mean code of those above the median amount, minus that of the rest."""

    def means(codes: Tensor, amount: Tensor) -> tuple[Tensor, Tensor]:
        much = amount > amount.median()
        return codes[much].mean(0), codes[~much].mean(0)

    def difference(codes: Tensor, amount: Tensor) -> Tensor:
        with_it, without = means(codes, amount)
        return with_it - without

    def split(much: Tensor, codes: Tensor) -> Tensor:
        return codes[much].mean(0) - codes[~much].mean(0)

    slips = (
        Slip(lambda *case: means(*case)[0], "that is where the faces above the median lie; subtract where the others lie."),
        Slip(
            lambda codes, amount: means(codes, amount)[0] - codes.mean(0),
            "subtract the mean of those below the median, not the mean of all: this way is only half as far.",
        ),
        Slip(
            lambda codes, amount: codes[amount.argmax()] - codes[amount.argmin()],
            "one face against one other differs in everything else too: take means.",
        ),
        Slip(lambda codes, amount: split(amount > amount.mean(), codes), "cut at the median of the amounts, not at their mean."),
        Slip(
            lambda codes, amount: split(amount >= amount.median(), codes),
            "torch's median is one of the amounts itself; its face belongs to the lower half: >, not >=.",
        ),
        Slip(
            lambda codes, amount: codes[amount > amount.median()].mean(0) - codes[amount < amount.median()].mean(0),
            "the face exactly at the median is left out: it belongs to the others.",
        ),
        Slip(
            lambda *case: torch.nn.functional.normalize(difference(*case), dim=0),
            "leave its length as it is: it is the distance between the two mean codes.",
        ),
    )
    g = runtime.generator(1)
    cases = [(torch.randn(n, L, generator=g), torch.rand(n, generator=g)) for n, L in ((6, 2), (20, 3), (40, 10))]
    return grade("13.3", attempt, difference, cases, slips, record=record)


def gap(attempt, *, record: bool = True) -> Verdict:
    """13.4 attempt(information (L, K), entropy (K,)) -> (): MIG, of I(z_l; v_k) and H(v_k) in nats."""

    def mig(information: Tensor, entropy: Tensor) -> Tensor:
        return information_gaps(information / entropy).mean()

    def against(other):
        return lambda information, entropy: ((information.amax(0) - other(information)) / entropy).mean()

    slips = (
        Slip(lambda i, h: information_gaps(i).mean(), "divide by each factor's entropy: a share of what there is to tell."),
        Slip(against(torch.zeros_like), "take away what the second best coordinate tells."),
        Slip(against(lambda i: i.amin(0)), "take away the second largest, not the smallest."),
        Slip(against(lambda i: i.mean(0)), "take away the second largest, not the mean."),
        Slip(
            lambda i, h: information_gaps((i / h).T).mean(),
            "best and second best among the coordinates (rows), for each factor (column).",
        ),
        Slip(lambda i, h: information_gaps(i / h).sum(), "the mean over the factors, not their sum."),
        Slip(lambda i, h: information_gaps(i / h), "one number: the mean over the factors."),
        Slip(
            lambda i, h: information_gaps(i).sum() / h.sum(),
            "first divide each factor's gap by its own entropy, then take the mean.",
        ),
    )
    g = runtime.generator(2)
    cases = []
    for L, K in ((3, 2), (5, 4)):
        entropy = 1 + torch.rand(K, generator=g)
        cases.append((entropy * torch.rand(L, K, generator=g), entropy))
    return grade("13.4", attempt, mig, cases, slips, record=record)


def same_noise(attempt, *, record: bool = True) -> Verdict:
    """13.5 attempt(scale, beta) -> the scale of p(x | z) for which a VAE with beta = 1 learns the same means and codes."""
    slips = (
        Slip(lambda scale, beta: scale * beta, "the squared error is divided by 2 scale²: beta goes with the square."),
        Slip(
            lambda scale, beta: scale / beta**0.5,
            "the other way: a large beta gives the error a small weight, as much noise does.",
        ),
        Slip(lambda scale, beta: scale / beta, "the other way, and by the root: 2 scale² stands below the squared error."),
        Slip(lambda scale, beta: scale**2 * beta, "that is the variance; the scale is its root."),
        Slip(lambda scale, beta: scale * beta**2, "the other way round: beta goes with scale², so scale takes its root."),
        Slip(lambda scale, beta: (scale * beta) ** 0.5, "only beta stands under the root: scale² · beta is the new scale²."),
        Slip(lambda scale, beta: scale, "divide the whole loss by beta, and look at what stands before the squared error."),
    )
    cases = [(0.05, 4.0), (0.1, 9.0), (0.3, 2.0)]
    return grade("13.5", attempt, lambda scale, beta: scale * beta**0.5, cases, slips, record=record)
