"""Lesson 10: the right answers pass, and each likely mistake is told what it is."""

import math

import torch
from frame import frame

from course_lib.checks import lesson_10 as check


def right_segments(x, separator):
    number, found = 0, []
    for symbol in x.tolist():
        found.append(number)
        number += symbol == separator
    return torch.tensor(found)


def right_attention(query, keys, values, inside):
    weights = [(query @ key / math.sqrt(len(query))).exp() if there else 0.0 for key, there in zip(keys, inside, strict=True)]
    return sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)


def right_mask(T):
    return torch.ones(T, T).tril() > 0


def right_chain(T, L):
    return T, 2 * L + T // L - 1


RIGHT = {
    check.segments: right_segments,
    check.longest_chain: right_chain,
    check.attention: right_attention,
    check.causal_mask: right_mask,
}


def place(x, separator):
    found, since = [], 0
    for symbol in x.tolist():
        found.append(since)
        since = 0 if symbol == separator else since + 1
    return torch.tensor(found)


def vanishing(x, separator):
    number, found, before = -1, [], separator
    for symbol in x.tolist():
        number += symbol != separator and before == separator
        found.append(number)
        before = symbol
    return torch.tensor(found)


def scores(query, keys):
    return keys @ query / math.sqrt(len(query))


def padding_seen(query, keys, values, inside):
    return right_attention(query, keys, values, torch.ones_like(inside))


def struck_out(query, keys, values, inside):
    return (scores(query, keys).softmax(0) * inside) @ values


def scaled(change):
    return lambda query, keys, values, inside: right_attention(change(query, len(keys)), keys, values, inside)


def best_place(query, keys, values, inside):
    return values[torch.where(inside, scores(query, keys), -torch.inf).argmax()]


def inverted_mask(query, keys, values, inside):
    return scores(query, keys).masked_fill(inside, -torch.inf).softmax(0) @ values


def masked_weights(query, keys, values, inside):
    return torch.where(inside, scores(query, keys), -torch.inf).softmax(0)


WRONG = [
    (check.segments, lambda x, s: (x == s).long().cumsum(0), "what was before counts"),
    (check.segments, lambda x, s: right_segments(x, s) + 1, "counted from 0"),
    (check.segments, lambda x, s: (x == s).long().cumsum(0) + 1, "counted from 1"),
    (check.segments, lambda x, s: (x == s).long(), "only marks"),
    (check.segments, lambda x, s: (x == s).flip(0).cumsum(0).flip(0), "from the end"),
    (check.segments, lambda x, s: torch.arange(len(x)) - place(x, s), "where each segment begins"),
    (check.segments, place, "place inside"),
    (check.segments, vanishing, "lets it vanish"),
    (check.longest_chain, lambda T, L: (T, 2 * L + T // L), "one step too many"),
    (check.longest_chain, lambda T, L: (T, T // L - 1), "upper level alone"),
    (check.longest_chain, lambda T, L: (T, T // L), "number of segments"),
    (check.attention, inverted_mask, "other way round"),
    (check.longest_chain, lambda T, L: (T, L + T // L - 1), "L steps each."),
    (check.longest_chain, lambda T, L: (T, L + T // L), "T/L − 1"),
    (check.longest_chain, lambda T, L: (T, T + T // L - 1), "read at once"),
    (check.longest_chain, lambda T, L: (T, 2 * T + T // L - 1), "all at once"),
    (check.longest_chain, lambda T, L: (T, L * (T // L - 1) * L), "add up"),
    (check.longest_chain, lambda T, L: right_chain(T, L)[::-1], "changed places"),
    (check.longest_chain, lambda T, L: (T - 1, right_chain(T, L)[1]), "start symbol"),
    (check.attention, padding_seen, "looked at too"),
    (check.attention, struck_out, "no longer sum to 1"),
    (check.attention, lambda q, k, v, i: (scores(q, k) * i).softmax(0) @ v, "like any other"),
    (check.attention, scaled(lambda q, S: q * math.sqrt(len(q))), "scale is missing"),
    (check.attention, scaled(lambda q, S: q / math.sqrt(len(q))), "not by C"),
    (check.attention, scaled(lambda q, S: q * math.sqrt(len(q) / S)), "square root of S"),
    (check.attention, lambda q, k, v, i: (scores(q, k) * i) @ v, "softmax is missing"),
    (check.attention, lambda q, k, v, i: (scores(q, k).exp() * i) @ v, "divided by their sum"),
    (check.attention, best_place, "best place only"),
    (check.attention, masked_weights, "those are the weights"),
    (check.causal_mask, lambda T: torch.zeros(T, T).masked_fill(~right_mask(T), -torch.inf), "to add to the scores"),
    (check.causal_mask, lambda T: right_mask(T).T, "transposed"),
    (check.causal_mask, lambda T: torch.ones(T, T).tril(-1) > 0, "too strict"),
    (check.causal_mask, lambda T: ~right_mask(T), "turned around"),
    (check.causal_mask, lambda T: torch.ones(T, T).tril(1) > 0, "a leak"),
    (check.causal_mask, lambda T: torch.ones(T, T) > 0, "the future too"),
    (check.causal_mask, lambda T: torch.eye(T) > 0, "no memory"),
    (check.causal_mask, lambda T: torch.ones(T, T).tril().triu(-1) > 0, "Markov"),
]

TestLesson10 = frame(check, RIGHT, WRONG)
