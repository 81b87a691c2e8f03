"""Precision, recall, density and coverage: fidelity and diversity of generated examples, each as its own number."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_rows
from course_lib.models.inputs import check_count

CHUNK = 1_000  # rows that are compared at once


@dataclass(frozen=True)
class Overlap:
    """How two sets of examples overlap. With balls around each example that reach to its k-th nearest neighbour in its own set:

    Attributes:
        precision: the share of generated examples in the ball of at least one real example.
        recall: the share of real examples in the ball of at least one generated example.
        density: the mean number of real balls around a generated example, divided by k. It may exceed 1.
        coverage: the share of real examples with at least one generated example in their ball.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def radii(x: Tensor, k: int) -> Tensor:
    """The distance (N,) of each of x (N, F) to its k-th nearest neighbour among the other examples of x.

    An example is no neighbour of itself, but a copy of it is one. ValueError when x has fewer than k + 1 examples.
    """
    k = check_count(k, "k")
    x = check_rows(x, "x", least=k + 1).detach().cpu()
    return _squared_radii(_around(x, x[0]), k).clamp(min=0).sqrt()


def overlap(real: Tensor, generated: Tensor, *, k: int = 5) -> Overlap:
    """Precision and recall (Kynkäänniemi et al. 2019, section 2), density and coverage (Naeem et al. 2020, section 3).

    A ball contains its surface. Kynkäänniemi et al. take k = 3, Naeem et al. k = 5; compare only numbers at equal k, N and M.

    Args:
        real, generated: (N, F) and (M, F), features of real and of generated examples; N and M at least k + 1.
        k: the neighbour that sets the radius of a ball. An example is not its own neighbour.
    """
    k = check_count(k, "k")
    real = check_rows(real, "real", least=k + 1).detach().cpu()
    generated = check_rows(generated, "generated", least=k + 1, columns=real.shape[1]).detach().cpu()
    real, generated = _around(real, real[0]), _around(generated, real[0])
    real_balls, generated_balls = _squared_radii(real, k), _squared_radii(generated, k)
    around = torch.zeros(len(generated))  # how many real balls hold each generated example
    recalled = covered = 0
    for some, balls in zip(real.split(CHUNK), real_balls.split(CHUNK), strict=True):
        squares = _squared_distances(some, generated)
        inside = squares <= balls[:, None]
        around += inside.float().sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((squares <= generated_balls).any(1).sum())
    return Overlap(
        precision=(around > 0).double().mean().item(),
        recall=recalled / len(real),
        density=around.double().mean().item() / k,
        coverage=covered / len(real),
    )


def _around(x: Tensor, point: Tensor) -> Tensor:
    """x - point, in float32: differences of equal examples are exactly 0, and rounding errors are small near the point."""
    return (x - point).float()


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """All squared Euclidean distances (N, M) of x (N, F) and y (M, F), up to rounding; those of small integers are exact."""
    return torch.addmm(y.square().sum(1), x, y.T, alpha=-2).add_(x.square().sum(1)[:, None])


def _squared_radii(x: Tensor, k: int) -> Tensor:
    """The squared distance (N,) of each of x to its k-th nearest neighbour among the others."""
    found = []
    for start in range(0, len(x), CHUNK):
        squares = _squared_distances(x[start : start + CHUNK], x)
        squares.diagonal(start).fill_(torch.inf)
        found.append(squares.topk(k, dim=1, largest=False).values.amax(1))
    return torch.cat(found)
