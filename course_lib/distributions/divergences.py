"""Entropies and divergences of probabilities that lie on the last axis."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.distributions.precision import full_precision


@full_precision
def entropy(probs: Tensor) -> Tensor:
    """H(p) = -sum p log p in nats, (*batch), of probabilities (*batch, K); 0 log 0 = 0 (Shannon 1948)."""
    return torch.special.entr(probs).sum(-1)


@full_precision
def cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    """-sum p log q in nats, (*batch), of probabilities (*batch, K): the mean length of a code that was made for q, used on p."""
    return -torch.special.xlogy(p, q).sum(-1)


@full_precision
def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) in nats, (*batch), of probabilities (*batch, K). Not symmetric; infinite where q = 0 < p.

    Source: Kullback & Leibler (1951).
    """
    return cross_entropy(p, q) - entropy(p)


@full_precision
def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """JS(p, q) in nats, (*batch), of probabilities (*batch, K): symmetric, at most log 2 (Lin 1991)."""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2
