"""Exact inference in a hidden Markov model: pure functions on tensors, for a whole batch of sequences at once.

Time comes first: an array over sequences is (T, B, K). Padding needs no branch: where a sequence has ended, every state
gets likelihood 1, so that the step multiplies everything by 1.

Source: Rabiner (1989), A tutorial on hidden Markov models, sections III and V; a state's index is i now and j next.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Messages:
    """The results of the two passes, for B sequences of T steps and K states. Rows after a sequence's end mean nothing.

    alpha     (T, B, K)  p(h_t | x_1..t): the forward message, scaled to sum to 1
    beta      (T, B, K)  proportional to p(x_t+1..T | h_t): the backward message, on any scale
    gamma     (T, B, K)  p(h_t | x_1..T) = alpha beta, scaled to sum to 1
    pairs     (K, K)     expected number of moves from i to j, summed over all sequences
    log_scale (T, B)     log p(x_t | x_1..t-1) in nats; its sum over t is log p(x)
    """

    alpha: Tensor
    beta: Tensor
    gamma: Tensor
    pairs: Tensor
    log_scale: Tensor


def forward(initial: Tensor, transition: Tensor, likelihood: Tensor) -> tuple[Tensor, Tensor]:
    """The scaled forward pass (Rabiner 1989, eqs. 19-20 and 91-92), without gradients: it writes into arrays made before.

        alpha_1 = initial * b_1        alpha_t = (alpha_t-1 A) * b_t        each divided by its own sum, the scale

    initial (K), transition (K, K), likelihood b (T, B, K) -> alpha (T, B, K), scale (T, B).
    A scale of 0 says that the sequence is impossible or that a number underflowed: `forward_log` shows which.
    """
    alpha = torch.empty_like(likelihood)
    scale = likelihood.new_empty(likelihood.shape[:2])
    predicted = initial.expand(likelihood.shape[1:])  # (B, K)
    for b, a, s in zip(likelihood, alpha, scale, strict=True):
        torch.mul(predicted, b, out=a)
        torch.sum(a, 1, out=s)
        a /= s[:, None]
        predicted = a @ transition
    return alpha, scale


def backward(transition: Tensor, likelihood: Tensor) -> Tensor:
    """The backward pass (Rabiner 1989, eqs. 24-25): transition (K, K), likelihood b (T, B, K) -> beta (T, B, K).

        beta_T = 1        beta_t = A (b_t+1 * beta_t+1)

    Each beta_t is divided by its own sum rather than by the forward scale. A state may be impossible by the forward pass and
    yet explain the rest so well that its beta, divided by the forward scale, would overflow.
    """
    beta = torch.ones_like(likelihood)
    columns = transition.T.contiguous()
    for t in range(len(likelihood) - 2, -1, -1):
        message = (likelihood[t + 1] * beta[t + 1]) @ columns
        torch.div(message, message.sum(1, keepdim=True), out=beta[t])
    return beta


def forward_log(log_initial: Tensor, log_transition: Tensor, log_likelihood: Tensor) -> tuple[Tensor, Tensor]:
    """As `forward`, all in logarithms: slower, differentiable, and without underflow.

    log_initial (K), log_transition (K, K), log_likelihood (T, B, K) -> log alpha (T, B, K), log scale (T, B) in nats.
    An impossible sequence has a log scale of -inf from the step that makes it so; its alpha is NaN from there on.
    """
    steps, scales, predicted = [], [], log_initial
    for b in log_likelihood:
        joint = predicted + b  # (B, K)
        scales.append(joint.logsumexp(1))
        steps.append(joint - scales[-1][:, None])
        predicted = (steps[-1][:, :, None] + log_transition).logsumexp(1)
    log_scale = torch.stack(scales)
    return torch.stack(steps), log_scale.masked_fill(log_scale.isnan(), -torch.inf)


def backward_log(log_transition: Tensor, log_likelihood: Tensor) -> Tensor:
    """As `backward`, all in logarithms: log_transition (K, K), log_likelihood (T, B, K) -> log beta (T, B, K)."""
    steps = [torch.zeros_like(log_likelihood[0])]
    for b in log_likelihood[1:].flip(0):
        steps.append((log_transition + (b + steps[-1])[:, None]).logsumexp(2))  # (B, K)
    return torch.stack(steps[::-1])


@dataclass(frozen=True)
class Emitted:
    """p(x_t | h_t) for every step, sequence and state, 1 after a sequence's end.

    likelihood (T, B, K) times exp(shift) (T, B) is that density; valid (T, B) says where a sequence has not ended.
    log_likelihood (T, B, K) is its logarithm where the likelihood itself may be too small for a float; None elsewhere.
    """

    likelihood: Tensor
    valid: Tensor
    shift: Tensor | float = 0.0
    log_likelihood: Tensor | None = None

    @classmethod
    def from_log(cls, log_likelihood: Tensor, valid: Tensor) -> Emitted:
        """From log p(x_t | h_t) (T, B, K) and valid (T, B): the best state of each step gets likelihood 1, the shift the rest."""
        shift = log_likelihood.amax(2)
        return cls((log_likelihood - shift[..., None]).exp(), valid, shift, log_likelihood)

    def log(self, rows: Tensor | slice = slice(None)) -> Tensor:
        """log p(x_t | h_t) in nats of some of the sequences, (T, B', K)."""
        return self.likelihood[:, rows].log() if self.log_likelihood is None else self.log_likelihood[:, rows]


def filtered(initial: Tensor, transition: Tensor, emitted: Emitted) -> tuple[Tensor, Tensor]:
    """alpha (T, B, K) and log scale (T, B) in nats: by the scaled forward pass, or in logarithms where that underflows.

    initial (K), transition (K, K).
    """
    alpha, scale = forward(initial, transition, emitted.likelihood)
    log_scale = scale.log() + emitted.shift
    lost = ~(log_scale.isfinite().all(0))  # (B)
    if lost.any():
        log_alpha, log_scale[:, lost] = forward_log(initial.log(), transition.log(), emitted.log(lost))
        alpha[:, lost] = log_alpha.exp()
    return alpha, log_scale.masked_fill_(~emitted.valid, 0.0)


def smoothed(initial: Tensor, transition: Tensor, emitted: Emitted) -> Messages:
    """Both passes and what follows from them (Rabiner 1989, eqs. 27 and 37); initial (K), transition (K, K)."""
    valid, likelihood = emitted.valid, emitted.likelihood
    alpha, scale = forward(initial, transition, likelihood)
    beta = backward(transition, likelihood)
    gamma = alpha * beta
    total = gamma.sum(2)  # (T, B)
    gamma /= total[..., None]
    log_scale = (scale.log() + emitted.shift).masked_fill_(~valid, 0.0)
    lost = ~((log_scale.isfinite() & (total > 0) & total.isfinite()).all(0))  # (B)
    weight = torch.where(valid[1:], 1 / (scale[1:] * total[1:]), 0.0)
    arriving = (likelihood[1:] * beta[1:]).mul_(weight[..., None])  # (T - 1, B, K)
    leaving = alpha[:-1]
    if lost.any():
        leaving, arriving = leaving[:, ~lost], arriving[:, ~lost]
    pairs = transition * (leaving.flatten(0, 1).T @ arriving.flatten(0, 1))
    if lost.any():
        again = _smoothed_log(initial.log(), transition.log(), emitted.log(lost), valid[:, lost])
        alpha[:, lost], beta[:, lost], gamma[:, lost] = again.alpha, again.beta, again.gamma
        log_scale[:, lost], pairs = again.log_scale, pairs + again.pairs
    return Messages(alpha, beta, gamma, pairs, log_scale)


def _smoothed_log(log_initial: Tensor, log_transition: Tensor, log_likelihood: Tensor, valid: Tensor) -> Messages:
    log_alpha, log_scale = forward_log(log_initial, log_transition, log_likelihood)
    log_beta = backward_log(log_transition, log_likelihood)
    arriving = log_likelihood[1:] + log_beta[1:] - log_scale[1:, :, None]  # (T - 1, B, K)
    joint = log_alpha[:-1, :, :, None] + log_transition + arriving[:, :, None]  # (T - 1, B, K, K)
    joint = joint - joint.flatten(2).logsumexp(2)[..., None, None]
    pairs = joint.exp()[valid[1:]].sum(0)
    beta = (log_beta - log_beta.amax(2, keepdim=True)).exp()
    gamma = (log_alpha + log_beta).softmax(2)
    return Messages(log_alpha.exp(), beta, gamma, pairs, log_scale.masked_fill(~valid, 0.0))


def viterbi(log_initial: Tensor, log_transition: Tensor, log_likelihood: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """The most probable path of each sequence, (B, T), and log p(x, path) in nats, (B) (Viterbi 1967).

    log_initial (K), log_transition (K, K), log_likelihood (T, B, K), valid (T, B). After a sequence's end the path keeps its last
    state and log p(x, path) stays as it is, so that padding changes nothing.
    """
    K = len(log_initial)
    stay = torch.arange(K, device=log_initial.device)
    best, back = log_initial + log_likelihood[0], []  # (B, K)
    for b, alive in zip(log_likelihood[1:], valid[1:], strict=True):
        reached, source = (best[:, :, None] + log_transition).max(1)  # (B, K)
        best = torch.where(alive[:, None], reached + b, best)
        back.append(torch.where(alive[:, None], source, stay))
    log_joint, state = best.max(1)  # (B)
    path = [state]
    for source in reversed(back):
        path.append(source.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], 1), log_joint
