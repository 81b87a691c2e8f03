"""Exercises of lesson 17, Wasserstein GANs: transport by sorting, the best critic, clipped weights, the penalty, batch norm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import prod, sqrt

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.checks.critic_moves import fresh_batches
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics import transport

__all__ = ["EXERCISES", "bound", "distance", "fresh_batches", "mixing", "penalty", "slope"]

EXERCISES = {
    "17.1": "the earth mover's distance by sorting, also for unequal counts",
    "17.2": "the slope of the best critic",
    "17.3": "the steepest slope of a clipped network",
    "17.4": "the gradient penalty of each example",
    "17.5": "which examples a critic mixes up",
    "17.6": "fresh batches for all moves of a critic",
}


def _piles(N: int, M: int, seed: int) -> tuple[Tensor, Tensor]:
    """Points x (N,) and y (M,) on the line; neither pile lies wholly to one side of the other."""
    g = runtime.generator(seed)
    return torch.randn(N, generator=g), 2 * torch.randn(M, generator=g) + 0.5


def distance(attempt, *, record: bool = True) -> Verdict:
    """17.1 attempt(x (N,), y (M,)) -> W_1 of two piles on the line, one number; every point of a pile weighs the same."""

    def ways(x: Tensor, y: Tensor) -> Tensor:
        return x.repeat_interleave(len(y)) - y.repeat_interleave(len(x))

    def gaps(x: Tensor, y: Tensor) -> Tensor:
        return ways(x.sort().values, y.sort().values).abs()

    def cut(x: Tensor, y: Tensor) -> Tensor:
        k = min(len(x), len(y))
        return (x.sort().values[:k] - y.sort().values[:k]).abs()

    def tiled(x: Tensor, y: Tensor) -> Tensor:
        return (x.sort().values.repeat(len(y)) - y.sort().values.repeat(len(x))).abs().mean()

    def nearest(x: Tensor, y: Tensor) -> Tensor:
        return (x[:, None] - y).abs().amin(1).mean()

    def unweighted(x: Tensor, y: Tensor) -> Tensor:
        plan = transport.monotone_plan(x, y)
        return (x[plan.source] - y[plan.target]).abs().mean()

    slips = (
        Slip(lambda x, y: (x.mean() - y.mean()).abs(), "that is the distance of the means; each grain's own way counts."),
        Slip(lambda x, y: gaps(x, y).sum(), "that is a sum over all pieces; each of them weighs 1/(N M), so take the mean."),
        Slip(lambda x, y: cut(x, y).mean(), "points are left out: with unequal counts, a point has to be divided."),
        Slip(unweighted, "the pieces have different masses: a mean of their ways counts a small piece as much as a large one."),
        Slip(lambda x, y: gaps(x, y).square().mean(), "that is W₂ squared; W₁ has no square in it."),
        Slip(lambda x, y: gaps(x, y).square().mean().sqrt(), "that is W₂; W₁ has no square in it."),
        Slip(lambda x, y: (x[:, None] - y).abs().mean(), "only the pairs of the best plan count, not all pairs."),
        Slip(lambda x, y: gaps(x, y).amax(), "that is the longest way; the mean way is wanted."),
        Slip(lambda x, y: gaps(x, y).sum() / len(x), "every pile weighs 1 in total: use shares, not counts of grains."),
        Slip(nearest, "several grains go to one place here: each grain of y can take in only its own mass."),
        Slip(tiled, "after repeating, sort again: repeat() sets whole copies of the pile side by side."),
        Slip(
            lambda x, y: ways(x.sort().values, y.sort().values.flip(0)).abs().mean(),
            "sorted downwards, a pile meets its worst plan.",
        ),
        Slip(lambda x, y: ways(x, y).abs().mean(), "the points are paired as they came; sort both piles first."),
        Slip(lambda x, y: ways(x, y).mean(), "the absolute value is missing: ways to the left count too."),
    )
    cases = [_piles(*sizes, seed) for seed, sizes in enumerate(((5, 5), (3, 4), (4, 6)))]
    return grade("17.1", attempt, transport.wasserstein, cases, slips, record=record)


def slope(attempt, *, record: bool = True) -> Verdict:
    """17.2 attempt(x (N,), y (M,), t (T,)) -> the slope of the best critic at places t, (T,): x real, y fake, no t on a point."""

    def shares(x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return tuple((points[:, None] < t).double().mean(0) for points in (x, y))

    def gap(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        F, G = shares(x, y, t)
        return G - F

    def nearest(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        return torch.sign((y[:, None] - t).abs().amin(0) - (x[:, None] - t).abs().amin(0))

    def counts(x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        return (y[:, None] < t).sum(0) - (x[:, None] < t).sum(0)

    slips = (
        Slip(lambda *case: -torch.sign(gap(*case)), "the sign is turned around: where G is above F, f must rise."),
        Slip(lambda *case: gap(*case), "the slope is as steep as it may be: 1 or −1 wherever F and G differ."),
        Slip(lambda *case: -gap(*case), "that is F − G; the slope is the sign of G − F."),
        Slip(lambda *case: torch.sign(counts(*case)), "the piles differ in size: compare shares, not the counts."),
        Slip(lambda *case: -torch.sign(counts(*case)), "compare shares instead of counts, and turn the sign around."),
        Slip(lambda *case: (gap(*case) > 0).long(), "where the slope is not 1, it is −1: a critic that stays level loses there."),
        Slip(lambda x, y, t: transport.best_critic(x, y)(t), "those are the critic's values; its slope is wanted."),
        Slip(nearest, "that looks at the nearest point alone; all points to the left of t count."),
        Slip(lambda *case: gap(*case).abs(), "that is the height between the curves; a slope has a sign."),
    )
    cases = []
    for seed, sizes in enumerate(((4, 4), (2, 5), (6, 3)), 10):
        x, y = _piles(*sizes, seed)
        knots = torch.cat([x, y]).sort().values
        t = (knots[1:] + knots[:-1]) / 2
        cases.append((x, y, t[gap(x, y, t).abs() > 1e-9]))
    return grade("17.2", attempt, lambda *case: torch.sign(gap(*case)), cases, slips, record=record)


def bound(attempt, *, record: bool = True) -> Verdict:
    """17.3 attempt(c, sizes) -> the largest slope of a network with these sizes of layers whose weights lie in [−c, c].

    sizes: of the input, of each hidden layer, and 1 for the output. The activations are ReLU.
    """

    def pairs(sizes: Sequence[int]) -> list[tuple[int, int]]:
        return list(itertools.pairwise(sizes))

    def truth(c: float, sizes: Sequence[int]) -> float:
        return prod(c * sqrt(before * after) for before, after in pairs(sizes))

    slips = (
        Slip(lambda c, s: c ** len(pairs(s)), "that follows one single path; each layer adds up many of them."),
        Slip(lambda c, s: c, "c bounds one weight; the slope multiplies the layers, and each layer adds up many weights."),
        Slip(lambda c, s: prod(c * a * b for a, b in pairs(s)), "a layer's norm grows with the *root* of its number of weights."),
        Slip(lambda c, s: c * prod(sqrt(a * b) for a, b in pairs(s)), "every layer brings its own factor c."),
        Slip(lambda c, s: prod(c * sqrt(a * b) for a, b in pairs(s)[:-1]), "the last layer is missing."),
        Slip(lambda c, s: prod(c * sqrt(a * b) for a, b in pairs(s)[1:]), "the first layer is missing."),
        Slip(lambda c, s: c * sqrt(sum(a * b for a, b in pairs(s))), "that takes all weights as one matrix; each layer is one."),
        Slip(lambda c, s: prod(c * sqrt(a) for a in s), "each matrix has two sizes: there is one factor less than sizes."),
        Slip(lambda c, s: sum(c * sqrt(a * b) for a, b in pairs(s)), "layers follow one another: their bounds multiply."),
        Slip(lambda c, s: prod(c * c * a * b for a, b in pairs(s)), "that is the bound's square: a root is missing."),
        Slip(lambda c, s: prod(c * a for a, _ in pairs(s)), "c n_in bounds the largest single output, not the norm."),
        Slip(lambda c, s: prod(c * b for _, b in pairs(s)), "that is the slope along one coordinate; its length has √d more."),
        Slip(lambda c, s: prod(c * sqrt(a) for a, _ in pairs(s)), "that is one unit per layer; a layer has n_out rows."),
        Slip(lambda c, s: prod(c * sqrt(b) for _, b in pairs(s)), "that is one input per layer; a layer has n_in columns."),
        Slip(lambda c, s: prod(2 * c * sqrt(a * b) for a, b in pairs(s)), "the weights reach c, not 2 c."),
    )
    cases = [(0.1, (2, 3, 1)), (0.5, (3, 8, 4, 1)), (0.25, (5, 6, 2, 3, 1))]
    return grade("17.3", attempt, truth, cases, slips, tolerance=1e-6, record=record)


def _critic(shape: Sequence[int], seed: int, *, mixing: bool = False) -> nn.Module:
    """A small critic of examples of this shape, (B, *shape) -> (B,); mixing: with batch normalisation."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        normal = nn.BatchNorm1d(5, track_running_stats=False) if mixing else nn.Identity()
        size = prod(shape)
        return nn.Sequential(nn.Flatten(), nn.Linear(size, 5), normal, nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))


def _slopes(critic: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def penalty(attempt, *, record: bool = True) -> Verdict:
    """17.4 attempt(critic, x (B, C, H, W)) -> mean over the examples of (length of the slope − 1)², (); differentiable.

    critic: examples (B, C, H, W) -> values (B,). What a penalty teaches reaches the critic's weights by its gradient, so this
    gradient is checked too.
    """

    def lengths(critic: nn.Module, x: Tensor) -> Tensor:
        return _slopes(critic, x).flatten(1).norm(dim=1)

    def off(lengths: Tensor) -> Tensor:
        return (lengths - 1).square().mean()

    def truth(critic: nn.Module, x: Tensor) -> Tensor:
        return off(lengths(critic, x))

    def probed(function: Callable) -> Callable:
        """The penalty, and the gradient that reaches the critic's weights."""

        def value_and_gradient(critic: nn.Module, x: Tensor):
            value, weights = function(critic, x), list(critic.parameters())
            value = torch.tensor(value) if isinstance(value, float) else value
            if not isinstance(value, Tensor):
                return value
            learns = value.requires_grad and not value.ndim
            found = torch.autograd.grad(value, weights, allow_unused=True) if learns else [None] * len(weights)
            parts = [torch.zeros_like(w) if slope is None else slope for w, slope in zip(weights, found, strict=True)]
            return value.detach(), torch.cat([part.flatten() for part in parts])

        return value_and_gradient

    slips = (
        Slip(
            lambda f, x: off(_slopes(f, x).norm(dim=1)),
            "that takes the norm over the channel axis alone, so it asks the derivative of every *pixel* to be 1 and lets the "
            "slope of the whole image be √(H W). Flatten each example first.",
        ),
        Slip(lambda f, x: off(_slopes(f, x).norm()), "that is one length of the whole batch; take one length per example."),
        Slip(lambda f, x: off(lengths(f, x).detach()), "no gradient reaches the critic: create_graph=True."),
        Slip(lambda f, x: lengths(f, x).mean().sub(1).square(), "first square, then average over the examples."),
        Slip(lambda f, x: off(lengths(f, x) / len(x)), "the gradient of a *mean* of values is too small by B."),
        Slip(lambda f, x: off(lengths(f, x).square()), "the root is missing: the length is the root of a sum of squares."),
        Slip(lambda f, x: (lengths(f, x) - 1).square(), "that is one number per example: take the mean over the examples."),
        Slip(lambda f, x: off(_slopes(f, x).flatten(2).norm(dim=2)), "that is one length per channel, not per example."),
        Slip(lambda f, x: off(_slopes(f, x).norm(dim=-1)), "that is one length per row of pixels: flatten each example first."),
        Slip(lambda f, x: 10 * off(lengths(f, x)), "the weight λ is not part of this function: it is multiplied outside."),
        Slip(lambda f, x: (lengths(f, x) - 1).square().sum(), "a sum grows with the batch: take the mean over the examples."),
        Slip(lambda f, x: (lengths(f, x) - 1).abs().mean(), "the difference from 1 is squared, not taken as an absolute value."),
        Slip(lambda f, x: lengths(f, x).square().mean(), "that pulls every slope to 0; the length 1 is wanted."),
        Slip(lambda f, x: off(lengths(f, x).clamp(min=1)), "that is the one-sided penalty; slopes below 1 count too."),
        Slip(lambda f, x: off(_slopes(f, x)), "that asks each derivative to be 1, not the length."),
        Slip(lambda f, x: off(_slopes(f, x).flatten(1).abs().sum(1)), "that adds absolute values; the length is Euclidean."),
    )
    cases = []
    for seed, shape in ((1, (1, 3, 3)), (2, (3, 2, 4))):
        cases.append((_critic(shape, seed), 2 * torch.randn(4, *shape, generator=runtime.generator(seed))))
    return grade("17.4", attempt, truth, cases, slips, probe=probed, record=record)


def mixing(attempt, *, record: bool = True) -> Verdict:
    """17.5 attempt(critic, x (B, D)) -> (B, B): entry [i, j] is the length of the slope of value i with respect to example j."""

    def jacobian(critic: nn.Module, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        return torch.stack([torch.autograd.grad(value, x, retain_graph=True)[0] for value in critic(x)])  # (B, B, D)

    def truth(critic: nn.Module, x: Tensor) -> Tensor:
        return jacobian(critic, x).norm(dim=2)

    slips = (
        Slip(lambda f, x: truth(f, x).T, "the axes are exchanged: rows count the values, columns the examples that are moved."),
        Slip(lambda f, x: truth(f, x).diagonal(), "that is the diagonal alone; the mixing stands beside the diagonal."),
        Slip(lambda f, x: truth(f, x).diagonal().diag(), "do not assume that what lies beside the diagonal is 0."),
        Slip(lambda f, x: _slopes(f, x).norm(dim=1).diag(), "the gradient of the *sum* hides who moved whom."),
        Slip(lambda f, x: _slopes(f, x).norm(dim=1), "the gradient of the *sum* hides who moved whom."),
        Slip(lambda f, x: truth(f, x).square(), "the root is missing: the length is the root of a sum of squares."),
        Slip(lambda f, x: jacobian(f, x).abs().sum(2), "that adds absolute values; the length is Euclidean."),
        Slip(lambda f, x: jacobian(f, x).sum(2), "derivatives cancel in a sum; take a length."),
        Slip(lambda f, x: jacobian(f, x), "one number per pair is wanted: the length of the gradient, over the last axis."),
        Slip(lambda f, x: jacobian(f, x).norm(dim=1), "the length goes over the D numbers of an example, the last axis."),
    )
    cases = []
    for seed, mixes in ((5, False), (6, True), (7, True)):
        cases.append((_critic((3,), seed, mixing=mixes), torch.randn(4, 3, generator=runtime.generator(seed))))
    return grade("17.5", attempt, truth, cases, slips, record=record)
