"""The guidance dial: pictures at each guidance, and measured numbers, such as the recognised share and the diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.plane import HIGH, WIDE, Plot, blank_sheet, finished
from course_lib.explore.kit.sheet import GAP

SCALE = 3


@explorer
def guidance_dial(guidances: Sequence[float], pictures: Tensor, numbers: Mapping[str, Sequence[float]]) -> Panel:
    """Turn the guidance: its pictures, and where it stands on the curve of a number that is chosen.

    Args:
        guidances: W rising numbers. pictures: (W, n, C, H, W), made from the same noise at each.
        numbers: name -> one number for each guidance, such as the recognised share in per cent.
    """
    span = (min(guidances), max(guidances))

    def render(place: int, number: str) -> Image.Image:
        values = np.asarray(numbers[number], float)
        low, high = min(values.min(), 0.0), max(values.max(), 1e-9)
        sheet, w = blank_sheet(), guidances[place]
        title = f"{number}: {values[place]:.4g} at w = {w:g}"
        plot = Plot(sheet, 0, (span, (low, high)), title, ("guidance w", ""))
        curve = np.stack([np.asarray(guidances, float), values], 1)
        plot.line(curve, plots.BLUE)
        plot.dots(curve, plots.BLUE)
        plot.dots(curve[place : place + 1], plots.VERMILION, 6)
        plot.done()
        wall = plots.to_image(plots.tile(pictures[place]), SCALE).convert("RGB")
        whole = Image.new("RGB", (WIDE + wall.width + GAP, max(HIGH, wall.height)), "white")
        whole.paste(finished(sheet).crop((0, 0, WIDE, HIGH)), (0, 0))
        whole.paste(wall, (WIDE, 0))
        return whole

    one = min(range(len(guidances)), key=lambda place: abs(guidances[place] - 1))
    controls = [
        Slider("place", f"guidance, from w = {span[0]:g} to {span[1]:g}", 0, len(guidances) - 1, value=one, step=1, play=600),
        Choice("number", "number on the curve", list(numbers)),
    ]
    return Panel(
        render, controls, title="The guidance dial",
        alt="A curve of one measured number over the guidance, the present guidance marked, and pictures made at that guidance.",
    )  # fmt: skip
