"""All ways to match k points with k others, and what each would cost a CycleGAN: exact, by enumeration."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from course_lib.metrics.inputs import as_floats, check_finite, check_tensor
from course_lib.models.inputs import check_count, check_whole

MOST_PAIRED, MOST_MAPPED = 8, 6  # points


def _few(k: int, most: int) -> int:
    """k as an int, if it is at least 1 and at most `most`: there are more ways than fit into memory."""
    if (k := check_count(k, "k")) > most:
        raise ValueError(f"k is {k}; expected at most {most} points, to go through all ways of joining them")
    return k


def _maps(maps: Tensor, name: str) -> Tensor:
    """Maps of k points to k points, (M, k), as int64; ValueError where an entry is none of 0 … k - 1."""
    whole = not (check_tensor(maps, name, "(M, k)").is_floating_point() or maps.dtype == torch.bool)
    if not whole or maps.ndim != 2 or not maps.numel() or maps.min() < 0 or maps.max() >= maps.shape[1]:
        raise ValueError(
            f"{name} holds {maps.dtype} of shape {tuple(maps.shape)}; expected integers (M, k) from 0 to k - 1: "
            "all_maps(k) makes them"
        )
    return maps.long()


def _points(pairings: Tensor, *sets: Tensor) -> list[Tensor]:
    """The sets of points a and b, (k, D) each, one point for each column of the pairings."""
    found = [check_finite(as_floats(check_tensor(points, name, "(k, D)")), name) for name, points in zip("ab", sets, strict=True)]
    shape = found[0].shape
    if len(shape) != 2 or found[1].shape != shape or len(found[0]) != pairings.shape[1]:
        raise ValueError(
            f"a and b have shapes {tuple(shape)} and {tuple(found[1].shape)} for pairings {tuple(pairings.shape)}; expected (k, "
            "D) twice and (P, k)"
        )
    return [points.to(torch.promote_types(found[0].dtype, found[1].dtype)) for points in found]


def all_pairings(k: int) -> Tensor:
    """The k! pairings in the order of itertools.permutations, (k!, k): row p pairs point i of a with point p[i] of b.

    ValueError above 8 points, which have 40,320 pairings.
    """
    return torch.tensor(list(itertools.permutations(range(_few(k, MOST_PAIRED)))))


def all_maps(k: int) -> Tensor:
    """The k^k maps from k points to k points, (k^k, k), the pairings among them. ValueError above 6 points: 46,656 maps."""
    k = _few(k, MOST_MAPPED)
    return torch.tensor(list(itertools.product(range(k), repeat=k)))


def unlike(maps: Tensor) -> Tensor:
    """The total variation distance between k equally likely points of b and what a map makes of k equally likely points of a.

    maps: (M, k) -> (M,). It is 0 where even the best discriminator of the set b can only guess: the map loses the game nowhere.
    """
    maps = _maps(maps, "maps")
    k = maps.shape[1]
    counts = torch.nn.functional.one_hot(maps, k).sum(1)  # (M, k)
    return (counts - 1).abs().sum(1) / (2 * k)


def not_undone(there: Tensor, back: Tensor) -> Tensor:
    """The share of the points of a that do not return: maps there (M, k) and back (M, k), row by row -> (M,)."""
    there, back = _maps(there, "there"), _maps(back, "back")
    if there.shape != back.shape:
        raise ValueError(f"there has shape {tuple(there.shape)} and back {tuple(back.shape)}; expected (M, k) twice")
    return (back.gather(1, there) != torch.arange(there.shape[1])).float().mean(1)


def moved(pairings: Tensor, a: Tensor, b: Tensor, shared: int) -> Tensor:
    """The identity loss of each pairing, (P,): mean absolute change of the first `shared` points, which lie in both sets.

    Points that lie in a alone give no term: no generator is asked to leave them where they are. a, b: (k, D).
    """
    pairings, (a, b) = _maps(pairings, "pairings"), _points(pairings, a, b)
    if check_whole(shared, "shared") > len(a):
        raise ValueError(f"shared is {shared} of {len(a)} points; expected at most all of them")
    if not shared:
        return torch.zeros(len(pairings))
    return (b[pairings[:, :shared]] - a[:shared]).abs().mean((1, 2))


def stretched(pairings: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The mean absolute difference between the distance of two points of a and the distance of their partners, (P,)."""
    pairings, (a, b) = _maps(pairings, "pairings"), _points(pairings, a, b)
    before, after = torch.cdist(a, a), torch.cdist(b, b)  # (k, k)
    if (k := len(a)) < 2:
        raise ValueError(f"there is {k} point; expected at least 2: one has no distance to another")
    partners = after[pairings[:, :, None], pairings[:, None, :]]  # (P, k, k)
    return (partners - before).abs().sum((1, 2)) / (k * (k - 1))
