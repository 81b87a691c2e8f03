"""Two piles of grains on a line: the best plan, the cumulative curves, the best critic, and two distances over a shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.distributions import jensen_shannon
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.plane import HIGH, WIDE, Plot, blank_sheet, finished
from course_lib.explore.kit.sheet import SYMBOLS, font, shade
from course_lib.metrics.transport import best_critic, cumulative_curves, monotone_plan

CELLS = 28  # places on the line that can be painted; one place is one unit of length
HEIGHT = 2  # rows of cells of each pile
REAL = ((4, 5), (3, 4, 5, 6))  # places painted at first in the rows of the real pile
FAKE = ((18, 19), (17, 18, 19, 20))  # and in those of the fake pile
SHIFTS = (-24.0, 8.0, 0.5)  # of the fake pile: lowest, highest, step
SPAN = (-12.0, 36.0)  # of the line, as far as it is shown
ROOM = 26  # pixels below the plots, for the numbers
LOG_2 = float(np.log(2))


def bin_shares(x: Tensor, width: float, low: float, count: int) -> Tensor:
    """Shares of points x (…, N) in `count` bins of this width from `low` on, (…, count). Points outside join the end bins."""
    place = ((x - low) / width).floor().long().clamp(0, count - 1)
    return torch.zeros(*x.shape[:-1], count, dtype=torch.double).scatter_add(-1, place, torch.ones_like(x)) / x.shape[-1]


def distances_over_shifts(x: Tensor, y: Tensor, shifts: Tensor, *, width: float, p: float) -> tuple[Tensor, Tensor]:
    """JS of the binned piles x (N,) and y (M,) in nats, and W_p in units of x, with y moved by each of shifts (S,): (S,) each.

    The order of the points stays the same while a pile moves, and so does the best plan. A bin begins at every multiple of width.
    """
    low = width * ((min(x.min(), y.min()) + shifts.min()) / width).floor()
    count = int(((max(x.max(), y.max()) + shifts.max() - low) / width).floor()) + 1
    moved = y + shifts[:, None]  # (S, M)
    js = jensen_shannon(bin_shares(x, width, low, count), bin_shares(moved, width, low, count))
    plan = monotone_plan(x, y)
    ways = (x[plan.source] - y[plan.target] - shifts[:, None]).abs()  # (S, K)
    return js, (plan.mass * ways**p).sum(1) ** (1 / p)


def grains(painted: np.ndarray) -> Tensor:
    """The places (N,) of the painted cells of a pile (HEIGHT, CELLS), from left to right."""
    return torch.from_numpy(np.sort(np.asarray(painted).nonzero()[1])).double()


@explorer
def two_piles() -> Panel:
    """Paint a real and a fake pile, move the fake one: who goes where, the area between the curves, the best critic, JS and W."""
    lowest, highest, step = SHIFTS
    shifts = torch.arange(lowest, highest + step / 2, step, dtype=torch.double)
    first = np.zeros((2 * HEIGHT, CELLS), bool)
    for row, places in enumerate((*REAL, *FAKE)):
        first[row, list(places)] = True

    def render(piles: np.ndarray, shift: float, curves: bool, width: int, p: int) -> Image.Image:
        sheet = Image.new("RGB", (2 * WIDE, 2 * HIGH + ROOM), "white")
        x, y = grains(piles[:HEIGHT]), grains(piles[HEIGHT:])
        pen = ImageDraw.Draw(sheet)
        if not len(x) or not len(y):
            words = "Paint at least one grain of each pile: real in the blue rows, fake in the orange ones."
            pen.text((40, 40), words, fill="black", font=font(14))
            return sheet
        upper, lower = blank_sheet(), blank_sheet()
        _plan(upper, x, y + shift)
        area = _curves(upper, x, y + shift)
        _critic(lower, x, y + shift)
        js, w = distances_over_shifts(x, y, shifts, width=width, p=p)
        at = int((shifts - shift).abs().argmin())
        _over_shifts(lower, shifts, js, w, at, p, curves)
        for number, row in enumerate((upper, lower)):
            sheet.paste(finished(row), (0, number * HIGH))
        words = (
            f"JS on bins {js[at]:.3f} of at most 0.693 nats     W{'₁₂'[p - 1]} {w[at]:.2f}     area between the curves {area:.2f}"
        )
        pen.text((46, 2 * HIGH + 2), words, fill="black", font=font(14, SYMBOLS))
        return sheet

    controls = [
        Canvas("piles", "paint or erase grains: real above, fake below", shape=(2 * HEIGHT, CELLS), background=_lanes(),
               value=first, side=392, tint=plots.BLACK, strength=0.8, brush=1),
        Slider("shift", "move the fake pile by", lowest, highest, value=0.0, step=step),
        Toggle("curves", "show both distances over all shifts", False),
        Choice("width", "width of JS's bins", [1, 2, 4, 8], value=2),
        Choice("p", "power p of W", [1, 2]),
    ]  # fmt: skip
    alt = (
        "Four plots: lines from real to fake points, the two cumulative curves with the area between them, the best critic, and "
        "JS and W while the fake pile moves."
    )
    return Panel(render, controls, title="Two piles", alt=alt)


def _lanes() -> np.ndarray:
    """The background of the surface: blue rows above orange ones."""
    rows = [[shade(colour, 0.25)] * CELLS for colour in (plots.BLUE, plots.VERMILION) for _ in range(HEIGHT)]
    return np.array(rows, dtype=np.uint8)


def _xy(across: Tensor | Sequence[float], up: Tensor | Sequence[float]) -> np.ndarray:
    return np.stack([np.asarray(across, float), np.asarray(up, float)], 1)


def _plan(sheet: Image.Image, x: Tensor, y: Tensor) -> None:
    """Real points above, fake ones below, and a line for each piece of the best plan, wider where more mass moves."""
    plot = Plot(sheet, 0, (SPAN, (0.0, 1.0)), "who goes where: the best plan", ("place on the line", "real above, fake below"))
    plan = monotone_plan(x, y)
    largest = plan.mass.max()
    for source, target, mass in zip(x[plan.source], y[plan.target], plan.mass / largest, strict=True):
        plot.line(_xy([source, target], [0.8, 0.15]), "#888888", 1 + round(2 * mass.item()))
    plot.dots(_xy(x, torch.full_like(x, 0.85)), plots.BLUE, 5)
    plot.dots(_xy(y, torch.full_like(y, 0.1)), plots.VERMILION, 5)
    plot.done()


def _curves(sheet: Image.Image, x: Tensor, y: Tensor) -> float:
    """Both cumulative curves and the area between them, which is returned."""
    plot = Plot(sheet, 1, (SPAN, (0.0, 1.0)), "shares to the left; the area is W1", ("place on the line", ""))
    curves = cumulative_curves(x, y)
    for left, right, F, G in zip(curves.knots[:-1], curves.knots[1:], curves.F, curves.G, strict=True):
        if F != G:
            corners = plot.at(_xy([left, right], [max(F, G), min(F, G)]))
            plot.draw.rectangle([*corners[0], *corners[1]], fill=shade(plots.SKY, 0.45))
    ends = torch.tensor(SPAN, dtype=torch.double)
    for shares, colour in ((curves.F, plots.BLUE), (curves.G, plots.VERMILION)):
        places = torch.cat([ends[:1], curves.knots, ends[1:]])
        heights = torch.cat([shares.new_zeros(1), shares, shares.new_ones(1)])  # between neighbouring places
        plot.line(_xy(places.repeat_interleave(2)[1:-1], heights.repeat_interleave(2)), colour, 3)
    plot.done()
    return curves.area


def _critic(sheet: Image.Image, x: Tensor, y: Tensor) -> None:
    """The best critic, with the points on it."""
    critic = best_critic(x, y)
    values = critic.values - (critic.values.max() + critic.values.min()) / 2
    reach = max(12.0, values.abs().max().item())
    plot = Plot(sheet, 0, (SPAN, (-reach, reach)), "the best critic: slope 1, 0 or -1", ("place on the line", "f"))
    ends = torch.tensor(SPAN, dtype=torch.double)
    plot.line(_xy(torch.cat([ends[:1], critic.knots, ends[1:]]), torch.cat([values[:1], values, values[-1:]])), plots.BLACK, 2)
    middle = (critic.values.max() + critic.values.min()) / 2
    for points, colour in ((x, plots.BLUE), (y, plots.VERMILION)):
        plot.dots(_xy(points, critic(points) - middle), colour, 5)
    plot.done()


def _over_shifts(sheet: Image.Image, shifts: Tensor, js: Tensor, w: Tensor, at: int, p: int, curves: bool) -> None:
    """JS as a share of log 2 and W_p as a share of its largest value: a dot at the present shift, and lines where `curves`."""
    spans = ((shifts[0].item(), shifts[-1].item()), (0.0, 1.05))
    largest = max(w.max().item(), 1e-9)
    title = f"JS / 0.693 (black) and W{p} / {largest:.1f} (green)"
    plot = Plot(sheet, 1, spans, title, ("shift of the fake pile", ""))
    for values, colour in ((js / LOG_2, plots.BLACK), (w / largest, plots.GREEN)):
        if curves:
            plot.line(_xy(shifts, values), colour, 3)
        plot.dots(_xy(shifts[at : at + 1], values[at : at + 1]), colour, 6)
    plot.done()
