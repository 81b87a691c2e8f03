"""Sums over all states of one layer of a machine of two layers: 2^20 states of 784 partners in a few seconds."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.models.probability.enumeration import all_states

LOW = 10  # units whose states make one block of rows


def log_states(W: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """For every state s of a layer of n units, log of the sum over its partners t of exp(s W t + own s + other t): (2^n,).

    The partners are independent given s, so that their sum is the product over i of 1 + exp((W^T s + other)_i).

    Args:
        W: (n, M), the weights. own: (n,), the biases of the layer that is gone through. other: (M,), those of its partners.

    The exponentials factorise over the units of s: those of the first units times those of the last 10. Each is computed once,
    and a logarithm is taken of products of several factors where these cannot overflow. Nothing else is approximated.
    """
    high = max(len(own) - LOW, 0)
    first, last = all_states(high).to(own) if high else own.new_zeros(1, 0), all_states(len(own) - high).to(own)
    outer, inner = first @ W[:high] + other, last @ W[high:]  # (2^high, M), (2^low, M)
    biases = (first @ own[:high])[:, None] + last @ own[high:]  # (2^high, 2^low)
    halvings = _halvings(W, other)
    if halvings is None:
        sums = [F.softplus(inner + row).sum(1) for row in outer]
    else:
        padding = -len(other) % 2**halvings
        factors, outer = F.pad(inner.exp(), (0, padding)), F.pad(outer.exp(), (0, padding))  # a padded factor is 1 + 0
        sums = [_log_product(torch.addcmul(factors.new_ones(()), factors, row), halvings) for row in outer]
    return (torch.stack(sums) + biases).flatten()


def _log_product(factors: Tensor, halvings: int) -> Tensor:
    """The log of the product of each row, (R, M) -> (R,); 2^halvings factors are multiplied before a logarithm is taken."""
    for _ in range(halvings):
        half = factors.shape[1] // 2
        factors = factors[:, :half] * factors[:, half:]
    return factors.log().sum(1)


def _halvings(W: Tensor, other: Tensor) -> int | None:
    """How often the factors of a row can be multiplied in pairs without an overflow, at most 3; None: not even one fits."""
    largest = math.log(torch.finfo(W.dtype).max) - 2
    positive, negative = W.clamp(min=0).sum(0), W.clamp(max=0).sum(0)  # (M,)
    if max((other.abs() + positive - negative).max().item(), 0.0) > largest:  # a single exponential may overflow or vanish
        return None
    reach = torch.log1p((other + positive).exp())  # the largest log of each factor
    for halvings in (3, 2, 1):
        groups = F.pad(reach, (0, -len(reach) % 2**halvings)).reshape(2**halvings, -1)
        if groups.sum(0).max().item() < largest:
            return halvings
    return 0
