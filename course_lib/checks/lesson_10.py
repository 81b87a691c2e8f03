"""Exercises of lesson 10, levels in time: which segment, the longest chain of steps, one attention, the causal mask."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade

EXERCISES = {
    "10.1": "cut a text into segments",
    "10.2": "steps that must wait for each other",
    "10.3": "attention of one query",
    "10.4": "what a causal transformer may see",
}


def segments(attempt, *, record: bool = True) -> Verdict:
    """10.1 attempt(x (T,), separator) -> the number of the segment each symbol belongs to (T,), from 0.

    A separator belongs to the segment that it ends.
    """

    def ends(x: Tensor, separator: int) -> Tensor:
        return (x == separator).long()

    def truth(x, separator):
        return ends(x, separator).cumsum(0) - ends(x, separator)

    def collapsed(x, separator):
        before = torch.cat([torch.tensor([separator]), x[:-1]])
        return ((x != separator) & (before == separator)).long().cumsum(0) - 1

    slips = (
        Slip(
            lambda x, s: ends(x, s).cumsum(0),
            "a separator belongs to the segment that it ends, not to the next: for each symbol only what was before counts.",
        ),
        Slip(lambda x, s: truth(x, s) + 1, "segments are counted from 0."),
        Slip(lambda x, s: ends(x, s).cumsum(0) + 1, "counted from 1, and a separator belongs to the segment that it ends."),
        Slip(ends, "that only marks the separators; add up those before each symbol."),
        Slip(
            lambda x, s: ends(x, s).flip(0).cumsum(0).flip(0),
            "counted from the end: those are the separators still to come.",
        ),
        Slip(
            lambda x, s: torch.arange(len(x)) - _since(x, s),
            "that is where each segment begins; the number of the segment is wanted.",
        ),
        Slip(_since, "that is the place inside the segment; the number of the segment is wanted."),
        Slip(collapsed, "of two separators in a row, the second is a segment of its own; yours lets it vanish."),
    )
    cases = [(torch.tensor(x), 0) for x in ([3, 1, 0, 2, 0, 1, 4], [0, 2, 2, 0, 0, 1], [5, 0], [1, 0, 0, 3, 0])]
    return grade("10.1", attempt, truth, cases, slips, record=record)


def _since(x: Tensor, separator: int) -> Tensor:
    """How many symbols of its own segment come before each symbol, (T,)."""
    at = torch.arange(len(x))
    last = torch.where(x == separator, at, -1).cummax(0).values
    return at - torch.cat([torch.tensor([-1]), last[:-1]]) - 1


def longest_chain(attempt, *, record: bool = True) -> Verdict:
    """10.2 attempt(T, L) -> (flat, nested): recurrent steps that must wait for each other, in training, on T symbols.

    Nested: segments of L symbols (L divides T); all are read at once, then the plans follow one another, then all are written at
    once. The first segment's plan needs no step, and no plan follows the last segment: T / L − 1 steps of the upper level.
    """

    def pair(nested):
        return lambda T, L: torch.tensor([T, nested(T, L)])

    def right(T, L):
        return L + (T // L - 1) + L

    slips = (
        Slip(pair(lambda T, L: L + T // L + L), "one step too many: the last segment's summary sets no plan any more."),
        Slip(pair(lambda T, L: L + (T // L - 1)), "the segments are read and written: L steps each."),
        Slip(
            pair(lambda T, L: L + T // L), "the segments are read and written: L steps each; and the upper level takes T/L − 1."
        ),
        Slip(pair(lambda T, L: T + T // L - 1), "segments do not wait for each other below: all are read at once, in L steps."),
        Slip(pair(lambda T, L: 2 * T + T // L - 1), "segments do not wait for each other below: all at once, in L steps."),
        Slip(pair(lambda T, L: L * (T // L - 1) * L), "levels follow one another: their steps add up, they do not multiply."),
        Slip(
            pair(lambda T, L: T // L - 1), "that is the upper level alone: the segments are read before it, and written after it."
        ),
        Slip(pair(lambda T, L: T // L), "that is the number of segments: reading, planning and writing one all take steps."),
        Slip(lambda T, L: torch.tensor([right(T, L), T]), "the two numbers have changed places."),
        Slip(
            lambda T, L: torch.tensor([T - 1, right(T, L)]),
            "the flat network takes a step for the start symbol as well: T of them.",
        ),
    )
    cases = [(256, 16), (784, 28), (60, 5)]
    return grade("10.2", attempt, pair(right), cases, slips, record=record)


def attention(attempt, *, record: bool = True) -> Verdict:
    """10.3 attempt(query (C,), keys (S, C), values (S, V), inside (S,) booleans) -> what is seen (V,).

    Weights: softmax over the S places of query · key / sqrt(C), 0 where not inside.
    """

    def scores(query, keys) -> Tensor:
        return keys @ query / math.sqrt(len(query))

    def truth(query, keys, values, inside):
        return scores(query, keys).masked_fill(~inside, -torch.inf).softmax(0) @ values

    def weighted(weigh):
        return lambda query, keys, values, inside: weigh(scores(query, keys), inside) @ values

    def unscaled(query, keys, values, inside):
        return truth(query * math.sqrt(len(query)), keys, values, inside)

    slips = (
        Slip(
            weighted(lambda e, inside: e.masked_fill(inside, -torch.inf).softmax(0)),
            "the mask is the other way round: `inside` is True where a place may be seen, and padding gets −inf.",
        ),
        Slip(weighted(lambda e, inside: e.softmax(0)), "padding is looked at too: give it −inf before the softmax."),
        Slip(
            weighted(lambda e, inside: e.softmax(0) * inside),
            "padding is struck out after the softmax, so the weights no longer sum to 1: give it −inf before.",
        ),
        Slip(
            weighted(lambda e, inside: (e * inside).softmax(0)),
            "a score of 0 is a score like any other (its exp is 1): padding needs −inf.",
        ),
        Slip(unscaled, "the scale is missing: divide by the square root of C."),
        Slip(
            lambda query, keys, values, inside: truth(query / math.sqrt(len(query)), keys, values, inside),
            "divide by the square root of C, not by C.",
        ),
        Slip(
            lambda query, keys, values, inside: truth(query * len(query) ** 0.5 / len(keys) ** 0.5, keys, values, inside),
            "that is the square root of S, the number of places; divide by the square root of C, the length of a key.",
        ),
        Slip(
            weighted(lambda e, inside: torch.where(inside, e, 0.0)),
            "the softmax is missing: weights are at least 0 and sum to 1.",
        ),
        Slip(
            weighted(lambda e, inside: torch.where(inside, e.exp(), 0.0)),
            "the exponentials are not yet divided by their sum.",
        ),
        Slip(
            lambda query, keys, values, inside: values[scores(query, keys).masked_fill(~inside, -torch.inf).argmax()],
            "that looks at the best place only (and has no gradient); attention is a weighted mean.",
        ),
        Slip(
            lambda query, keys, values, inside: scores(query, keys).masked_fill(~inside, -torch.inf).softmax(0),
            "those are the weights; what is seen is the mean of the values by them.",
        ),
    )
    g = runtime.generator(5)
    cases = []
    for S, C, V, padded in ((5, 4, 3, 2), (7, 9, 2, 3), (3, 4, 5, 0)):
        query, keys, values = (torch.randn(*shape, generator=g) for shape in ((C,), (S, C), (S, V)))
        cases.append((2 * query, keys, values, torch.arange(S) < S - padded))
    return grade("10.3", attempt, truth, cases, slips, record=record)


def causal_mask(attempt, *, record: bool = True) -> Verdict:
    """10.4 attempt(T) -> (T, T) of True and False: may row t look at column s?

    Row t has been given the symbols x_0 … x_{t-1} in places 0 (the start) … t, and is to predict x_t.
    """

    def mask(compare):
        return lambda T: compare(torch.arange(T)[None, :], torch.arange(T)[:, None])

    slips = (
        Slip(
            lambda T: mask(lambda s, t: s <= t)(T).float().log(),
            "that is the mask to add to the scores, 0 and −inf; here return True where a row may look.",
        ),
        Slip(mask(lambda s, t: s >= t), "transposed: row t would look at the future only; rows say who looks."),
        Slip(
            mask(lambda s, t: s < t),
            "too strict: place t holds the symbol before x_t, already known, and row 0 would see nothing at all.",
        ),
        Slip(mask(lambda s, t: s > t), "turned around: True is for what may be seen, and those are the places to hide."),
        Slip(mask(lambda s, t: s <= t + 1), "a leak: place t + 1 holds x_t itself, which row t is to predict."),
        Slip(lambda T: torch.ones(T, T, dtype=torch.bool), "every row sees everything, the future too."),
        Slip(mask(lambda s, t: s == t), "each row sees its own place only: that is no memory at all."),
        Slip(mask(lambda s, t: (s == t) | (s == t - 1)), "that is a Markov chain: a row may look as far back as it likes."),
    )
    return grade("10.4", attempt, mask(lambda s, t: s <= t), [(4,), (1,), (6,)], slips, record=record)
