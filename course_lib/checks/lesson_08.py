"""Exercises of lesson 08, recurrent networks: clipping, a step of the LSTM, a step of the GRU, the nucleus."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.models import sequence

EXERCISES = {
    "08.1": "clipping a gradient",
    "08.2": "one step of the LSTM",
    "08.3": "one step of the GRU",
    "08.4": "the nucleus",
}


def clip(attempt, *, record: bool = True) -> Verdict:
    """08.1 attempt(g (N,), limit) -> g made shorter, where it is longer than limit, in the same direction (N,)."""

    def truth(g: Tensor, limit: float) -> Tensor:
        return g * min(1.0, limit / g.norm().item())

    slips = (
        Slip(
            lambda g, limit: g.clamp(-limit, limit),
            "each number was clipped alone, which turns the direction: scale the whole vector.",
        ),
        Slip(lambda g, limit: g.clamp(max=limit), "only numbers above the limit were cut, each alone: scale the whole vector."),
        Slip(
            lambda g, limit: g * limit / g.norm(),
            "short gradients were made longer: leave them alone when the norm is below the limit.",
        ),
        Slip(
            lambda g, limit: g / g.norm(),
            "every gradient has length 1 now: only long ones change, and their length is to be the limit.",
        ),
        Slip(
            lambda g, limit: g * min(1.0, limit / g.square().sum().item()),
            "divided by the sum of squares; the norm is its square root.",
        ),
        Slip(
            lambda g, limit: g * min(1.0, limit / g.abs().max().item()),
            "that makes the largest entry reach the limit; the norm counts all entries.",
        ),
        Slip(
            lambda g, limit: g * min(1.0, limit / g.abs().sum().item()),
            "the norm is the root of the sum of squares, not the sum.",
        ),
        Slip(
            lambda g, limit: g * min(1.0, limit / g.square().mean().sqrt().item()),
            "the norm is the root of the sum of the squares, not of their mean.",
        ),
        Slip(
            lambda g, limit: g * 0 if g.norm() > limit else g,
            "the direction of a long gradient is still useful: shorten it, do not drop it.",
        ),
        Slip(
            lambda g, limit: g * max(1.0, limit / g.norm().item()), "exchanged: shrink the long ones, leave the short ones: min."
        ),
    )
    slips += (
        Slip(
            lambda g, limit: torch.full_like(g, limit) if g.norm() > limit else g,
            "every entry became the limit: multiply the vector by limit / norm, so that it keeps its direction.",
        ),
    )
    cases = [
        (torch.tensor([3.0, -4.0, 0.5]), 1.0),
        (torch.tensor([0.3, -0.4]), 1.0),
        (torch.tensor([6.0, 1.0, -2.0, 0.1]), 2.5),
        (torch.tensor([0.02, -0.9, 0.8]), 1.0),
    ]
    return grade("08.1", attempt, truth, cases, slips, record=record)


def lstm_step(attempt, *, record: bool = True) -> Verdict:
    """08.2 attempt(a (4, H), the sums of i, f, g, o; c (H,)) -> torch.stack([new h, new c]), (2, H)."""

    def step(
        a, c, *, gate=torch.sigmoid, order=(0, 1, 2, 3), write=torch.tanh, show=torch.tanh, old: bool = False, tied: bool = False
    ) -> Tensor:
        i, f, g, o = (a[k] for k in order)
        i, f, g, o = gate(i), gate(f), write(g), gate(o)
        i = 1 - f if tied else i
        new = f * c + i * g
        return torch.stack([o * show(c if old else new), new])

    def with_input(a: Tensor, c: Tensor, i: Tensor) -> Tensor:
        new = a[1].sigmoid() * c + i * a[2].tanh()
        return torch.stack([a[3].sigmoid() * new.tanh(), new])

    slips = (
        Slip(
            lambda a, c: step(a, c, order=(1, 0, 2, 3)),
            "input and forget gate are exchanged: f multiplies the old memory c, i the candidate g.",
        ),
        Slip(lambda a, c: step(a, c, order=(0, 1, 3, 2)), "the order of the rows is i, f, g, o: candidate before output gate."),
        Slip(lambda a, c: step(a, c, tied=True), "1 - f stands where i belongs: the input gate has a sum of its own, row 0."),
        Slip(
            lambda a, c: with_input(a, c, torch.ones_like(c)),
            "the input gate plays no part: i says how much of the candidate g is written, so i * g.",
        ),
        Slip(
            lambda a, c: torch.stack([step(a, c)[0], step(a, c)[1].tanh()]),
            "the memory is kept without the tanh; only what is shown, h, goes through it.",
        ),
        Slip(
            lambda a, c: step(torch.stack([a[0], a[1] + 1e4, a[2], a[3]]), c),
            "the forget gate plays no part: f says how much of the old c is kept, so f * c.",
        ),
        Slip(
            lambda a, c: step(torch.stack([a[0], a[1], a[2], a[3] + 1e4]), c),
            "the output gate plays no part: o says how much of the memory is shown, so o * tanh(c).",
        ),
        Slip(
            lambda a, c: step(a, c, show=torch.sigmoid), "h = o * tanh(c): the memory goes through tanh, not through a sigmoid."
        ),
        Slip(lambda a, c: step(a, c, show=lambda t: t), "h = o * tanh(c): the tanh around the memory is missing."),
        Slip(lambda a, c: step(a, c, write=lambda t: t), "the candidate g goes through tanh."),
        Slip(
            lambda a, c: step(a, c, write=torch.sigmoid),
            "the candidate g goes through tanh, so that it can also lower the cell state.",
        ),
        Slip(lambda a, c: step(a, c, gate=torch.tanh), "gates are shares between 0 and 1: sigmoid, not tanh."),
        Slip(lambda a, c: step(a, c, gate=lambda t: t), "the gates i, f and o go through the sigmoid first."),
        Slip(lambda a, c: step(a, c, old=True), "h was made from the old memory c; use the new c."),
        Slip(lambda a, c: step(a, c).flip(0), "h comes first, then c."),
    )
    g = runtime.generator(8)
    cases = [(2 * torch.randn(4, H, generator=g), torch.randn(H, generator=g)) for H in (1, 3, 5)]
    return grade("08.2", attempt, step, cases, slips, record=record)


def gru_step(attempt, *, record: bool = True) -> Verdict:
    """08.3 attempt(w (3, H), sums over x for r, z, n; u (3, H), sums over h; h (H,)) -> new h (H,)."""

    def mix(z, h, n) -> Tensor:
        return z * h + (1 - z) * n

    def step(w, u, h, *, mix=mix, reset=lambda r, w, u: w + r * u, gate=torch.sigmoid, write=torch.tanh) -> Tensor:
        r, z = gate(w[0] + u[0]), gate(w[1] + u[1])
        return mix(z, h, write(reset(r, w[2], u[2])))

    def sums_of_sigmoids(w, u, h) -> Tensor:
        r, z = w[:2].sigmoid() + u[:2].sigmoid()
        return mix(z, h, (w[2] + r * u[2]).tanh())

    slips = (
        Slip(
            lambda w, u, h: step(w, u, h, mix=lambda z, h, n: mix(z, n, h)),
            "here z says what is kept, so z * h + (1 - z) * n. (Some papers write it the other way round.)",
        ),
        Slip(
            lambda w, u, h: step(w, u, h, mix=lambda z, h, n: h + z * n),
            "nothing is ever given up: what is not kept must go, so h is multiplied by z, and n by 1 - z.",
        ),
        Slip(
            lambda w, u, h: step(w, torch.stack([u[0], u[1], h]), h),
            "the reset gate multiplies u, which is the sum over h, and not h itself.",
        ),
        Slip(
            lambda w, u, h: step(w, u, h, reset=lambda r, w, u: w + u),
            "the reset gate plays no part: it scales what n takes from h.",
        ),
        Slip(
            lambda w, u, h: step(w, u, h, reset=lambda r, w, u: r * (w + u)),
            "the reset gate scales the past's share alone, not x's.",
        ),
        Slip(
            lambda w, u, h: step(w, u, h, reset=lambda r, w, u: r * w + u),
            "the reset gate belongs to the past's share, u, not to x's.",
        ),
        Slip(lambda w, u, h: step(w.flip(0), u.flip(0), h), "the rows come in the order r, z, n."),
        Slip(lambda w, u, h: step(w[[1, 0, 2]], u[[1, 0, 2]], h), "reset and update are exchanged: the rows are r, z, n."),
        Slip(
            lambda w, u, h: step(w, u, h, reset=lambda r, w, u: w + r * u * h),
            "u is what U has made of h already: r * u, without another h.",
        ),
        Slip(
            lambda w, u, h: step(w, torch.cat([torch.zeros_like(u[:2]), u[2:]]), h),
            "the gates use the input alone: each is the sigmoid of w + u, so that the state counts too.",
        ),
        Slip(sums_of_sigmoids, "add first, then the sigmoid: each gate is the sigmoid of w + u."),
        Slip(lambda w, u, h: step(w, u, h, write=lambda t: t), "the candidate n goes through tanh."),
        Slip(lambda w, u, h: step(w, u, h, write=torch.sigmoid), "the candidate n goes through tanh, not through a sigmoid."),
        Slip(lambda w, u, h: step(w, u, h, gate=torch.tanh), "gates are shares between 0 and 1: sigmoid, not tanh."),
    )
    g = runtime.generator(9)
    cases = [(torch.randn(3, H, generator=g), torch.randn(3, H, generator=g), torch.randn(H, generator=g)) for H in (1, 3, 4)]
    return grade("08.3", attempt, step, cases, slips, record=record)


def nucleus(attempt, *, record: bool = True) -> Verdict:
    """08.4 attempt(probs (K,), top_p) -> the probabilities after cutting to the nucleus, (K,), in the same places."""

    def truth(probs: Tensor, top_p: float) -> Tensor:
        return sequence.nucleus(probs.log(), top_p).softmax(-1)

    def kept(probs: Tensor, top_p: float) -> Tensor:
        return truth(probs, top_p) > 0

    def without_the_last(probs: Tensor, top_p: float) -> Tensor:
        inside = kept(probs, top_p) & (probs > probs[kept(probs, top_p)].min())
        return probs * inside / (probs * inside).sum().clamp(min=1e-9)

    def rest(probs: Tensor, inside: Tensor) -> Tensor:
        return probs * inside / (probs * inside).sum()

    slips = (
        Slip(lambda p, t: p * kept(p, t), "the right symbols; now divide by their sum, so that they add up to 1 again."),
        Slip(without_the_last, "the symbol that carries the sum over top_p belongs to the nucleus: it must reach top_p."),
        Slip(
            lambda p, t: truth(p, t).sort(descending=True).values, "the probabilities were sorted; put them back in their places."
        ),
        Slip(
            lambda p, t: truth(p, t).sort(descending=True).values[p.argsort(descending=True)],
            "v[order] puts them in order once more; the way back is an assignment: result[order] = v.",
        ),
        Slip(
            lambda p, t: rest(p, p.sort().values.cumsum(0)[p.argsort().argsort()] - p < t),
            "the least probable came first: sort with descending=True.",
        ),
        Slip(
            lambda p, t: (p * kept(p, t)).softmax(0),
            "a softmax takes logits, and gives a share to the zeros too: divide by the sum of what is kept.",
        ),
        Slip(lambda p, t: rest(p, p.cumsum(0) - p < t), "take the most probable first: sort before adding up."),
        Slip(
            lambda p, t: rest(p, p >= t),
            "no single symbol need be as probable as top_p: sort, and compare the running sum with top_p.",
        ),
        Slip(lambda p, t: rest(p, p >= 1 - t), "that is a threshold on each probability; the nucleus is about their sum."),
        Slip(lambda p, t: rest(p, p >= p.max() * t), "that is a threshold on each probability; the nucleus is about their sum."),
        Slip(lambda p, t: kept(p, t) / kept(p, t).sum(), "inside the nucleus the probabilities keep their proportions."),
    )
    cases = [
        (torch.tensor([0.1, 0.4, 0.2, 0.25, 0.05]), 0.6),
        (torch.tensor([0.05, 0.15, 0.5, 0.3]), 0.9),
        (torch.tensor([0.22, 0.2, 0.28, 0.3]), 0.7),
    ]
    return grade("08.4", attempt, truth, cases, slips, record=record)
