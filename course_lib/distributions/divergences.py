"""Entropies and divergences of probabilities that lie on the last axis. ValueError for rows that are no probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.distributions.precision import full_precision

SLACK = 0.01  # by which a sum of probabilities may differ from 1: those in half precision have three digits


def check_probabilities(p: Tensor, name: str) -> Tensor:
    """p (*batch, K), where each row is at least 0 and sums to 1; otherwise ValueError.

    Values on a GPU are not looked at: the check would make the host wait.
    """
    if p.device.type == "cpu" and (not p.ndim or not ((p >= 0).all() and ((p.sum(-1) - 1).abs() <= SLACK).all())):
        raise ValueError(
            f"{name} has shape {tuple(p.shape)} and rows that are no probabilities; expected numbers from 0 that sum to 1 over "
            f"the last axis: {name} / {name}.sum(-1, keepdim=True), or {name}.softmax(-1) of logits"
        )
    return p


@full_precision
def entropy(probs: Tensor) -> Tensor:
    """H(p) = -sum p log p in nats, (*batch), of probabilities (*batch, K); 0 log 0 = 0 (Shannon 1948)."""
    return _entropy(check_probabilities(probs, "probs"))


@full_precision
def cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    """-sum p log q in nats, (*batch), of probabilities (*batch, K): the mean length of a code that was made for q, used on p."""
    return _cross_entropy(check_probabilities(p, "p"), check_probabilities(q, "q"))


@full_precision
def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) in nats, (*batch), of probabilities (*batch, K). Not symmetric; infinite where q = 0 < p.

    Source: Kullback & Leibler (1951).
    """
    return _kl(check_probabilities(p, "p"), check_probabilities(q, "q"))


@full_precision
def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """JS(p, q) in nats, (*batch), of probabilities (*batch, K): symmetric, at most log 2 (Lin 1991)."""
    p, q = check_probabilities(p, "p"), check_probabilities(q, "q")
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _entropy(p: Tensor) -> Tensor:
    return torch.special.entr(p).sum(-1)


def _cross_entropy(p: Tensor, q: Tensor) -> Tensor:
    return -torch.special.xlogy(p, q).sum(-1)


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return _cross_entropy(p, q) - _entropy(p)
