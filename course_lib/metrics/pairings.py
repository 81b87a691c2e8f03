"""All ways to match k points with k others, and what each would cost a CycleGAN: exact, by enumeration."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from course_lib.models.inputs import check_count


def all_pairings(k: int) -> Tensor:
    """The k! pairings in the order of itertools.permutations, (k!, k): row p pairs point i of a with point p[i] of b."""
    return torch.tensor(list(itertools.permutations(range(check_count(k, "k")))))


def all_maps(k: int) -> Tensor:
    """The k^k maps from k points to k points, (k^k, k), the pairings among them."""
    return torch.tensor(list(itertools.product(range(check_count(k, "k")), repeat=k)))


def unlike(maps: Tensor) -> Tensor:
    """The total variation distance between k equally likely points of b and what a map makes of k equally likely points of a.

    maps: (M, k) -> (M,). It is 0 where even the best discriminator of the set b can only guess: the map loses the game nowhere.
    """
    k = maps.shape[1]
    counts = torch.nn.functional.one_hot(maps, k).sum(1)  # (M, k)
    return (counts - 1).abs().sum(1) / (2 * k)


def not_undone(there: Tensor, back: Tensor) -> Tensor:
    """The share of the points of a that do not return: maps there (M, k) and back (M, k), row by row -> (M,)."""
    return (back.gather(1, there) != torch.arange(there.shape[1])).float().mean(1)


def moved(pairings: Tensor, a: Tensor, b: Tensor, shared: int) -> Tensor:
    """The identity loss of each pairing, (P,): mean absolute change of the first `shared` points, which lie in both sets.

    Points that lie in a alone give no term: no generator is asked to leave them where they are. a, b: (k, D).
    """
    if not shared:
        return torch.zeros(len(pairings))
    return (b[pairings[:, :shared]] - a[:shared]).abs().mean((1, 2))


def stretched(pairings: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The mean absolute difference between the distance of two points of a and the distance of their partners, (P,)."""
    before, after = torch.cdist(a, a), torch.cdist(b, b)  # (k, k)
    k = len(a)
    partners = after[pairings[:, :, None], pairings[:, None, :]]  # (P, k, k)
    return (partners - before).abs().sum((1, 2)) / (k * (k - 1))
