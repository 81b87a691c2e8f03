"""Exercises of lesson 05, hidden Markov models: stationary distribution, forward pass, best path, M-step, perplexity."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.checks.report import Slip, Verdict, grade
from course_lib.models.probability import markov_chain
from course_lib.models.probability.hidden_markov import CategoricalHMM

EXERCISES = {
    "05.1": "the stationary distribution of a chain",
    "05.2": "the forward pass",
    "05.3": "the most probable path",
    "05.4": "Baum-Welch: new emissions from responsibilities",
    "05.5": "perplexity",
}


def _hmm(initial: Tensor, transition: Tensor, emission: Tensor) -> CategoricalHMM:
    K, M = emission.shape
    return CategoricalHMM(states=K, symbols=M, length=1).set_probs(initial=initial, transition=transition, emission=emission)


def _cases() -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """(initial, transition, emission, x): small models whose slips give different answers."""
    two = torch.tensor([0.8, 0.2]), torch.tensor([[0.7, 0.3], [0.1, 0.9]]), torch.tensor([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]])
    moves = torch.tensor([[0.5, 0.45, 0.05], [0.05, 0.5, 0.45], [0.6, 0.1, 0.3]])
    three = torch.tensor([0.5, 0.3, 0.2]), moves, torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.15, 0.25, 0.6]])
    sequences = [(two, [0, 2, 1, 2]), (two, [2, 1, 0, 1, 0, 0]), (three, [1, 0, 2, 2, 0]), (three, [2, 1, 1, 0, 1, 2])]
    return [(*model, torch.tensor(x)) for model, x in sequences]


def stationary(attempt, *, record: bool = True) -> Verdict:
    """05.1 attempt(A (K, K), rows p(next | now)) -> the distribution pi (K,) with pi A = pi."""
    chains = ([[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [0.6, 0.2, 0.2]], [[0.99, 0.01], [0.04, 0.96]])
    truth = markov_chain.stationary
    right_side = "that is a right eigenvector, A v = v, whose entries are all alike: pi is a left one, so take those of A.T."
    slips = (
        Slip(
            lambda A: torch.full((len(A),), 1 / len(A)), "equal shares solve A v = v, the wrong side: pi stands to the left of A."
        ),
        Slip(lambda A: A.mean(0), "that is one step from equal shares; it takes many steps to reach pi."),
        Slip(lambda A: A[0], "that is one step from state 0; take many steps."),
        Slip(lambda A: A.diagonal() / A.diagonal().sum(), "the chances of staying are not the shares of time spent."),
        Slip(lambda A: truth(A) / truth(A).norm(), "the right direction, but its entries must sum to 1, not their squares."),
        Slip(lambda A: -truth(A) / truth(A).norm(), "the right direction; divide by the sum, which also mends the sign."),
        Slip(lambda A: torch.full((len(A),), len(A) ** -0.5), right_side),
        Slip(lambda A: -torch.full((len(A),), len(A) ** -0.5), right_side),
        Slip(lambda A: truth(A)[0].expand(len(A)), "that is a column of the matrix of many steps: pi is in each row."),
    )
    return grade("05.1", attempt, truth, [torch.tensor(A) for A in chains], slips, record=record)


def forward(attempt, *, record: bool = True) -> Verdict:
    """05.2 attempt(initial (K), A (K, K), E (K, M), x (T)) -> log p(x) in nats, all paths summed."""

    def run(initial, A, E, x, *, first: bool = True, best: bool = False) -> Tensor:
        alpha = initial * E[:, x[0]] if first else initial
        for symbol in x[1:]:
            step = alpha[:, None] * A
            alpha = (step.amax(0) if best else step.sum(0)) * E[:, symbol]
        return (alpha.amax() if best else alpha.sum()).log()

    def last_emission_lost(p, A, E, x):
        return run(p, A, torch.cat([E, torch.ones(len(E), 1)], 1), torch.cat([x[:-1], torch.tensor([E.shape[1]])]))

    slips = (
        Slip(
            lambda p, A, E, x: run(p, A.T, E, x), "the transition is transposed: alpha[i] A[i, j] is summed over i, so alpha @ A."
        ),
        Slip(
            lambda p, A, E, x: run(p, A, E, x, first=False),
            "the first symbol's emission is missing: alpha_1 = initial * E[:, x[0]].",
        ),
        Slip(lambda p, A, E, x: run(torch.ones_like(p), A, E, x), "the initial probabilities play no part."),
        Slip(lambda p, A, E, x: run(p @ A, A, E, x), "one transition too many: nothing moves before the first symbol."),
        Slip(
            lambda p, A, E, x: run(p, A, E, x, best=True),
            "that is the best path alone; p(x) sums over all paths: sum where you take max.",
        ),
        Slip(last_emission_lost, "the last symbol's emission is missing."),
        Slip(lambda p, A, E, x: run(p, A, E, x).exp(), "that is p(x); take the log at the end."),
    )
    return grade("05.2", attempt, lambda p, A, E, x: run(p, A, E, x), _cases(), slips, record=record)


def best_path(attempt, *, record: bool = True) -> Verdict:
    """05.3 attempt(initial, A, E, x) -> the most probable path (T,) of states, as integers."""

    def truth(p, A, E, x):
        return _hmm(p / p.sum(), A / A.sum(1, keepdim=True), E).viterbi(x[None])[0][0]

    def shifted(*case):
        return torch.cat([truth(*case)[1:], truth(*case)[-1:]])

    slips = (
        Slip(
            lambda p, A, E, x: _hmm(p, A, E).posterior(x[None])[0].argmax(1),
            "those are the best states one by one; a path must be best as a whole.",
        ),
        Slip(
            lambda p, A, E, x: _hmm(p, A, E).filter(x[None])[0].argmax(1),
            "each state was chosen before the future was seen: go back from the end.",
        ),
        Slip(lambda p, A, E, x: E[:, x].argmax(0), "only the emissions were used; the transitions count too."),
        Slip(lambda *case: truth(*case).flip(0), "the path runs backwards: turn it around at the end."),
        Slip(lambda p, A, E, x: truth(p, A.T, E, x), "the transition is transposed: A[i, j] leads from i to j."),
        Slip(lambda *case: truth(*case)[:-1], "one state short: add the best last state to the T - 1 sources."),
        Slip(lambda *case: truth(*case)[1:], "one state short: walk back to the state of the first symbol too."),
        Slip(shifted, "off by one: each source leads one step back, and the best last state stands last, once."),
        Slip(lambda p, A, E, x: truth(p / E[:, x[0]], A, E, x), "the first symbol's emission is missing."),
        Slip(lambda p, A, E, x: truth(torch.ones_like(p), A, E, x), "the initial probabilities play no part."),
    )
    return grade("05.3", attempt, truth, _cases(), slips, record=record)


def new_emissions(attempt, *, record: bool = True) -> Verdict:
    """05.4 attempt(gamma (T, K), x (T), M) -> the emission table (K, M) of the M-step."""

    def counts(gamma: Tensor, x: Tensor, M: int) -> Tensor:
        return torch.zeros(M, gamma.shape[1]).index_add(0, x, gamma).T

    def truth(gamma: Tensor, x: Tensor, M: int) -> Tensor:
        return counts(gamma, x, M) / gamma.sum(0)[:, None]

    def hard(gamma: Tensor, x: Tensor, M: int) -> Tensor:
        return truth(torch.nn.functional.one_hot(gamma.argmax(1), gamma.shape[1]).float(), x, M)

    slips = (
        Slip(counts, "those are expected counts; divide each state's row by its sum."),
        Slip(
            lambda g, x, M: counts(g, x, M) / counts(g, x, M).sum(0),
            "normalised over the wrong axis: for each state the symbols must sum to 1.",
        ),
        Slip(
            lambda g, x, M: counts(g, x, M) / len(x),
            "divided by T; each state has its own expected number of visits, gamma.sum(0).",
        ),
        Slip(hard, "each step was given to its likeliest state; EM shares it out by gamma."),
        Slip(lambda g, x, M: truth(g, x, M).T, "rows and columns are exchanged: the table is (K, M)."),
    )
    g = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])
    cases = [(g, torch.tensor([0, 1, 2, 1, 0]), 3), (g.flip(1)[:4], torch.tensor([1, 1, 0, 2]), 3)]
    return grade("05.4", attempt, truth, cases, slips, record=record)


def perplexity(attempt, *, record: bool = True) -> Verdict:
    """05.5 attempt(log_probs (T,), nats of each character given those before) -> perplexity per character."""
    slips = (
        Slip(lambda lp: 2 ** (-lp.mean()), "nats go with exp, bits with 2 to the power: these log-probabilities are natural."),
        Slip(lambda lp: lp.mean().exp(), "that is the inverse: mind the minus sign before the mean."),
        Slip(lambda lp: (-lp.sum()).exp(), "a sum over all characters; perplexity is per character: the mean."),
        Slip(lambda lp: -lp.mean(), "that is nats per character; its exp is the perplexity."),
        Slip(lambda lp: (-lp).exp().mean(), "exp comes after the mean: average the logs, not the inverse probabilities."),
        Slip(lambda lp: 1 / lp.exp().mean(), "average the logs, not the probabilities."),
        Slip(
            lambda lp: lp.sum().exp(),
            "that is the bare product, p(x): perplexity is one over its T-th root, so that texts of any length compare.",
        ),
        Slip(lambda lp: lp.mean(), "that is the mean log-probability: minus it are nats per character, exp of those is wanted."),
    )
    cases = [torch.tensor([0.5, 0.25, 0.125]).log(), torch.tensor([0.9, 0.05, 0.3, 0.3]).log(), torch.tensor([1 / 27, 0.1]).log()]
    return grade("05.5", attempt, lambda lp: (-lp.mean()).exp(), cases, slips, record=record)
