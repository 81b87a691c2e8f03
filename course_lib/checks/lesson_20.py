"""Exercises of lesson 20, energy models: free energy, conditionals, log Z by a sum, one step of annealing, a swap."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.models.probability.enumeration import all_states

__all__ = ["EXERCISES", "annealing_step", "conditionals", "free_energy", "log_partition", "swap"]

EXERCISES = {
    "20.1": "the free energy of an RBM",
    "20.2": "the two conditionals of an RBM",
    "20.3": "log Z by a sum over the hidden states",
    "20.4": "one weight update of annealed importance sampling",
    "20.5": "the probability of a swap between two temperatures",
}

Machine = tuple[Tensor, Tensor, Tensor]  # W (V, H), b (V,), c (H,)


def _machine(visible: int, hidden: int, seed: int, strength: float = 1.0) -> Machine:
    generator = runtime.generator(seed)
    return tuple(strength * torch.randn(shape, generator=generator) for shape in ((visible, hidden), (visible,), (hidden,)))


def _states(n: int, count: int, seed: int) -> Tensor:
    return (torch.rand(count, n, generator=runtime.generator(seed)) < 0.5).float()


def free_energy(attempt, *, record: bool = True) -> Verdict:
    """20.1 attempt(x (B, V), W (V, H), b (V,), c (H,)) -> F(x) = -log of the sum over h of exp(x W h + b x + c h), (B,) nats."""

    def truth(x: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return -(x @ b) - F.softplus(x @ W + c).sum(1)

    def through_means(x: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        h = torch.sigmoid(x @ W + c)
        return -(x @ b) - (h * (x @ W + c)).sum(1)

    def best_h(x: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return -(x @ b) - F.relu(x @ W + c).sum(1)

    def sigmoid_inside(x: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return -(x @ b) - torch.sigmoid(x @ W + c).log().sum(1)

    def overflow(x: Tensor, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return -(x @ b) - torch.log(1 + torch.exp(x @ W + c)).sum(1)

    slips = (
        Slip(overflow,
             "exp(100) is infinite in single precision, and so is its log: torch.nn.functional.softplus is log(1 + exp(t))."),
        Slip(lambda x, W, b, c: -(x @ b) - F.softplus(x @ W + c).sum(), "sum over hidden units, axis 1, not over the batch."),
        Slip(lambda x, W, b, c: -(x @ b) - torch.exp(x @ W + c).sum(1), "each unit gives log(1 + exp(…)): h is 0 or 1."),
        Slip(lambda *case: -truth(*case), "the sign: that is log of the sum, and the free energy is minus it."),
        Slip(lambda x, W, b, c: x @ b - F.softplus(x @ W + c).sum(1),
             "the sign of b x: a pixel with a high bias has a low energy."),
        Slip(lambda x, W, b, c: -(x @ b) + F.softplus(x @ W + c).sum(1),
             "the sign of the sum over hidden units: each lowers the free energy."),
        Slip(lambda x, W, b, c: -F.softplus(x @ W + c).sum(1), "the term b x is missing."),
        Slip(lambda x, W, b, c: -(x @ b) - F.softplus(x @ W).sum(1), "the hidden biases c are missing."),
        Slip(lambda x, W, b, c: -(x @ b) - (x @ W + c).sum(1),
             "a sum over h of exponentials is not the exponential of a sum: each unit gives log(1 + exp(…))."),
        Slip(through_means,
             "that is the energy at the mean hidden units; the free energy has their entropy in it as well: sum "
             "over h, then log."),
        Slip(best_h, "that is the energy of the best h alone; the free energy sums exp(−E) over all h."),
        Slip(sigmoid_inside, "log(1 + exp(t)) is −log σ(−t); you have log σ(t)."),
        Slip(lambda x, W, b, c: -(x @ b) - F.softplus(x @ W + c).mean(1), "the units are summed, not averaged: energies add up."),
        Slip(lambda *case: truth(*case).sum(), "one number per example: sum over hidden units, not over the batch."),
        Slip(lambda *case: truth(*case).mean(), "one number per example: sum over hidden units, not over the batch."),
        Slip(lambda x, W, b, c: truth(x, W, b, c) / math.log(2), "nats, not bits: the natural logarithm."),
        Slip(lambda x, W, b, c: -(x @ b) - F.softplus(-(x @ W + c)).sum(1),
             "the sign inside: with E = −x W h …, exp(−E) has exp(+x W h) in it."),
    )  # fmt: skip
    big = (_states(4, 3, 1), 60 * torch.ones(4, 2), torch.ones(4), torch.zeros(2))
    cases = [(_states(5, 4, 0), *_machine(5, 3, 1)), (_states(3, 5, 2), *_machine(3, 6, 3)), big]
    return grade("20.1", attempt, truth, cases, slips, record=record)


def conditionals(attempt, *, record: bool = True) -> Verdict:
    """20.2 attempt(x (B, V), h (B, H), W (V, H), b, c) -> (p(h = 1 | x) (B, H), p(x = 1 | h) (B, V))."""

    def truth(x: Tensor, h: Tensor, W: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(x @ W + c), torch.sigmoid(h @ W.T + b)

    def reshaped(x: Tensor, h: Tensor, W: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(x @ W + c), torch.sigmoid(h @ W.reshape(W.shape[1], W.shape[0]) + b)

    def by_softmax(x: Tensor, h: Tensor, W: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return torch.softmax(x @ W + c, 1), torch.softmax(h @ W.T + b, 1)

    slips = (
        Slip(lambda x, h, W, b, c: truth(x, h, W, b, c)[::-1],
             "the order: first the hidden units given x, then the pixels given h."),
        Slip(lambda x, h, W, b, c: (x @ W + c, h @ W.T + b), "those are log odds; a probability is their sigmoid."),
        Slip(lambda x, h, W, b, c: tuple(torch.sigmoid(-torch.logit(p)) for p in truth(x, h, W, b, c)),
             "the sign: those are the probabilities of 0. A positive weight makes both ends likelier to be 1."),
        Slip(lambda x, h, W, b, c: (torch.sigmoid(x @ W), torch.sigmoid(h @ W.T)), "the biases are missing."),
        Slip(lambda x, h, W, b, c: (torch.sigmoid(x @ W + c), torch.sigmoid(h @ W.T)), "the visible biases b are missing."),
        Slip(lambda x, h, W, b, c: (torch.sigmoid(x @ W), torch.sigmoid(h @ W.T + b)), "the hidden biases c are missing."),
        Slip(reshaped, "a reshape of W is no transpose: W.T swaps rows and columns."),
        Slip(by_softmax, "each unit is a coin of its own: a softmax would let only one of them be on."),
        Slip(lambda x, h, W, b, c: tuple((p > 0.5).float() for p in truth(x, h, W, b, c)),
             "probabilities, not their rounded values."),
    )  # fmt: skip
    cases = [
        (_states(5, 4, 4), _states(3, 4, 5), *_machine(5, 3, 6)),
        (_states(2, 3, 7), _states(4, 3, 8), *_machine(2, 4, 9)),
    ]
    return grade("20.2", attempt, truth, cases, slips, record=record)


def log_partition(attempt, *, record: bool = True) -> Verdict:
    """20.3 attempt(W (V, H), b (V,), c (H,)) -> log Z in nats, (): the sum over all 2^H hidden states; V may be large."""

    def terms(W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        h = all_states(len(c))
        return h @ c + F.softplus(h @ W.T + b).sum(1)

    def truth(W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return torch.logsumexp(terms(W, b, c), 0)

    def without_c(W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return torch.logsumexp(F.softplus(all_states(len(c)) @ W.T + b).sum(1), 0)

    def plain(W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return terms(W, b, c).exp().sum().log()

    def mean_field(W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return F.softplus(b).sum() + F.softplus(c).sum()

    slips = (
        Slip(
            plain,
            "exp of several hundred is infinite in single precision: use torch.logsumexp, which takes the largest out first.",
        ),
        Slip(lambda *m: truth(*m) - math.log(2) * len(m[2]), "a sum over the states, not their mean: H log 2 is missing."),
        Slip(lambda W, b, c: truth(W, 0 * b, c), "the visible biases b belong inside each log(1 + exp(…))."),
        Slip(
            lambda W, b, c: torch.logsumexp(all_states(len(c)) @ (c + W.sum(0)) + b.sum(), 0),
            "that sets every pixel to 1: each one is summed over 0 and 1, which gives log(1 + exp(…)).",
        ),
        Slip(lambda *m: -truth(*m), "the sign: Z is the sum of exp(−E), and log Z has no minus."),
        Slip(without_c, "each hidden state has its own factor exp(c h) as well."),
        Slip(lambda *m: terms(*m).max(), "the largest term alone; the others belong to the sum too."),
        Slip(lambda *m: terms(*m).sum(), "that adds up logarithms: logsumexp adds what they are logarithms of."),
        Slip(mean_field, "that is Z of a machine without weights."),
        Slip(lambda *m: truth(*m) / math.log(2), "nats, not bits: the natural logarithm."),
        Slip(lambda *m: truth(*m).exp(), "log Z, not Z."),
    )
    cases = [_machine(4, 3, 10), _machine(6, 1, 11), _machine(784, 5, 12, 0.5)]
    return grade("20.3", attempt, truth, cases, slips, record=record)


def annealing_step(attempt, *, record: bool = True) -> Verdict:
    """20.4 attempt(log_weights (n,), x (n, V), low, high, W, b, c) -> the log weights after one step of annealing, (n,).

    f_beta(x) = exp(beta b x) times the product over j of 1 + exp(beta (x W + c)_j): a weight is multiplied by f at `high` over
    f at `low`, both at the present x.
    """

    def log_f(x: Tensor, beta: float, W: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return beta * (x @ b) + F.softplus(beta * (x @ W + c)).sum(1)

    def truth(log_weights: Tensor, x: Tensor, low: float, high: float, *machine: Tensor) -> Tensor:
        return log_weights + log_f(x, high, *machine) - log_f(x, low, *machine)

    def tempered_free_energy(log_weights: Tensor, x: Tensor, low: float, high: float, *machine: Tensor) -> Tensor:
        return log_weights + (high - low) * log_f(x, 1.0, *machine)

    def added(log_weights: Tensor, *case) -> Tensor:
        step = truth(torch.zeros_like(log_weights), *case)
        return log_weights + step.exp()

    slips = (
        Slip(lambda w, x, low, high, *m: w + log_f(x, low, *m) - log_f(x, high, *m),
             "the ratio is upside down: f at the next beta stands above."),
        Slip(lambda w, x, low, high, W, b, c: w + (high - low) * (x @ b) + F.softplus(high * (x @ W) + c).sum(1)
             - F.softplus(low * (x @ W) + c).sum(1), "beta multiplies the hidden biases c as well."),
        Slip(lambda w, x, low, high, *m: truth(torch.zeros_like(w), x, low, high, *m),
             "the weight so far is missing: the new factor is added to it, in logarithms."),
        Slip(lambda w, x, low, high, *m: w + log_f(x, high, *m), "f at the present beta is missing: the factor is a ratio."),
        Slip(tempered_free_energy,
             "beta stands inside each log(1 + exp(…)): the hidden units are summed out at every beta anew, and "
             "beta times the free energy is another path."),
        Slip(lambda w, x, low, high, W, b, c: truth(w, x, low, high, W, torch.zeros_like(b), c),
             "the visible biases b are multiplied by beta too."),
        Slip(lambda w, x, low, high, W, b, c: truth(w, x, low, high, W, b, torch.zeros_like(c)),
             "the hidden biases c are multiplied by beta too."),
        Slip(lambda w, *case: w * truth(torch.zeros_like(w), *case), "weights are multiplied, so their logarithms are added."),
        Slip(lambda w, *case: w * truth(torch.zeros_like(w), *case).exp(),
             "weights are multiplied, so their logarithms are added."),
        Slip(added, "stay in logarithms: log f at high minus log f at low."),
        Slip(lambda w, *case: truth(w, *case).exp(), "the log weights are asked for: no exp."),
        Slip(lambda w, *case: truth(w, *case).mean(), "one weight per chain: no mean over chains yet."),
    )  # fmt: skip
    weights = torch.tensor([0.5, -1.0, 2.0, 3.0])
    cases = [
        (weights, _states(4, 4, 13), 0.2, 0.5, *_machine(4, 3, 14)),
        (weights, _states(6, 4, 15), 0.9, 1.0, *_machine(6, 2, 16, 2.0)),
    ]
    return grade("20.4", attempt, truth, cases, slips, record=record)


def swap(attempt, *, record: bool = True) -> Verdict:
    """20.5 attempt(E_i, E_j, T_i, T_j) -> the probability with which states of energies E_i (at T_i) and E_j (at T_j) swap."""

    def ratio(e_i: float, e_j: float, t_i: float, t_j: float) -> float:
        return (1 / t_i - 1 / t_j) * (e_i - e_j)

    def truth(*case: float) -> float:
        return math.exp(min(0.0, ratio(*case)))

    slips = (
        Slip(lambda *case: math.exp(min(0.0, -ratio(*case))),
             "the sign: a state of lower energy belongs to the colder chain, and such a swap is always made."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, -e_i / t_j - e_j / t_i)),
             "that is the joint density after the swap; divide it by the one before."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, (1 / t_i + 1 / t_j) * (e_i - e_j))), "1 / T_i *minus* 1 / T_j."),
        Slip(lambda *case: math.exp(ratio(*case)), "a probability is at most 1: min(1, …)."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, (t_i - t_j) * (e_i - e_j))),
             "the inverse temperatures 1 / T stand in the exponent, not the temperatures."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, (t_j - t_i) * (e_i - e_j))),
             "the inverse temperatures 1 / T stand in the exponent, not the temperatures."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, (e_i - e_j) / t_i)),
             "that is the rule of Metropolis for one chain: the other temperature takes part as well."),
        Slip(lambda e_i, e_j, t_i, t_j: math.exp(min(0.0, (e_j - e_i) / t_i)),
             "that is the rule of Metropolis for one chain: the other temperature takes part as well."),
        Slip(lambda *case: 1 / (1 + math.exp(-ratio(*case))),
             "that keeps both densities too, but it swaps less often; the rule asked for is min(1, exp(…))."),
        Slip(lambda *case: min(0.0, ratio(*case)), "that is the logarithm of the probability: the exponential is missing."),
    )  # fmt: skip
    cases = [(1.0, 3.0, 1.0, 2.0), (4.0, 1.5, 1.0, 2.5), (0.2, 0.9, 2.0, 3.5), (2.0, 2.0, 1.0, 4.0)]
    return grade("20.5", attempt, truth, cases, slips, tolerance=1e-6, record=record)
