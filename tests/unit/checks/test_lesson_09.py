"""Lesson 09: the right answers pass, and each likely mistake is told what it is."""

import torch
from frame import frame

from course_lib.checks import lesson_09 as check


def right_mask(k, kind):
    mask = torch.zeros(k, k)
    mask[: k // 2] = 1
    mask[k // 2, : k // 2 + (kind == "B")] = 1
    return mask


def right_skew(x):
    H, W = x.shape
    wide = torch.nn.functional.pad(x, (0, H))  # (H, H + W): laid end to end, each row starts one place later
    return wide.flatten()[: H * (H + W - 1)].reshape(H, H + W - 1)


def right_colours(incoming, own, kind):
    rows = [[float(i < o or (kind == "B" and i == o)) for i in incoming.tolist()] for o in own.tolist()]
    return torch.tensor(rows)


def cdf(value, mean, scale):
    return 1 / (1 + torch.exp(-(torch.tensor(value) - mean) / scale))


def right_mass(k, mean, scale, K):
    upper = 1.0 if k == K - 1 else cdf(k + 0.5, mean, scale)
    return torch.as_tensor(upper - (0.0 if k == 0 else cdf(k - 0.5, mean, scale)))


RIGHT = {check.conv_mask: right_mask, check.skew: right_skew, check.colour_mask: right_colours, check.bin_mass: right_mass}


def with_right(k, kind):
    mask = right_mask(k, kind)
    mask[k // 2, k // 2 + 1 :] = 1
    return mask


def rows_above_and_middle(k, kind):
    mask = right_mask(k, kind)
    mask[k // 2, : k // 2] = 0
    return mask


def below_left(k, kind):
    mask = torch.ones(k, k)
    mask[k // 2 :, k // 2 + (kind == "B") :] = 0
    return mask


def other(kind):
    return "A" if kind == "B" else "B"


SLIPS = [
    (check.conv_mask, lambda k, kind: right_mask(k, other(kind)), "swapped: A"),
    (check.conv_mask, lambda k, kind: right_mask(k, "B"), "mask A must be 0"),
    (check.conv_mask, lambda k, kind: right_mask(k, "A"), "mask B is 1"),
    (check.conv_mask, rows_above_and_middle, "own row counts too"),
    (check.conv_mask, lambda k, kind: torch.tril(torch.ones(k, k), -(kind == "A")), "lower triangle"),
    (check.conv_mask, lambda k, kind: (torch.arange(k) < k // 2).float()[:, None].expand(k, k), "only the rows above"),
    (check.conv_mask, with_right, "is the future"),
    (check.conv_mask, lambda k, kind: right_mask(k, kind).flip(0), "upside down"),
    (check.conv_mask, lambda k, kind: right_mask(k, kind).flip(1), "mirrored"),
    (check.conv_mask, lambda k, kind: right_mask(k, kind).T, "rows and columns are swapped"),
    (check.conv_mask, lambda k, kind: 1 - right_mask(k, kind), "1 keeps a weight"),
    (check.skew, lambda x: right_skew(x.flip(0)).flip(0), "the other way"),
    (check.skew, lambda x: torch.cat([right_skew(x), torch.zeros(len(x), 1)], 1), "one column too many"),
    (check.skew, lambda x: torch.nn.functional.pad(x, (1, len(x) - 2)), "every row moved by one place"),
    (check.skew, lambda x: right_skew(x.T), "the columns were skewed"),
    (check.skew, lambda x: torch.nn.functional.pad(x, (0, len(x) - 1)), "only padded so far"),
    (check.colour_mask, lambda i, o, kind: right_colours(i, o, other(kind)), "only B lets"),
    (check.colour_mask, lambda i, o, kind: right_colours(i, o, "B"), "only earlier colours"),
    (check.colour_mask, lambda i, o, kind: right_colours(i, o, "A"), "own colour through as well"),
    (check.colour_mask, lambda i, o, kind: right_colours(-i, -o, kind), "reversed"),
    (check.colour_mask, lambda i, o, kind: right_colours(i, o, kind).T, "transposed"),
    (check.colour_mask, lambda i, o, kind: (i[None] == o[:, None]).float(), "green may see red"),
    (check.conv_mask, below_left, "all of them"),
    (check.skew, lambda x: torch.stack([row.roll(i) for i, row in enumerate(x)]), "rolled round"),
    (check.skew, lambda x: right_skew(x.T).T, "moved down"),
    (check.bin_mass, lambda k, m, s, K: right_mass(k, m - 0.5, s, K), "begins at k"),
    (check.bin_mass, lambda k, m, s, K: cdf(k + 0.5, m, s) - cdf(k - 0.5, m, s), "the ends are missing"),
    (check.bin_mass, lambda k, m, s, K: cdf(k + 1.0, m, s) - cdf(k - 1.0, m, s), "one level wide"),
    (check.bin_mass, lambda k, m, s, K: cdf(k, m, s) * (1 - cdf(k, m, s)) / s, "that is a density"),
    (check.bin_mass, lambda k, m, s, K: cdf(k + 0.5, m, s), "below its lower end"),
    (check.bin_mass, lambda k, m, s, K: right_mass(k, m, 1 / s, K), "do not multiply"),
    (check.bin_mass, lambda *case: right_mass(*case).log(), "that is its log"),
]

TestLesson09 = frame(check, RIGHT, SLIPS)
