"""log Z from both sides: annealing upwards and downwards, for ladders of several lengths and for fewer or more chains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, HIGH, WIDE, Plot, finished
from course_lib.explore.kit.sheet import font
from course_lib.metrics.partition import log_mean

ROOM, BINS = 42, 24  # pixels for the numbers below the plots; bars of a histogram
Bridges = Mapping[str, Mapping[int, tuple[Tensor, Tensor]]]


@explorer
def bridge(found: Bridges, exact: Mapping[str, float]) -> Panel:
    """The estimates of log Z against the length of the ladder, and all of those of one length.

    Args:
        found: machine -> {steps: (forward (n,), reverse (m,))}, as `metrics.partition.bridge` returns it, of the same lengths.
        exact: machine -> log Z, for those whose log Z is known.
    """
    lengths = list(next(iter(found.values())))
    chains = min(min(len(up), len(down)) for rows in found.values() for up, down in rows.values())

    def render(machine: str, length: int, use: int) -> Image.Image:
        rows, truth = found[machine], exact.get(machine)
        ends = {steps: (log_mean(up[:use]).log_z, down[:use].mean().item()) for steps, (up, down) in rows.items()}
        sheet = Image.new("RGB", (2 * WIDE * FINE, (HIGH + ROOM) * FINE), "white")
        chosen = lengths[length]
        _lines(sheet, ends, chosen, truth)
        _histogram(sheet, rows[chosen][0][:use], rows[chosen][1][:use], truth)
        up, down = ends[chosen]
        weights = log_mean(rows[chosen][0][:use])
        known = f"exact {truth:.2f}" if truth is not None else "exact value unknown"
        words = (
            f"{chosen:,} steps, {use} chains: from below {up:.2f}, from above {down:.2f}, {known}\n"
            f"effective sample size of the forward weights: {weights.effective:.1f} of {use}"
        )
        ImageDraw.Draw(sheet).text((46 * FINE, (HIGH + 2) * FINE), words, fill="black", font=font(13 * FINE))
        return finished(sheet)

    controls = [
        Choice("machine", "machine", list(found)),
        Slider("length", f"ladder: {', '.join(f'{n:,}' for n in lengths)} steps", 0, len(lengths) - 1, value=0, step=1),
        Slider("use", "chains used", 2, chains, value=chains, step=1),
    ]
    alt = "Left, two lines that close on log Z as the ladder grows; right, histograms of the log weights of both directions."
    return Panel(render, controls, title="The bridge: log Z from both sides", alt=alt)


def _lines(sheet: Image.Image, ends: Mapping[int, tuple[float, float]], chosen: int, truth: float | None) -> None:
    """The left plot: the estimate of each direction against the steps, which grow by factors."""
    at = np.array([math.log10(steps) for steps in ends])
    values = np.array(list(ends.values()))  # (K, 2)
    heights = [*values.flatten(), *([] if truth is None else [truth])]
    low, high = min(heights) - 1, max(heights) + 1
    plot = Plot(
        sheet, 0, ((at[0], at[-1]), (low, high)), "log Z, nats: from below (blue), above (orange-red)", ("log10 of the steps", "")
    )
    if truth is not None:
        plot.line(np.array([[at[0], truth], [at[-1], truth]]), plots.BLACK, 1)
    for column, colour in enumerate((plots.BLUE, plots.VERMILION)):
        points = np.stack([at, values[:, column]], 1)
        plot.line(points, colour, 2)
        plot.dots(points, colour, 3)
        plot.dots(points[list(ends).index(chosen)][None], colour, 6)
    plot.done()


def _histogram(sheet: Image.Image, up: Tensor, down: Tensor, truth: float | None) -> None:
    """The right plot: all estimates of one length, forward upwards and reverse downwards."""
    low, high = (f(torch.stack([f(up), f(down)])).item() for f in (torch.min, torch.max))
    if truth is not None:
        low, high = min(low, truth), max(high, truth)
    low, high = low - 0.05 * (high - low) - 0.1, high + 0.05 * (high - low) + 0.1
    plot = Plot(sheet, 1, ((low, high), (-1.0, 1.0)), "log weights: forward (up), reverse (down)", ("nats", ""))
    plot.line(np.array([[low, 0.0], [high, 0.0]]), "#bbbbbb", 1)
    for values, colour, sign in ((up, plots.BLUE, 1), (down, plots.VERMILION, -1)):
        counts, edges = np.histogram(values.numpy(), BINS, (low, high))
        for share, a, b in zip(0.92 * counts / counts.max(), edges, edges[1:], strict=False):
            if share:
                plot.line(np.array([[(a + b) / 2, 0.0], [(a + b) / 2, sign * share]]), colour, 8)
    if truth is not None:
        plot.line(np.array([[truth, -1.0], [truth, 1.0]]), plots.BLACK, 1)
    plot.done()
