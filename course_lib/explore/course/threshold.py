"""Ordinary or odd: drag the threshold over two histograms, switch the score, and see what lies at the border."""

from __future__ import annotations

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
from course_lib.metrics.detection import auroc

BINS, STEPS, BORDER, ROOM, TILE = (
    40,
    100,
    8,
    100,
    34,
)  # bars; places of the threshold; pictures per kind; pixels below, of a picture
Scores = Mapping[str, tuple[Tensor, Tensor]]


@explorer
def threshold(pairs: Mapping[str, tuple[Scores, Tensor, Tensor]]) -> Panel:
    """Histograms of a score for ordinary and odd examples, the ROC curve, and the examples nearest to the threshold.

    Args:
        pairs: what is called ordinary and odd -> (scores, ordinary images (N, 1, H, W), odd images (M, 1, H, W)). scores: name ->
            (of the ordinary (N,), of the odd (M,)), where more means odder; every pair has scores of the same names.
    """
    names = list(next(iter(pairs.values()))[0])
    spans = {(pair, name): _span(torch.cat([*scores[name]])) for pair, (scores, _, _) in pairs.items() for name in names}
    areas = {(pair, name): auroc(*scores[name]) for pair, (scores, _, _) in pairs.items() for name in names}
    curves = {(pair, name): _roc(*scores[name]) for pair, (scores, _, _) in pairs.items() for name in names}

    def render(pair: str, score: str, cut: int) -> Image.Image:
        scores, *images = pairs[pair]
        low, high = spans[pair, score]
        at = low + (high - low) * cut / STEPS
        hits = [(values > at).float().mean().item() for values in scores[score]]
        sheet = Image.new("RGB", (2 * WIDE * FINE, (HIGH + ROOM) * FINE), "white")
        _histogram(sheet, scores[score], (low, high), at)
        _curve(sheet, curves[pair, score], hits)
        words = (
            f"AUROC {areas[pair, score]:.3f}.  Called odd at this threshold: {hits[1]:.1%} of the odd, {hits[0]:.1%} of the "
            "ordinary.  Nearest to it, ordinary (left) and odd (right):"
        )
        ImageDraw.Draw(sheet).text((20 * FINE, (HIGH - 6) * FINE), words, fill="black", font=font(13 * FINE))
        for column, (values, pictures) in enumerate(zip(scores[score], images, strict=True)):
            nearest = (values - at).abs().topk(min(BORDER, len(values)), largest=False).indices
            row = Image.fromarray(plots.tile(pictures[nearest], columns=BORDER, gap=1))
            scale = (BORDER * TILE * FINE) / row.width
            row = row.resize((round(row.width * scale), round(row.height * scale)), Image.Resampling.NEAREST)
            sheet.paste(row, ((column * WIDE + 46) * FINE, (HIGH + 24) * FINE))
        return finished(sheet)

    controls = [
        Choice("pair", "ordinary, odd", list(pairs)),
        Choice("score", "score", names),
        Slider("cut", "threshold", 0, STEPS, value=STEPS // 2, step=1),
    ]
    alt = "Left, histograms of ordinary (blue) and odd (orange-red) scores with a threshold; right, the ROC curve with its point."
    return Panel(render, controls, title="The threshold: what is called odd?", alt=alt)


def _span(values: Tensor) -> tuple[float, float]:
    low, high = values.quantile(torch.tensor([0.002, 0.998])).tolist()
    margin = 0.03 * (high - low) + 1e-6
    return low - margin, high + margin


def _roc(ordinary: Tensor, odd: Tensor) -> np.ndarray:
    """The curve (STEPS + 1, 2): for falling thresholds, the shares of ordinary and of odd examples above it."""
    cuts = torch.cat([ordinary, odd]).quantile(torch.linspace(1, 0, STEPS + 1))
    shares = [[(values >= cut).float().mean() for values in (ordinary, odd)] for cut in cuts]
    return np.concatenate([np.zeros((1, 2)), np.array(shares, float)])


def _histogram(sheet: Image.Image, scores: tuple[Tensor, Tensor], span: tuple[float, float], at: float) -> None:
    plot = Plot(sheet, 0, (span, (0.0, 1.0)), "ordinary (blue), odd (orange-red)", ("score: more is odder", ""))
    for values, colour, place in zip(scores, (plots.BLUE, plots.VERMILION), (0.47, 0.0), strict=True):
        counts, edges = np.histogram(values.clamp(*span).numpy(), BINS, span)
        for share, a, b in zip(0.45 * counts / counts.max(), edges, edges[1:], strict=False):
            if share:
                plot.line(np.array([[(a + b) / 2, place], [(a + b) / 2, place + share]]), colour, 6)
    plot.line(np.array([[at, 0.0], [at, 1.0]]), plots.BLACK, 2)
    plot.done()


def _curve(sheet: Image.Image, curve: np.ndarray, hits: list[float]) -> None:
    plot = Plot(sheet, 1, ((0.0, 1.0), (0.0, 1.0)), "ROC: odd found against false alarms", ("ordinary called odd", ""))
    plot.line(np.array([[0.0, 0.0], [1.0, 1.0]]), "#bbbbbb", 1)
    plot.line(curve, plots.BLUE, 3)
    plot.dots(np.array([hits]), plots.VERMILION, 6)
    plot.done()
