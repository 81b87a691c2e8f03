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


def right_emissions(gamma, x, M):
    return (gamma.T @ torch.nn.functional.one_hot(x, M).float()) / gamma.sum(0)[:, None]


def right_perplexity(log_probs):
    return (-log_probs.mean()).exp()


RIGHT = {
    check.stationary: right_stationary,
    check.forward: right_forward,
    check.best_path: right_path,
    check.new_emissions: right_emissions,
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


def soft_counts(gamma, x, M):
    return right_emissions(gamma, x, M) * gamma.sum(0)[:, None]


def hard_emissions(gamma, x, M):
    return right_emissions(torch.eye(gamma.shape[1])[gamma.argmax(1)], x, M)


WRONG = [
    (check.stationary, lambda A: torch.linalg.matrix_power(A.T, 0).mean(0), "wrong side"),
    (check.stationary, lambda A: A.mean(0), "equal shares; it"),
    (check.stationary, lambda A: A[0], "many steps"),
    (check.stationary, lambda A: A.diagonal() / A.diagonal().sum(), "staying"),
    (check.stationary, lambda A: right_stationary(A) / right_stationary(A).norm(), "not their squares"),
    (check.stationary, lambda A: -right_stationary(A) / right_stationary(A).norm(), "mends the sign"),
    (check.stationary, lambda A: torch.ones(len(A)) / torch.ones(len(A)).norm(), "right eigenvector"),
    (check.stationary, lambda A: -torch.ones(len(A)) / torch.ones(len(A)).norm(), "right eigenvector"),
    (check.stationary, lambda A: torch.linalg.matrix_power(A, 2000)[:, 0], "in each row"),
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
    (check.new_emissions, soft_counts, "expected counts"),
    (check.new_emissions, lambda g, x, M: soft_counts(g, x, M) / soft_counts(g, x, M).sum(0), "wrong axis"),
    (check.new_emissions, lambda g, x, M: soft_counts(g, x, M) / len(x), "divided by T"),
    (check.new_emissions, hard_emissions, "shares it out"),
    (check.new_emissions, lambda g, x, M: right_emissions(g, x, M).T, "exchanged"),
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
