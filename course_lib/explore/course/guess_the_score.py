"""Guess the score: two walls of pictures, which has the better number? Then the number, over all counts of pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.clicks import Clicks, rounds
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel
from course_lib.explore.kit.plane import Plot, blank_sheet, finished
from course_lib.explore.kit.sheet import SYMBOLS, font
from course_lib.metrics.frechet import frechet_distance

SIDE, GAP, TOP = 336, 24, 28  # pixels: of a wall, between two walls, and above them
EACH = 64  # pictures on a wall
BLOCKS = 2  # the most disjoint sets of pictures over which a distance is averaged
SIDES = ("left", "right")
NEXT = "next pair"


class Wall(NamedTuple):
    """Pictures of one source.

    name: shown after the guess. images: (N, 1, H, W) with values in [0, 1]. black_and_white: such walls are compared with one
    another alone. nats: per test picture, or None; kind: what that number is, such as "exact" or "at most, by the ELBO".
    """

    name: str
    images: Tensor
    black_and_white: bool
    nats: float | None = None
    kind: str = ""


@explorer
def guess_the_score(
    walls: Sequence[Wall], real: Sequence[Tensor], seen: Mapping[str, Callable[[Tensor], Tensor]], *, counts: Sequence[int]
) -> Panel:
    """Say which of two walls has the smaller distance to real pictures, or the fewer nats; then see both, and the tally.

    Args:
        walls: at least two of each kind, grey and black and white; at least two with nats.
        real: (N, 1, H, W) twice: real pictures that no wall shows, grey and in black and white.
        seen: name -> what a metric looks at: images (N, 1, H, W) -> features (N, F), both on the CPU.
        counts: numbers of pictures at which the distance is measured, each at most N of every wall.

    Raises ValueError where a set has fewer pictures than the largest count.
    """
    counts = sorted(counts)
    for name, images in [*((wall.name, wall.images) for wall in walls), *zip(("real grey", "real binary"), real, strict=True)]:
        if len(images) < counts[-1]:
            raise ValueError(f"{name} has {len(images)} pictures; expected at least the largest count, {counts[-1]}")
    distances = {name: _distances(walls, real, look, counts) for name, look in seen.items()}
    shown = [_wall(wall.images) for wall in walls]
    pairs = {"FID": _pairs(walls, lambda a, b: a.black_and_white == b.black_and_white),
             "nats": _pairs(walls, lambda a, b: a.nats is not None and b.nats is not None)}  # fmt: skip

    def score(index: int, metric: str, features: str, count: int) -> float:
        return walls[index].nats if metric == "nats" else distances[features][index][counts.index(count)]

    def render(clicks: tuple[str, ...], metric: str, features: str, count: int) -> Image.Image:
        answers, order = rounds(clicks, NEXT), pairs[metric]
        right = given = 0
        for turn, answer in enumerate(answers):
            a, b = (score(index, metric, features, count) for index in order[turn % len(order)])
            given += answer is not None
            right += answer is not None and (a < b) == (answer == "left")
        pair, answer = order[(len(answers) - 1) % len(order)], answers[-1]
        sheet = Image.new("RGB", (2 * SIDE + GAP, TOP + SIDE + 90), "white")
        pen = ImageDraw.Draw(sheet)
        for place, index in enumerate(pair):
            left = place * (SIDE + GAP)
            sheet.paste(shown[index], (left, TOP))
            title = SIDES[place] if answer is None else f"{SIDES[place]}: {walls[index].name}"
            pen.text((left, 6), title, fill="black", font=font(15))
            if answer is not None:
                said = _said(walls[index], metric, score(index, metric, features, count))
                pen.text((left, TOP + SIDE + 6), said, fill="black", font=font(15))
        best = min(pair, key=lambda index: score(index, metric, features, count))
        verdict = f"Which wall has the smaller {metric}? Click left or right."
        if answer is not None:
            verdict = f"You said {answer}, and that is {'correct' if SIDES[pair.index(best)] == answer else 'wrong'}."
        tally = f"Under these settings {right} of {given} guesses are correct; a coin expects {given / 2:.1f}." if given else ""
        pen.text((0, TOP + SIDE + 32), verdict, fill="black", font=font(15))
        pen.text((0, TOP + SIDE + 58), tally, fill="black", font=font(15))
        if answer is None or metric == "nats":
            return sheet
        return _below(sheet, _lines([distances[features][index] for index in pair], counts, count))

    controls = [
        Clicks("clicks", "the wall with the smaller number", (*SIDES, NEXT)),
        Choice("metric", "number", ["FID", "nats"]),
        Choice("features", "FID by", list(seen)),
        Choice("count", "pictures", counts, value=counts[-1]),
    ]
    alt = "Two walls of 64 digits each; after the guess, their sources, their scores, and FID against one over the count."
    return Panel(render, controls, title="Guess the score", alt=alt)


def _pairs(walls: Sequence[Wall], fit: Callable[[Wall, Wall], bool]) -> list[tuple[int, int]]:
    """All pairs of walls that may be compared, in a random order that is always the same, each with random sides."""
    found = [(a, b) for a, b in itertools.combinations(range(len(walls)), 2) if fit(walls[a], walls[b])]
    draw = runtime.generator(3)
    order, turned = torch.randperm(len(found), generator=draw), torch.rand(len(found), generator=draw) < 0.5
    return [found[place][::-1] if turn else found[place] for place, turn in zip(order.tolist(), turned.tolist(), strict=True)]


def _distances(
    walls: Sequence[Wall], real: Sequence[Tensor], look: Callable[[Tensor], Tensor], counts: Sequence[int]
) -> list[list[float]]:
    """For each wall, its Fréchet distance to the real pictures at each count, both sets of that count."""
    most = min(BLOCKS * counts[-1], *(len(images) for images in (*real, *(wall.images for wall in walls))))
    truth = [look(images[:most]) for images in real]
    found = []
    for wall in walls:
        seen, against = look(wall.images[:most]), truth[wall.black_and_white]
        blocks = [list(zip(seen.split(n), against.split(n), strict=True))[: min(BLOCKS, most // n)] for n in counts]
        found.append([sum(frechet_distance(*pair) for pair in pairs) / len(pairs) for pairs in blocks])
    return found


def _wall(images: Tensor) -> Image.Image:
    """The first EACH pictures in a square."""
    sheet = Image.fromarray(plots.tile(images[:EACH], columns=8, shade=96)).convert("L")
    return sheet.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def _said(wall: Wall, metric: str, value: float) -> str:
    return f"{value:.1f} nats, {wall.kind}" if metric == "nats" else f"FID {value:.1f}"


def _lines(distances: Sequence[Sequence[float]], counts: Sequence[int], count: int) -> Image.Image:
    """Both distances against 1/n, with the straight line of each and its value at n = ∞."""
    across, up = 1_000 / np.array(counts, float), np.array(distances)
    slopes, limits = np.polyfit(across, up.T, 1)
    sheet = blank_sheet()
    plot = Plot(
        sheet,
        0,
        ((0.0, across.max()), (0.0, float(up.max()))),
        "FID over 1 / n; at the left edge, n is infinite",
        ("1,000 / n", ""),
    )
    for place, colour in enumerate((plots.BLUE, plots.VERMILION)):
        ends = np.array([[0, limits[place]], [across.max(), limits[place] + slopes[place] * across.max()]])
        plot.line(ends, colour, 2)
        plot.dots(np.stack([across, up[place]], 1), colour, 4)
        at = list(counts).index(count)
        plot.dots(np.array([[across[at], up[place][at]]]), colour, 7)
    plot.done()
    pen = ImageDraw.Draw(sheet)
    for place, colour in enumerate((plots.BLUE, plots.VERMILION)):
        words = f"{SIDES[place]}: at n = ∞ about {round(limits[place], 1) + 0:.1f}"
        pen.text((sheet.width // 2 + 40, 120 + 60 * place), words, fill=colour, font=font(30, SYMBOLS))
    return finished(sheet)


def _below(upper: Image.Image, lower: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (max(upper.width, lower.width), upper.height + lower.height), "white")
    whole.paste(upper, (0, 0))
    whole.paste(lower, (0, upper.height))
    return whole
