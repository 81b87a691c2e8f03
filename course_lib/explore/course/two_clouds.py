"""Precision, recall, density and coverage in the plane: drag the generated cloud, and see the balls that decide."""

from __future__ import annotations

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.sheet import SYMBOLS, font, shade
from course_lib.metrics.coverage import Overlap, overlap, radii
from course_lib.metrics.frechet import frechet_distance

CELLS, SIDE = 84, 420  # places to drag the cloud to, along each side; screen pixels of the plane
REACH = 4.0  # the plane shows -REACH … REACH in both directions
CENTRES = ((-1.6, -1.0), (1.6, -1.0), (0.0, 1.8))  # of the three real modes
REAL = 60  # real points
OUTLIER = (3.0, 3.4)
WIDE, HIGH, LEFT = 400, 330, 110  # screen pixels of the bars, and from their left edge to the length 0
LONGEST = 1.5  # the value that fills a bar


def clouds(place: tuple[int, int], spread: float, modes: int, count: int, outlier: bool) -> tuple[Tensor, Tensor]:
    """Real points (REAL, 2) and generated ones (count, 2), always the same for the same settings.

    place: (row, column) of the cell to which the generated cloud is dragged; the middle leaves it at the real modes.
    spread: of the generated modes, where 1 is that of the real ones. modes: how many of the three it has.
    """
    draw = runtime.generator(0)
    centres = torch.tensor(CENTRES)
    real = centres[torch.arange(REAL) % 3] + 0.45 * torch.randn(REAL, 2, generator=draw)
    if outlier:
        real[0] = torch.tensor(OUTLIER)
    moved = torch.tensor([place[1] - CELLS // 2, CELLS // 2 - place[0]]) * (2 * REACH / CELLS)
    noise = torch.randn(120, 2, generator=draw)[:count]
    return real, centres[torch.arange(count) % modes] + 0.45 * spread * noise + moved


@explorer
def two_clouds() -> Panel:
    """Drag the generated cloud and change its spread: four numbers follow, with the balls around either cloud."""

    def scene(place: tuple[int, int], k: int, spread: float, modes: int, count: int, balls: str, outlier: bool) -> Image.Image:
        real, made = clouds(place, spread, modes, count, outlier)
        sheet = Image.new("RGB", (SIDE, SIDE), "white")
        pen = ImageDraw.Draw(sheet)
        pixel = SIDE / (2 * REACH)
        if balls != "none":
            points, colour = (real, plots.BLUE) if balls == "real" else (made, plots.VERMILION)
            for (x, y), radius in zip(_pixels(points), (pixel * radii(points, k)).tolist(), strict=True):
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shade(colour, 0.2))
        for points, colour, size in ((real, plots.BLUE, 4), (made, plots.VERMILION, 3)):
            for x, y in _pixels(points):
                pen.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        return sheet

    def render(place: tuple[int, int], k: int, spread: float, modes: int, count: int, balls: str, outlier: bool) -> Image.Image:
        real, made = clouds(place, spread, modes, count, outlier)
        return _bars(overlap(real, made, k=k), frechet_distance(real, made))

    controls = [
        Pick("place", "drag the generated cloud (orange-red); real points are blue", (CELLS, CELLS), background=scene, side=SIDE),
        Slider("k", "k-th neighbour", 1, 10, value=3, step=1),
        Slider("spread", "spread of the generated cloud", 0.1, 2.5, value=0.3, step=0.1),
        Slider("modes", "modes that it has", 1, 3, value=3, step=1),
        Slider("count", "generated points", 20, 120, value=60, step=10),
        Choice("balls", "balls around", ["real", "generated", "none"]),
        Toggle("outlier", "one real outlier", False),
    ]
    alt = "Blue real points in three groups with a ball around each, orange-red generated points, and bars of the four numbers."
    return Panel(render, controls, title="Precision and recall by hand", alt=alt)


def _pixels(points: Tensor) -> list[tuple[float, float]]:
    """Where points (N, 2) lie in the plane, in screen pixels from the left and from the top."""
    share = points / (2 * REACH) * torch.tensor([1.0, -1.0]) + 0.5
    return [tuple(place) for place in (SIDE * share).tolist()]


def _bars(found: Overlap, distance: float) -> Image.Image:
    """The four numbers as bars from 0 to LONGEST, with a line at 1."""
    sheet = Image.new("RGB", (WIDE, HIGH), "white")
    pen, unit = ImageDraw.Draw(sheet), (WIDE - LEFT - 60) / LONGEST
    rows = (
        ("precision", found.precision, plots.VERMILION), ("recall", found.recall, plots.BLUE),
        ("density", found.density, plots.VERMILION), ("coverage", found.coverage, plots.BLUE),
    )  # fmt: skip
    for row, (name, value, colour) in enumerate(rows):
        top = 14 + 58 * row
        right = LEFT + unit * min(value, LONGEST)
        pen.rectangle((LEFT, top, right, top + 34), fill=colour)
        pen.text((LEFT - 10, top + 17), name, fill="black", font=font(16), anchor="rm")
        pen.text((right + 6, top + 17), f"{value:.2f}", fill="black", font=font(16), anchor="lm")
    pen.line((LEFT + unit, 6, LEFT + unit, 14 + 58 * len(rows) - 16), fill="#777777", width=1)
    pen.text((LEFT + unit, 14 + 58 * len(rows) - 12), "1", fill="black", font=font(13), anchor="mt")
    words = "orange-red: generated well?  blue: real points reached?"
    pen.text((4, HIGH - 58), words, fill="black", font=font(13))
    pen.text((4, HIGH - 32), f"Fréchet distance of both clouds {distance:.2f}", fill="black", font=font(14, SYMBOLS))
    return sheet
