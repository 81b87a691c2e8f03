"""Exercise 24.6, precision, recall, density and coverage: longer than the other checks of its lesson."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade


def _reach(x: Tensor, k: int) -> Tensor:
    """The distance (N,) to the k-th smallest of all distances of each row of x, its distance to itself among them."""
    return torch.cdist(x, x).kthvalue(k, 1).values


def _scores(real: Tensor, generated: Tensor, k: int, balls: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    """The four numbers with these radii around real (N,) and generated (M,) examples."""
    apart = torch.cdist(real, generated)
    inside = (apart <= balls[0][:, None]).double()  # (N, M): in the ball of a real example
    recalled = (apart <= balls[1]).any(1).double().mean()
    return inside.amax(0).mean(), recalled, inside.sum(0).mean() / k, inside.amax(1).mean()


def overlap(attempt, *, record: bool = True) -> Verdict:
    """24.6 attempt(real (N, F), generated (M, F), k) -> (precision, recall, density, coverage), four numbers."""

    def truth(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        return _scores(real, generated, k, (_reach(real, k + 1), _reach(generated, k + 1)))

    def itself(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        return _scores(real, generated, k, (_reach(real, k), _reach(generated, k)))

    def one_more(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        return _scores(real, generated, k, (_reach(real, k + 2), _reach(generated, k + 2)))

    def squared(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        return _scores(real, generated, k, (_reach(real, k + 1).square(), _reach(generated, k + 1).square()))

    def across(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        apart = torch.cdist(real, generated)
        return _scores(real, generated, k, (apart.kthvalue(k, 1).values, apart.kthvalue(k, 0).values))

    def one_radius(real: Tensor, generated: Tensor, k: int) -> tuple[Tensor, ...]:
        real_reach, other = _reach(real, k + 1).mean(), _reach(generated, k + 1).mean()
        return _scores(real, generated, k, (real_reach.expand(len(real)), other.expand(len(generated))))

    def but(place: int, change):
        def wrong(*case) -> tuple[Tensor, ...]:
            found = list(truth(*case))
            found[place] = change(*case, found)
            return tuple(found)

        return wrong

    def order(*places: int):
        return lambda *case: tuple(truth(*case)[place] for place in places)

    slips = (
        Slip(itself,
             "the radius counts the example itself as its first neighbour, at distance 0: take the (k + 1)-th smallest."),
        Slip(one_more, "one neighbour too far: with the example itself at distance 0, take the (k + 1)-th smallest."),
        Slip(across, "the radius of an example is the distance to its k-th neighbour in its own set, not in the other one."),
        Slip(squared, "the radii are squared and the distances are not (or the other way round)."),
        Slip(one_radius, "each example has its own radius: no mean over the set."),
        Slip(order(1, 0, 2, 3),
             "precision and recall have changed places: precision is the share of generated examples in real balls."),
        Slip(order(0, 1, 3, 2), "density and coverage have changed places."),
        Slip(lambda real, generated, k: truth(generated, real, k),
             "the two sets have changed places: precision, density and coverage use the balls around real examples."),
        Slip(but(2, lambda real, generated, k, found: found[2] * k), "density divides the count of balls by k."),
        Slip(but(2, lambda real, generated, k, found: found[2] * len(generated)), "density is a mean over generated examples."),
        Slip(but(2, lambda real, generated, k, found: found[2] * len(generated) / len(real)),
             "density is a mean over generated examples: divide by k · M, not by k · N."),
        Slip(but(2, lambda real, generated, k, found: found[2].clamp(max=1)), "density may exceed 1: do not cut it off."),
        Slip(but(3, lambda real, generated, k, found: found[1]),
             "coverage uses the balls around real examples: the share of them that hold a generated one. You have recall."),
        Slip(but(1, lambda real, generated, k, found: found[3]),
             "recall uses the balls around generated examples: the share of real ones inside. You have coverage."),
        Slip(but(3, lambda real, generated, k, found: found[0]),
             "coverage is a share of the real examples; the share of generated ones is precision."),
        Slip(lambda *case: tuple(100 * part for part in truth(*case)), "shares from 0 to 1, not percent."),
    )  # fmt: skip
    draw = runtime.generator(4)
    cases = []
    for n, m, k, scale in ((12, 9, 2, 1.6), (10, 14, 3, 0.7), (8, 6, 1, 1.2)):
        real = torch.randn(n, 2, generator=draw, dtype=torch.double)
        cases.append((real, scale * torch.randn(m, 2, generator=draw, dtype=torch.double) + 0.6, k))
    return grade("24.6", attempt, truth, cases, slips, record=record)
