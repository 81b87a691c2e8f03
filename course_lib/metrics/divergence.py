"""How far a sampler is from known data: modes counted; on a line, Jensen–Shannon and the value of the game by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.distributions import entropy
from course_lib.metrics.inputs import check_rows, check_span
from course_lib.models.inputs import check_count, check_number

GOOD = 3.0  # standard deviations: a point is good if it lies within this distance of a centre
DUE = 0.2  # a mode is served if it gets at least this part of its share of all points


@dataclass(frozen=True)
class ModeCounts:
    """What `count_modes` found.

    hit: modes with at least one good point. served: modes with at least a fifth of their due. good: the share of good points.
    reverse_kl: KL, in nats, from the good points' distribution over the modes to the even one: 0 is best, log K the worst.
    """

    hit: int
    served: int
    good: float
    reverse_kl: float


def count_modes(x: Tensor, centres: Tensor, scale: float) -> ModeCounts:
    """Count which of K equally probable modes the points x (N, 2) reach, by the rule of three standard deviations.

    Each point belongs to its nearest centre, centres (K, 2), and is good if it is at most 3 `scale` away. Lin et al. (2018),
    section 4.1; in two dimensions 98.9 % of the points of a perfect model are good. The count of modes with at least a fifth of
    N / K good points is ours: one stray point in 2,500 already makes a mode "hit". Without any good point reverse_kl is log K.
    ValueError for points that are not finite, and unless scale is above 0.
    """
    centres, scale = check_rows(centres, "centres"), check_number(scale, "scale", above=0)
    x = check_rows(x, "x", columns=centres.shape[1])
    distance, nearest = (x.double()[:, None] - centres.double()).norm(dim=-1).min(1)  # (N,) each
    good = nearest[distance <= GOOD * scale]
    counts, modes = torch.bincount(good, minlength=len(centres)), len(centres)
    spread = entropy(counts.double() / len(good)).item() if len(good) else 0.0
    return ModeCounts(
        hit=int((counts > 0).sum()),
        served=int((counts >= DUE * len(x) / modes).sum()),
        good=len(good) / len(x),
        reverse_kl=max(0.0, math.log(modes) - spread),
    )


Density = Callable[[Tensor], Tensor]  # points on the line (N,) -> log-density in nats (N,)


def _line(span: tuple[float, float], points: int) -> tuple[Tensor, float]:
    """Evenly spaced points (points,) in double precision, and their distance."""
    points = check_count(points, "points")
    if points < 2:
        raise ValueError(f"points is {points}; expected at least 2, such as 8_001")
    x = torch.linspace(*check_span(span), points, dtype=torch.double)
    return x, (x[1] - x[0]).item()


def _at(function: Density, x: Tensor, name: str) -> Tensor:
    """The values (N,) of a function at the points x (N,); ValueError where it returns something else, or NaN."""
    found = function(x)
    if not isinstance(found, Tensor) or found.shape != x.shape or found.isnan().any():
        said = f"a tensor {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise ValueError(f"{name} of {tuple(x.shape)} points gave {said}; expected one number for each, none of them NaN")
    return found.double()


def jensen_shannon_on_a_line(log_p: Density, log_q: Density, span: tuple[float, float], points: int = 8_001) -> float:
    """JS(p, q) in nats of two densities on the line, by the trapezium rule over `span`; outside, both must be negligible."""
    x, step = _line(span, points)
    p, q = _at(log_p, x, "log_p"), _at(log_q, x, "log_q")
    middle = torch.logaddexp(p, q) - math.log(2)
    return torch.trapezoid((p.exp() * (p - middle) + q.exp() * (q - middle)) / 2, dx=step).item()


def game_value(
    logit: Callable[[Tensor], Tensor], log_p: Density, log_q: Density, span: tuple[float, float], points: int = 8_001
) -> float:
    """E_p log D + E_q log(1 - D) in nats, of any discriminator by its logit (N,) -> (N,), by the trapezium rule over `span`.

    Goodfellow et al. (2014), eq. 1. The largest value that a discriminator can reach is 2 JS(p, q) - log 4 (theorem 1).
    """
    x, step = _line(span, points)
    p, q, D = _at(log_p, x, "log_p").exp(), _at(log_q, x, "log_q").exp(), _at(logit, x, "logit")
    value = p * F.logsigmoid(D) + q * F.logsigmoid(-D)
    return torch.trapezoid(value, dx=step).item()
