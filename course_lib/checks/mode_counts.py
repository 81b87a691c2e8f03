"""Exercise 15.5 of lesson 15: how many modes are hit, and which share of the points is good."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.checks.report import Slip, Verdict, grade

__all__ = ["modes"]


def modes(attempt, *, record: bool = True) -> Verdict:
    """15.5 attempt(x (N, 2), centres (K, 2), scale) -> (modes hit, share of good points), good within 3 scale of a centre."""

    def counted(x: Tensor, centres: Tensor, reach: float, strict: bool = False) -> tuple[Tensor, Tensor]:
        distance, nearest = (x[:, None] - centres).norm(dim=-1).min(1)
        good = distance < reach if strict else distance <= reach
        return torch.tensor(len(nearest[good].unique())), good.double().mean()

    def truth(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        return counted(x, centres, 3 * scale)

    def boxes(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        inside = ((x[:, None] - centres).abs() <= 3 * scale).all(-1)
        return inside.any(0).sum(), inside.any(1).double().mean()

    def diamonds(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        near = (x[:, None] - centres).abs().sum(-1) <= 3 * scale
        return near.any(0).sum(), near.any(1).double().mean()

    def served(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        good = (torch.cdist(x, centres) <= 3 * scale).sum(0)
        return (good >= len(x) / len(centres) / 5).sum(), truth(x, centres, scale)[1]

    def swapped(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        near = torch.cdist(x, centres) <= 3 * scale
        return near.any(1).sum(), near.any(0).double().mean()

    def pairs(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        return truth(x, centres, scale)[0], (torch.cdist(x, centres) <= 3 * scale).double().mean()

    def any_point(x: Tensor, centres: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        return torch.tensor(len(torch.cdist(x, centres).argmin(1).unique())), truth(x, centres, scale)[1]

    slips = (
        Slip(lambda x, c, s: counted(x, c, 3 * s, strict=True), "a point exactly 3 scale away is good: ≤, not <."),
        Slip(boxes, "that asks each coordinate alone, which makes a square; the distance is that of both coordinates together."),
        Slip(diamonds, "the distance is the root of the summed squares (Euclid's), not the sum of both coordinates' distances."),
        Slip(served, "that counts modes with a fifth of their due; a single good point hits a mode."),
        Slip(swapped, "the axes: any over the points (axis 0) counts modes, any over the modes (axis 1) gives the good share."),
        Slip(pairs, "that is a share of all pairs: ask first whether a point has any centre near it, then take the mean over N."),
        Slip(
            lambda x, c, s: (truth(x, c, s)[0] / len(c), truth(x, c, s)[1]),
            "hit is a count of modes; yours is a share of K.",
        ),
        Slip(any_point, "a mode is hit by good points alone; a point far from every centre hits nothing."),
        Slip(lambda x, c, s: (truth(x, c, s)[0], 100 * truth(x, c, s)[1]), "that is a percentage; the share lies in [0, 1]."),
        Slip(lambda x, c, s: (truth(x, c, s)[0], truth(x, c, s)[1] * len(x)), "that is how many are good: divide by N."),
        Slip(lambda x, c, s: counted(x, c, s), "within one standard deviation; the rule is three."),
        Slip(lambda x, c, s: counted(x, c, math.sqrt(3 * s)), "the distance was squared, and 3 · scale was not."),
        Slip(lambda x, c, s: counted(x, c, 3 * s**2), "scale is the standard deviation already: 3 · scale, not 3 · scale²."),
        Slip(lambda x, c, s: truth(x, c, s)[::-1], "the order is: modes hit, then the good share."),
    )
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    near = torch.tensor([[0.75, 0.0], [0.5, 0.625], [4.0, 0.125], [4.0, 3.5], [2.0, 2.0], [4.8125, 0.0]])
    far = torch.tensor([[0.0, 0.25], [4.25, 0.0], [-0.25, 4.5], [9.0, 9.0]])
    round_corner = torch.tensor([[0.5, 0.5], [4.5, 4.5], [4.0, 0.0], [2.0, 2.0]])  # two points 0.707 away, within 0.75
    many = torch.cat([centres[:1].expand(23, 2), centres[1:2]])  # 24 points of four modes: a fifth of a mode's due is 1.2
    cases = [(near, centres, 0.25), (far, centres, 0.25), (round_corner, centres, 0.25), (many, centres, 0.25)]
    return grade("15.5", attempt, truth, cases, slips, record=record)
