"""Lesson 05: the right answers pass, and each likely mistake is told what it is."""

import itertools

import torch
from frame import frame

from course_lib.checks import lesson_05 as check


def right_stationary(A):
    return torch.linalg.matrix_power(A, 2000)[0]


def right_forward(initial, A, E, x):
    alpha = initial * E[:, x[0]]
    for symbol in x[1:]:
        alpha = (alpha @ A) * E[:, symbol]
    return alpha.sum().log()


def score(path, initial, A, E, x):
    total = initial[path[0]] * E[path[0], x[0]]
    for t in range(1, len(x)):
        total = total * A[path[t - 1], path[t]] * E[path[t], x[t]]
    return total


def right_path(initial, A, E, x):
    return torch.tensor(max(itertools.product(range(len(A)), repeat=len(x)), key=lambda path: score(path, initial, A, E, x)))


def greedy(initial, A, E, x):
    alpha, path = initial * E[:, x[0]], []
    for t in range(len(x)):
        path.append(alpha.argmax())
        if t + 1 < len(x):
            alpha = (alpha @ A) * E[:, x[t + 1]]
    return torch.stack(path)


def one_by_one(initial, A, E, x):
    weight = torch.zeros(len(x), len(A))
    for path in itertools.product(range(len(A)), repeat=len(x)):
        for t, state in enumerate(path):
            weight[t, state] += score(path, initial, A, E, x)
    return weight.argmax(1)


def expected_moves(alpha, beta, A, E, x):
    """(T - 1, K, K), one time and one pair of states after the other."""
    xi = torch.zeros(len(x) - 1, len(A), len(A))
    for t in range(len(x) - 1):
        for i, j in itertools.product(range(len(A)), repeat=2):
            xi[t, i, j] = alpha[t, i] * A[i, j] * E[j, x[t + 1]] * beta[t + 1, j]
    return xi


def right_moves(alpha, beta, A, E, x):
    counts = sum(each / each.sum() for each in expected_moves(alpha, beta, A, E, x))
    return counts / counts.sum(1, keepdim=True)


def right_perplexity(log_probs):
    return (-log_probs.mean()).exp()


RIGHT = {
    check.stationary: right_stationary,
    check.forward: right_forward,
    check.best_path: right_path,
    check.moves: right_moves,
    check.perplexity: right_perplexity,
}


def best_only(initial, A, E, x):
    return score(right_path(initial, A, E, x), initial, A, E, x).log()


def no_first_emission(initial, A, E, x):
    alpha = initial
    for symbol in x[1:]:
        alpha = (alpha @ A) * E[:, symbol]
    return alpha.sum().log()


def no_last_emission(initial, A, E, x):
    alpha = initial * E[:, x[0]]
    for symbol in x[1:-1]:
        alpha = (alpha @ A) * E[:, symbol]
    return (alpha @ A).sum().log()


def shifted_path(*case):
    path = right_path(*case).tolist()
    return torch.tensor([*path[1:], path[-1]])


def right(counts):
    return counts / counts.sum(1, keepdim=True)


def counts(*case):
    return sum(each / each.sum() for each in expected_moves(*case))


def gammas(alpha, beta):
    return alpha * beta / (alpha * beta).sum(1, keepdim=True)


def forward_ended_by(end):
    def attempt(initial, A, E, x):
        alpha = initial * E[:, x[0]]
        for symbol in x[1:]:
            alpha = (alpha @ A) * E[:, symbol]
        return end(alpha)

    return attempt


def moves_of_rows(a, b, A, E, x):
    return right(sum(each / each.sum(1, keepdim=True) for each in expected_moves(a, b, A, E, x)))


def moves_on_rows(a, b, A, E, x):
    xi = torch.stack([torch.diag(a[t] * E[:, x[t + 1]] * b[t + 1]) @ A for t in range(len(x) - 1)])
    return right(sum(each / each.sum() for each in xi))


def forever_chosen(initial, A, E, x):
    path = [int((initial * E[:, x[0]]).argmax())]
    for symbol in x[1:].tolist():
        path.append(int((A[path[-1]] * E[:, symbol]).argmax()))
    return torch.tensor(path)


def best_path_by(table, axis, emits=True):
    def attempt(initial, A, E, x):
        best, sources = (initial * E[:, x[0]]).log(), []
        for symbol in x[1:]:
            best, source = table(best, A.log()).max(axis)
            best = best + E[:, symbol].log() if emits else best
            sources.append(source)
        path = [int(best.argmax())]
        for source in sources[::-1]:
            path.insert(0, int(source[path[0]]))
        return torch.tensor(path)

    return attempt


WRONG = [
    (check.stationary, lambda A: torch.linalg.matrix_power(A.T, 0).mean(0), "wrong side"),
    (check.stationary, lambda A: A.mean(0), "equal shares; it"),
    (check.stationary, lambda A: A[0], "many steps"),
    (check.stationary, lambda A: A.diagonal() / A.diagonal().sum(), "staying"),
    (check.stationary, lambda A: right_stationary(A) / right_stationary(A).norm(), "not their squares"),
    (check.stationary, lambda A: -right_stationary(A) / right_stationary(A).norm(), "corrects the sign"),
    (check.stationary, lambda A: torch.ones(len(A)) / torch.ones(len(A)).norm(), "right eigenvector"),
    (check.stationary, lambda A: -torch.ones(len(A)) / torch.ones(len(A)).norm(), "right eigenvector"),
    (check.stationary, lambda A: torch.linalg.matrix_power(A, 2000)[:, 0], "in each row"),
    (check.stationary, lambda A: torch.linalg.matrix_power(A, 100)[0], "100 steps are not enough"),
    (check.stationary, lambda A: torch.linalg.matrix_power(A, 20)[0], "20 steps are not enough"),
    (check.stationary, lambda A: torch.linalg.matrix_power(A, 3000), "return one row"),
    (check.forward, forward_ended_by(lambda alpha: alpha.log().sum()), "a sum of logs"),
    (check.forward, forward_ended_by(lambda alpha: alpha[-1].log()), "one state alone"),
    (check.forward, lambda p, A, E, x: right_forward(p, A, E, torch.cat([x[:1], x])), "emitted twice"),
    (check.forward, lambda p, A, E, x: right_forward(p, A.T, E, x), "transposed"),
    (check.forward, no_first_emission, "first symbol's emission"),
    (check.forward, no_last_emission, "last symbol's emission"),
    (check.forward, lambda p, A, E, x: right_forward(torch.ones(len(p)), A, E, x), "play no part"),
    (check.forward, lambda p, A, E, x: right_forward(p @ A, A, E, x), "too many"),
    (check.forward, best_only, "best path alone"),
    (check.forward, lambda p, A, E, x: right_forward(p, A, E, x).exp(), "take the log"),
    (check.best_path, one_by_one, "as a whole"),
    (check.best_path, greedy, "before the future"),
    (check.best_path, lambda p, A, E, x: E[:, x].argmax(0), "only the emissions"),
    (check.best_path, lambda p, A, E, x: right_path(p, A, E, x).flip(0), "backwards"),
    (check.best_path, lambda p, A, E, x: right_path(p, A.T / A.T.sum(1, keepdim=True), E, x), "transposed"),
    (check.best_path, lambda *case: right_path(*case)[:-1], "best last state"),
    (check.best_path, lambda *case: right_path(*case)[1:], "first symbol too"),
    (
        check.best_path,
        lambda *case: right_path(*case)[torch.arange(1, len(case[3]) + 1).clamp(max=len(case[3]) - 1)],
        "off by one",
    ),
    (check.best_path, lambda p, A, E, x: right_path(p / E[:, x[0]], A, E, x), "emission is missing"),
    (check.best_path, lambda p, A, E, x: right_path(torch.ones(len(p)), A, E, x), "play no part"),
    (check.best_path, forever_chosen, "EVERY state"),
    (check.best_path, best_path_by(lambda best, moves: best[:, None] + moves, 1), "wrong axis"),
    (check.best_path, best_path_by(lambda best, moves: best + moves, 0), "on the rows"),
    (check.moves, lambda *case: right(expected_moves(*case).sum(0)), "for every t alone"),
    (check.best_path, best_path_by(lambda best, moves: best[:, None] + moves, 0, emits=False), "no emission counts"),
    (check.moves, moves_on_rows, "put on the rows"),
    (check.moves, moves_of_rows, "whole table"),
    (check.moves, counts, "those are the expected moves"),
    (check.moves, lambda *case: counts(*case) / counts(*case).sum(0), "wrong axis"),
    (check.moves, lambda *case: counts(*case) / (len(case[4]) - 1), "number of departures"),
    (check.moves, lambda a, b, A, E, x: right_moves(a, b, A, torch.ones_like(E), x), "is missing"),
    (check.moves, lambda a, b, A, E, x: right_moves(a, b, A, E, x.roll(1)), "has seen"),
    (check.moves, lambda a, b, A, E, x: right_moves(a, b.roll(1, 0), A, E, x), "one step later"),
    (check.moves, lambda a, b, A, E, x: right_moves(a, torch.ones_like(b), A, E, x), "no part"),
    (check.moves, lambda a, b, A, E, x: right(gammas(a, b)[:-1].T @ gammas(a, b)[1:]), "two gammas"),
    (check.moves, lambda a, b, A, E, x: counts(a, b, A, E, x) / gammas(a, b).sum(0)[:, None], "counted as a departure"),
    (check.moves, lambda *case: right_moves(*case).T, "exchanged"),
    (check.perplexity, lambda lp: 2 ** (-lp.mean()), "bits"),
    (check.perplexity, lambda lp: lp.mean().exp(), "inverse"),
    (check.perplexity, lambda lp: (-lp.sum()).exp(), "per character"),
    (check.perplexity, lambda lp: -lp.mean(), "its exp"),
    (check.perplexity, lambda lp: (1 / lp.exp()).mean(), "after the mean"),
    (check.perplexity, lambda lp: 1 / lp.exp().mean(), "not the probabilities"),
    (check.perplexity, lambda lp: lp.exp().prod(), "bare product"),
    (check.perplexity, lambda lp: lp.mean(), "exp of those"),
]

TestLesson05 = frame(check, RIGHT, WRONG)
