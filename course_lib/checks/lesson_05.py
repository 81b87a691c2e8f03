"""Exercises of lesson 05, hidden Markov models: stationary distribution, forward pass, best path, expected moves, perplexity."""

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
    "05.4": "Baum-Welch: new transitions from expected moves",
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
    few = tuple(
        Slip(
            lambda A, n=n: torch.linalg.matrix_power(A, n)[0],
            f"{n} steps are not enough for a slow chain: its rows still differ. Take more, until they agree.",
        )
        for n in (5, 10, 20, 50, 100)
    )
    slips = (
        *few,
        Slip(
            lambda A: torch.linalg.matrix_power(A, 5000),
            "that is the matrix of many steps: each of its rows is pi; return one row.",
        ),
        Slip(
            lambda A: torch.full((len(A),), 1 / len(A)), "equal shares solve A v = v, the wrong side: pi stands to the left of A."
        ),
        Slip(lambda A: A.mean(0), "that is one step from equal shares; it takes many steps to reach pi."),
        Slip(lambda A: A[0], "that is one step from state 0; take many steps."),
        Slip(lambda A: A.diagonal() / A.diagonal().sum(), "the chances of staying are not the shares of time spent."),
        Slip(
            lambda A: truth(A) / truth(A).norm(),
            "the right direction, but the entries themselves must sum to 1, not their squares.",
        ),
        Slip(lambda A: -truth(A) / truth(A).norm(), "the right direction; divide by the sum, which also corrects the sign."),
        Slip(lambda A: torch.full((len(A),), len(A) ** -0.5), right_side),
        Slip(lambda A: -torch.full((len(A),), len(A) ** -0.5), right_side),
        Slip(lambda A: truth(A)[0].expand(len(A)), "that is a column of the matrix of many steps: pi is in each row."),
    )
    return grade("05.1", attempt, truth, [torch.tensor(A) for A in chains], slips, record=record)


def forward(attempt, *, record: bool = True) -> Verdict:
    """05.2 attempt(initial (K), A (K, K), E (K, M), x (T)) -> log p(x) in nats, all paths summed."""

    def run(initial, A, E, x, *, first: bool = True, best: bool = False, end=lambda alpha: alpha.sum().log()) -> Tensor:
        alpha = initial * E[:, x[0]] if first else initial
        for symbol in x[1:]:
            step = alpha[:, None] * A
            alpha = (step.amax(0) if best else step.sum(0)) * E[:, symbol]
        return alpha.amax().log() if best else end(alpha)

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
        Slip(
            lambda p, A, E, x: run(p, A, E, torch.cat([x[:1], x])),
            "the first symbol is emitted twice: the loop goes over x[1:], since alpha_1 has seen x[0].",
        ),
        Slip(last_emission_lost, "the last symbol's emission is missing."),
        Slip(
            lambda *case: run(*case, end=lambda alpha: alpha.log().sum()),
            "that is a sum of logs: p(x) is the sum of the alphas over the states, and the log of that sum comes last.",
        ),
        Slip(
            lambda *case: run(*case, end=lambda alpha: alpha[-1].log()),
            "that is one state alone: p(x) sums over all last states.",
        ),
        Slip(lambda p, A, E, x: run(p, A, E, x).exp(), "that is p(x); take the log at the end."),
    )
    return grade("05.2", attempt, lambda p, A, E, x: run(p, A, E, x), _cases(), slips, record=record)


def best_path(attempt, *, record: bool = True) -> Verdict:
    """05.3 attempt(initial, A, E, x) -> the most probable path (T,) of states, as integers."""

    def truth(p, A, E, x):
        return _hmm(p / p.sum(), A / A.sum(1, keepdim=True), E).viterbi(x[None])[0][0]

    def shifted(*case):
        return torch.cat([truth(*case)[1:], truth(*case)[-1:]])

    def one_choice_after_another(p, A, E, x):
        path = [(p * E[:, x[0]]).argmax()]
        for symbol in x[1:]:
            path.append((A[path[-1]] * E[:, symbol]).argmax())
        return torch.stack(path)

    def by_table(p, A, E, x, *, column: bool = True, axis: int = 0, emits: bool = True):
        best, sources = (p * E[:, x[0]]).log(), []
        for symbol in x[1:]:
            best, source = ((best[:, None] if column else best) + A.log()).max(axis)
            best = best + E[:, symbol].log() * emits
            sources.append(source)
        path = [best.argmax()]
        for source in reversed(sources):
            path.append(source[path[-1]])
        return torch.stack(path[::-1])

    slips = (
        Slip(
            one_choice_after_another,
            "each state was chosen before the next symbol was seen: keep the best path into EVERY state, and choose at the end.",
        ),
        Slip(
            lambda *case: by_table(*case, column=True, axis=1),
            "the maximum runs over the wrong axis: rows are where a move comes from, so .max(0).",
        ),
        Slip(
            lambda *case: by_table(*case, column=False, axis=0),
            "best was added to the columns, where a move goes to: best[:, None] puts it on the rows, where it comes from.",
        ),
        Slip(
            lambda p, A, E, x: _hmm(p, A, E).posterior(x[None])[0].argmax(1),
            "those are the best states one by one; a path must be best as a whole.",
        ),
        Slip(
            lambda p, A, E, x: _hmm(p, A, E).filter(x[None])[0].argmax(1),
            "each state was chosen before the future was seen: go back from the end.",
        ),
        Slip(
            lambda *case: by_table(*case, emits=False),
            "after the first symbol no emission counts: at each step add E[:, symbol].log() to the best values.",
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


def moves(attempt, *, record: bool = True) -> Verdict:
    """05.4 attempt(alpha (T, K), beta (T, K), A (K, K), E (K, M), x (T)) -> the new transition matrix (K, K) of the M-step.

    alpha and beta are right up to a factor of their own at every step t.
    """

    def joint(alpha, beta, A, E, x, *, symbols: Tensor | None = None, later: Tensor | None = None) -> Tensor:
        emitted = E[:, x[1:] if symbols is None else symbols].T  # (T - 1, K)
        arriving = emitted * (beta[1:] if later is None else later)
        return alpha[:-1, :, None] * A * arriving[:, None]  # (T - 1, K, K)

    def each(xi: Tensor) -> Tensor:
        return xi / xi.sum((1, 2), keepdim=True)

    def rows(counts: Tensor) -> Tensor:
        return counts / counts.sum(1, keepdim=True)

    def truth(*case):
        return rows(each(joint(*case)).sum(0))

    def visits(alpha, beta):
        gamma = alpha * beta
        return gamma / gamma.sum(1, keepdim=True)

    def all_visits(alpha, beta, A, E, x):
        return each(joint(alpha, beta, A, E, x)).sum(0) / visits(alpha, beta).sum(0)[:, None]

    def independent(alpha, beta, A, E, x):
        gamma = visits(alpha, beta)
        return rows((gamma[:-1, :, None] * gamma[1:, None]).sum(0))

    slips = (
        Slip(
            lambda *case: rows(joint(*case).sum(0)),
            "the products were summed over t before each was scaled: for every t alone, xi must sum to 1 over all pairs (i, j).",
        ),
        Slip(lambda *case: each(joint(*case)).sum(0), "those are the expected moves; divide each row by its sum."),
        Slip(
            lambda *case: each(joint(*case)).sum(0) / each(joint(*case)).sum((0, 1)),
            "normalised over the wrong axis: from each state i the moves to all j must sum to 1.",
        ),
        Slip(lambda *case: each(joint(*case)).mean(0), "divided by T - 1; each state has its own expected number of departures."),
        Slip(
            lambda a, b, A, E, x: rows(each(joint(a, b, A, torch.ones_like(E), x)).sum(0)),
            "the emission of the next symbol, E[j, x_t+1], is missing.",
        ),
        Slip(
            lambda a, b, A, E, x: rows(each(joint(a, b, A, E, x, symbols=x[:-1])).sum(0)),
            "the emission belongs to the state that is reached: E[:, x[1:]], since alpha has seen x[:-1] already.",
        ),
        Slip(
            lambda a, b, A, E, x: rows(each(joint(a, b, A, E, x, later=b[:-1])).sum(0)),
            "the future of the state that is reached begins one step later: beta[1:].",
        ),
        Slip(
            lambda a, b, A, E, x: rows(each(joint(a, torch.ones_like(b), A, E, x)).sum(0)),
            "beta plays no part: without it, what comes later is not heard.",
        ),
        Slip(
            lambda a, b, A, E, x: rows(each(a[:-1, :, None] * A * (E[:, x[1:]].T * b[1:])[:, :, None]).sum(0)),
            "emission and beta were put on the rows: they belong to j, the state that is reached, so [:, None, :].",
        ),
        Slip(
            lambda *case: rows((joint(*case) / joint(*case).sum(2, keepdim=True)).sum(0)),
            "each row i of xi was scaled to 1: for every t it is the whole table over (i, j) that sums to 1.",
        ),
        Slip(independent, "the product of two gammas forgets that h_t and h_t+1 depend on each other: A and E stand between."),
        Slip(all_visits, "the last step was counted as a departure: divide by the sum of gamma over t < T, or by the row sums."),
        Slip(lambda *case: truth(*case).T, "rows and columns are exchanged: row i holds the moves that leave i."),
    )  # fmt: skip
    cases = []
    for initial, A, E, x in _cases():
        message = _hmm(initial, A, E).messages(x[None])
        cases.append((message.alpha[:, 0].float(), message.beta[:, 0].float(), A, E, x))
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
