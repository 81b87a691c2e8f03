"""Right, wrong, and equally good: every way to match four points with four others, and what a CycleGAN's losses say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.controls import Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import SYMBOLS, font, shade
from course_lib.metrics.inputs import check_rows
from course_lib.metrics.pairings import all_pairings, moved, stretched

SIDE, BARS, HIGH = 300, 480, 96  # pixels: of the plane, of a row of bars, and its height
EDGE = 40


@explorer
def pairings(a: Tensor, b: Tensor, found: Sequence[Sequence[int] | None]) -> Panel:
    """Choose one of the k! pairings of a with b, and see its losses beside those of all others.

    Args:
        a, b: the two sets of k points, (k, 2).
        found: for each trained CycleGAN the pairing that it found, or None where it found none.
    """
    a, b = check_rows(a, "a", columns=2, fix="points of the plane").float(), check_rows(b, "b", columns=2, fix="points").float()
    every = all_pairings(len(a))
    counted = Counter(tuple(pairs) for pairs in found if pairs is not None)
    counts = torch.tensor([float(counted[tuple(row)]) for row in every.tolist()])
    none = sum(pairs is None for pairs in found)
    reach = 1.25 * torch.cat([a, b]).abs().max().item()

    def render(which: int, shared: int, identity: float, distances: float) -> Image.Image:
        targets = torch.cat([a[:shared], b[shared:]])
        total = identity * moved(every, a, targets, shared) + distances * stretched(every, a, targets)
        best = total <= total.min() + 1e-6
        sheet = Image.new("RGB", (SIDE + BARS + 3 * EDGE, SIDE + 92), "white")
        pen, letters = ImageDraw.Draw(sheet), font(13, SYMBOLS)
        _plane(pen, a, targets, every[which - 1].tolist(), reach)
        left = SIDE + 2 * EDGE
        scale = max(total.max().item(), 1e-6)
        pen.text((left, 6), f"loss of each of the {len(every)} pairings (green: the smallest)", fill="black", font=letters)
        _bars(
            pen,
            total / scale if total.max() > 0 else total,
            (left, 26),
            which,
            [plots.GREEN if one else shade(plots.BLACK, 0.5) for one in best],
        )
        pen.text(
            (left, 60 + HIGH),
            f"how many of {len(found)} trained CycleGANs found each; {none} found none",
            fill="black",
            font=letters,
        )
        _bars(pen, counts / max(counts.max().item(), 1), (left, 80 + HIGH), which, [plots.BLUE] * len(every))
        own = total[which - 1].item()
        words = (
            f"pairing {which}: game 0, cycle 0, identity and distances {own:.2f}, found {counts[which - 1]:.0f} times",
            f"pairings with the smallest loss: {int(best.sum())} of {len(every)}",
        )
        for row, text in enumerate(words):
            pen.text((EDGE, SIDE + 44 + 20 * row), text, fill="black", font=letters)
        return sheet

    controls = [
        Slider("which", "pairing", 1, len(every), value=1, step=1),
        Slider("shared", "points that lie in both sets", 0, len(a), value=0, step=1),
        Slider("identity", "identity weight", 0.0, 5.0, value=0.0, step=0.5),
        Slider("distances", "weight of kept distances", 0.0, 5.0, value=0.0, step=0.5),
    ]
    alt = "Four blue and four orange points with arrows from each blue one; beside them, the losses of all pairings as bars."
    return Panel(render, controls, title="Right, wrong, and equally good", alt=alt)


def _plane(pen: ImageDraw.ImageDraw, a: Tensor, b: Tensor, pairing: list[int], reach: float) -> None:
    def at(point: Tensor) -> tuple[float, float]:
        x, y = ((point / reach + 1) / 2).tolist()
        return EDGE / 2 + x * SIDE, 30 + (1 - y) * SIDE

    pen.text((EDGE / 2, 6), "blue: a, orange: b", fill="black", font=font(13, SYMBOLS))
    pen.rectangle((EDGE / 2, 30, EDGE / 2 + SIDE, 30 + SIDE), outline="#999999")
    for index, partner in enumerate(pairing):
        (x, y), (u, v) = at(a[index]), at(b[partner])
        pen.line([(x, y), (u, v)], fill="#555555", width=2)
        middle = (0.35 * x + 0.65 * u, 0.35 * y + 0.65 * v)
        pen.ellipse((middle[0] - 4, middle[1] - 4, middle[0] + 4, middle[1] + 4), fill="#555555")
    for points, colour, size in ((b, plots.ORANGE, 11), (a, plots.BLUE, 7)):
        for index, point in enumerate(points):
            x, y = at(point)
            pen.ellipse((x - size, y - size, x + size, y + size), fill=colour)
            if size == 11:
                pen.text((x + 14, y - 8), str(index + 1), fill="black", font=font(12, SYMBOLS))


def _bars(pen: ImageDraw.ImageDraw, shares: Tensor, corner: tuple[int, int], chosen: int, colours: list) -> None:
    """One bar per pairing, as high as its share of the largest; a mark under the chosen one."""
    (left, top), step = corner, BARS / len(shares)
    for index, (share, colour) in enumerate(zip(shares.tolist(), colours, strict=True)):
        x = left + index * step
        pen.rectangle((x, top + HIGH - max(3, share * HIGH), x + step - 4, top + HIGH), fill=colour)
        if index == chosen - 1:
            pen.polygon(
                [(x, top + HIGH + 14), (x + step - 4, top + HIGH + 14), (x + step / 2 - 2, top + HIGH + 4)], fill=plots.VERMILION
            )
