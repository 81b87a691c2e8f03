"""Exercises of lesson 09, PixelRNN: a convolution's mask, the skewed map, the mask of the colours, the mass of a bin."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.distributions import DiscretisedLogisticMixture
from course_lib.nn.masked import channel_mask

EXERCISES = {
    "09.1": "the mask of a convolution",
    "09.2": "skew the map",
    "09.3": "which colour sees which",
    "09.4": "the mass of a bin",
}


def conv_mask(attempt, *, record: bool = True) -> Verdict:
    """09.1 attempt(k, kind) -> (k, k) of 0 and 1, for one channel; kind "A" leaves the middle out, "B" keeps it."""

    def mask(k: int, kind: str, *, row: bool = True, right: bool = False, middle: bool | None = None) -> Tensor:
        flat = torch.arange(k * k).reshape(k, k)
        centre = k * k // 2
        keep = flat <= centre if (kind == "B" if middle is None else middle) else flat < centre
        if not row:
            keep[k // 2, : k // 2] = False
        if right:
            keep[k // 2, k // 2 + 1 :] = True
        return keep.float()

    slips = (
        Slip(
            lambda k, kind: mask(k, kind, middle=True),
            "mask A must be 0 in the middle: otherwise the first layer reads the pixel that it predicts.",
        ),
        Slip(
            lambda k, kind: mask(k, kind, middle=False),
            "mask B is 1 in the middle: a later layer's own place holds features of what came before.",
        ),
        Slip(
            lambda k, kind: mask(k, "A" if kind == "B" else "B"),
            "A and B are swapped: A, for the first layer, leaves the pixel itself out.",
        ),
        Slip(lambda k, kind: mask(k, kind, row=False), "the pixel's own row counts too, left of the middle: those came before."),
        Slip(
            lambda k, kind: torch.tril(torch.ones(k, k), -1 if kind == "A" else 0),
            "a lower triangle orders the units of one layer; a kernel has whole rows above the pixel, and a part of its own row.",
        ),
        Slip(
            lambda k, kind: mask(k, kind, row=False, middle=False),
            "only the rows above are kept; the pixel's own row counts too, left of the middle, and for B the middle itself.",
        ),
        Slip(lambda k, kind: mask(k, kind, right=True), "right of the middle, in the same row, is the future."),
        Slip(
            lambda k, kind: mask(k, kind).maximum((torch.arange(k) < k // 2 + (kind == "B")).float().expand(k, k)),
            "left of the middle only the pixel's own row has come already: the rows below are the future, all of them.",
        ),
        Slip(lambda k, kind: mask(k, kind).flip(0), "upside down: row 0 of a kernel looks at the row above."),
        Slip(lambda k, kind: mask(k, kind).flip(1), "mirrored: column 0 of a kernel looks to the left."),
        Slip(lambda k, kind: mask(k, kind).T, "rows and columns are swapped: order runs along rows first."),
        Slip(lambda k, kind: 1 - mask(k, kind), "0 and 1 are swapped: 1 keeps a weight."),
    )
    return grade("09.1", attempt, mask, [(3, "A"), (3, "B"), (5, "A"), (7, "B")], slips, record=record)


def skew(attempt, *, record: bool = True) -> Verdict:
    """09.2 attempt(x (H, W)) -> (H, H + W - 1): row i moved i places to the right, zeros elsewhere."""

    def skewed(x: Tensor, *, sign: int = 1, extra: int = 0) -> Tensor:
        H, W = x.shape
        wide = x.new_zeros(H, H + W - 1 + extra)
        for i in range(H):
            shift = i if sign > 0 else H - 1 - i
            wide[i, shift : shift + W] = x[i]
        return wide

    def rolled(x: Tensor) -> Tensor:
        H = len(x)
        return torch.stack([torch.cat([row, x.new_zeros(H - 1)]).roll(1) for row in x])

    slips = (
        Slip(
            lambda x: skewed(x, sign=-1),
            "the other way: row 0 stays where it is, and each row below starts one place further right.",
        ),
        Slip(lambda x: skewed(x, extra=1), "one column too many: the last row ends at column (H - 1) + (W - 1)."),
        Slip(rolled, "every row moved by one place; row i is to move by i."),
        Slip(
            lambda x: torch.stack([x[i].roll(i) for i in range(len(x))]),
            "the rows were rolled round in the same width: the skewed map is wider, (H, H + W - 1), with zeros in the corners.",
        ),
        Slip(lambda x: skewed(x.T).T, "the columns were moved down; move the rows to the right."),
        Slip(lambda x: skewed(x.T), "the columns were skewed; the rows are to be."),
        Slip(
            lambda x: torch.cat([x, x.new_zeros(len(x), len(x) - 1)], 1),
            "the map is only padded so far: now move row i by i places.",
        ),
    )
    g = runtime.generator(0)
    cases = [(torch.randint(1, 10, shape, generator=g).float(),) for shape in ((3, 4), (4, 3), (2, 5), (5, 5))]
    return grade("09.2", attempt, skewed, cases, slips, record=record)


def colour_mask(attempt, *, record: bool = True) -> Verdict:
    """09.3 attempt(incoming (in,), own (out,), kind) -> (out, in) of 0 and 1: what a pixel's features take from the same pixel.

    incoming, own: the channel of each feature, 0 red, 1 green, 2 blue.
    """

    def mask(incoming: Tensor, own: Tensor, kind: str) -> Tensor:
        return channel_mask(incoming, own, kind).float()

    slips = (
        Slip(lambda i, o, kind: mask(i, o, "B"), "mask A lets only earlier colours through, not the own one."),
        Slip(lambda i, o, kind: mask(i, o, "A"), "mask B lets the own colour through as well."),
        Slip(
            lambda i, o, kind: mask(i, o, "A" if kind == "B" else "B"),
            "A and B are swapped: only B lets a feature see its own colour.",
        ),
        Slip(lambda i, o, kind: mask(-i, -o, kind), "the order of the colours is reversed: red first, then green, then blue."),
        Slip(lambda i, o, kind: mask(i, o, kind).T, "transposed: rows are outgoing features, columns incoming ones."),
        Slip(
            lambda i, o, kind: (i[None, :] == o[:, None]).float(),
            "green may see red as well, and blue both: not the own colour alone.",
        ),
    )
    red_green_blue = torch.tensor([0, 1, 2])
    features = torch.tensor([0, 0, 1, 1, 2])
    cases = [
        (red_green_blue, features, "A"),
        (features, red_green_blue, "B"),
        (features, features, "A"),
        (features, features, "B"),
    ]
    return grade("09.3", attempt, mask, cases, slips, record=record)


def bin_mass(attempt, *, record: bool = True) -> Verdict:
    """09.4 attempt(k, mean, scale, K) -> p(level k) of 0 … K - 1, a rounded logistic variable; the ends take the tails."""

    def edges(k: int, mean: float, scale: float, *, half: float = 0.5) -> tuple[Tensor, Tensor]:
        upper, lower = ((torch.tensor(float(k + side * half)) - mean) / scale for side in (1, -1))
        return torch.sigmoid(upper), torch.sigmoid(lower)

    def mass(k: int, mean: float, scale: float, K: int, *, tails: bool = True, half: float = 0.5) -> Tensor:
        if not tails:
            upper, lower = edges(k, mean, scale, half=half)
            return upper - lower
        units = 4 / (K - 1)  # the library's scale: the middle level at 0, the ends at ± 2
        centre = torch.tensor([(mean - (K - 1) / 2) * units])
        log_scale = torch.tensor([scale * units]).log()
        return DiscretisedLogisticMixture(torch.zeros(1), centre, log_scale, levels=K).log_prob(torch.tensor(k / (K - 1))).exp()

    def density(k: int, mean: float, scale: float, K: int) -> Tensor:
        middle = torch.sigmoid(torch.tensor((k - mean) / scale))
        return middle * (1 - middle) / scale

    slips = (
        Slip(
            lambda *case: mass(*case, tails=False),
            "the ends are missing: level 0 takes all below 0.5, level K - 1 all above K - 1.5.",
        ),
        Slip(lambda *case: mass(*case, tails=False, half=1.0), "a bin is one level wide: from k - 1/2 to k + 1/2."),
        Slip(
            lambda k, mean, scale, K: mass(k, mean - 0.5, scale, K),
            "that bin begins at k; level k lies in the middle of its bin, from k - 1/2 to k + 1/2.",
        ),
        Slip(density, "that is a density, which is no probability: take the difference of the CDF at the bin's ends."),
        Slip(
            lambda k, mean, scale, K: edges(k, mean, scale)[0],
            "all the mass below the upper end; subtract what lies below its lower end.",
        ),
        Slip(lambda k, mean, scale, K: mass(k, mean, 1 / scale, K), "divide by the scale, do not multiply."),
        Slip(lambda *case: mass(*case).log(), "that is its log; the mass itself is asked."),
    )
    cases = [(3, 3.4, 0.8, 8), (0, 1.0, 2.0, 8), (7, 5.0, 1.5, 8), (2, 2.5, 0.4, 4)]
    return grade("09.4", attempt, mass, cases, slips, record=record)
