"""Nearest neighbours and near duplicates by Euclidean distance: how close generated examples come to training examples."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.inputs import as_floats, check_finite, check_tensor
from course_lib.models.inputs import check_count, check_number

CHUNK = 500  # rows that are compared at once
FIRST = 20  # the points that `Neighbours` measures first
MANY = 30  # where more than this part of the points is left, all of them in order are read faster
SLACK = 1e-4  # of a squared distance: more than the rounding errors of float32


def _flat(x: Tensor, name: str) -> Tensor:
    """Examples (N, …) as rows (N, D) of float32 on the CPU. ValueError when there are none, or where a value is not finite."""
    if check_tensor(x, name).ndim < 2 or not x.numel():
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected examples (N, …), at least one of them")
    return check_finite(as_floats(x.detach()), name).flatten(1).float().cpu()


def nearest(x: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """The distance (N,) of each of x (N, …) to the nearest of `among` (M, …), and the index (N,) of that one.

    The distances are Euclidean: of pixels, where images are given; of features, where features are given. Images may come in
    bytes. Raises ValueError when the two have other shapes than these.
    """
    x, among = _flat(x, "x"), _flat(among, "among")
    if x.shape[1] != among.shape[1]:
        raise ValueError(f"x has {x.shape[1]} numbers per example, and among {among.shape[1]}; expected as many in both")
    squares = among.square().sum(1)
    found = torch.cat([(squares - 2 * part @ among.T).argmin(1) for part in x.split(CHUNK)])
    return (x - among[found]).norm(dim=1), found


def close_pairs(x: Tensor, within: float) -> int:
    """How many of the N(N - 1)/2 pairs of examples x (N, …) are at most `within` apart, by Euclidean distance."""
    x, within = _flat(x, "x"), check_number(within, "within", "a distance", least=0)
    count = 0
    for start in range(0, len(x), CHUNK):
        part = x[start : start + CHUNK]
        distances = torch.cdist(part, x[start:])
        later = torch.arange(len(x) - start) > torch.arange(len(part))[:, None]  # each pair once, and none with itself
        count += int(((distances <= within) & later).sum())
    return count


class Neighbours:
    """Finds the nearest of many points exactly, and fast enough for a slider.

    The points are also kept by their coordinates along a few orthogonal directions. Two points are at least as far apart as
    these coordinates say; so most points are ruled out by them, and the full distance is computed for the others alone.

    Args:
        points: (M, …), flattened.
        directions: how many: the first principal directions of the first thousands of points.
    """

    def __init__(self, points: Tensor, *, directions: int = 64):
        self.points = _flat(points, "points")
        some = self.points[:5_000]
        centred = (some - some.mean(0)).double()  # of one point alone, every direction has the variance 0
        values, vectors = torch.linalg.eigh(centred.T @ centred)
        self.directions = vectors[:, -min(check_count(directions, "directions"), len(values)) :].float()  # (D, k)
        self.coordinates = self.points @ self.directions  # (M, k)
        self.norms = self.points.square().sum(1)
        self.squares = self.coordinates.square().sum(1)

    def __call__(self, x: Tensor) -> tuple[float, int]:
        """The distance of one example x (…) to the nearest point, and the index of that point."""
        x = _flat(check_tensor(x, "x", "(…)")[None], "x")[0]
        if len(x) != self.points.shape[1]:
            raise ValueError(f"x has {len(x)} numbers and a point {self.points.shape[1]}; expected one example like the points")
        own = x @ self.directions
        bounds = self.squares - 2 * (self.coordinates @ own) + own.square().sum()  # (M,), at most the squared distances
        likely = bounds.topk(min(FIRST, len(bounds)), largest=False).indices
        reach = (self.points[likely] - x).square().sum(1).amin()  # the nearest point is no further than this
        left = (bounds <= reach + SLACK * (1 + reach)).nonzero()[:, 0]
        if len(left) > len(bounds) // MANY:
            left = (self.norms - 2 * (self.points @ x)).topk(len(likely), largest=False).indices
        squared = (self.points[left] - x).square().sum(1)
        best = int(squared.argmin())
        return squared[best].sqrt().item(), int(left[best])
