"""The film of ring and grid: several settings side by side, back and forth in time, one seed at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw

from course_lib import plots
from course_lib.datasets.toys import Modes
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.sheet import font
from course_lib.training.films import Recording

TILE, GAP, ABOVE, BELOW = 250, 10, 24, 44  # pixels: of one plane, between two, and for the words
COLUMNS = 3


@explorer
def mode_film(films: Mapping[str, Mapping[str, Recording]], modes: Mapping[str, Modes], *, seeds: int) -> Panel:
    """Films of trainings on one toy, side by side.

    Args:
        films: toy -> {setting -> film}. A frame holds (seeds * n, 3) numbers: two coordinates, and one above 0 where the point
            is good. Row i belongs to seed i mod seeds. All films have equally many frames.
        modes: toy -> where its modes lie.
        seeds: how many seeds a film holds.
    """
    lengths = {len(film.frames) for of_toy in films.values() for film in of_toy.values()}
    if len(lengths) != 1:
        raise ValueError(f"the films have {sorted(lengths)} frames; expected equally many in each")
    reach = {toy: 1.5 * modes[toy].centres.abs().max().item() for toy in films}
    last = lengths.pop() - 1

    def render(toy: str, time: int, seed: int) -> Image.Image:
        shown = films[toy]
        rows, columns = -(-len(shown) // COLUMNS), min(COLUMNS, len(shown))
        sheet = Image.new("RGB", (columns * (TILE + GAP) + GAP, rows * (TILE + ABOVE + BELOW) + GAP), "white")
        pen = ImageDraw.Draw(sheet)
        for index, (setting, film) in enumerate(shown.items()):
            left, top = GAP + index % COLUMNS * (TILE + GAP), index // COLUMNS * (TILE + ABOVE + BELOW)
            points = film.frames[time, seed::seeds]
            pen.text((left, top + 4), setting, fill="black", font=font(14))
            pen.rectangle((left, top + ABOVE, left + TILE, top + ABOVE + TILE), outline="#999999")
            _points(pen, points.numpy(), (left, top + ABOVE), modes[toy].centres.numpy(), reach[toy])
            for row, words in enumerate(_counted(points, modes[toy], film.steps[time])):
                pen.text((left, top + ABOVE + TILE + 3 + 18 * row), words, fill="black", font=font(13))
        return sheet

    controls = [
        Choice("toy", "data", list(films)),
        Slider("time", f"time: 0 of {last} is the start", 0, last, value=last, step=1, play=400),
        Slider("seed", "seed", 0, seeds - 1, value=0, step=1),
    ]
    alt = "Several planes with the centres of the modes in grey and generated points: good ones blue, others orange."
    return Panel(render, controls, title="Ten seeds, back and forth in time", alt=alt)


def _points(pen: ImageDraw.ImageDraw, points: np.ndarray, corner: tuple[int, int], centres: np.ndarray, reach: float) -> None:
    """The centres as grey rings and the points as dots: blue if good, orange otherwise."""

    def at(places: np.ndarray) -> list[list[float]]:
        share = (places.clip(-reach, reach) + reach) / (2 * reach)
        share[:, 1] = 1 - share[:, 1]
        return (np.array(corner) + 3 + share * (TILE - 6)).tolist()

    for x, y in at(centres.copy()):
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), outline="#999999")
    for (x, y), good in zip(at(points[:, :2].copy()), points[:, 2] > 0, strict=True):
        pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=plots.BLUE if good else plots.VERMILION)


def _counted(points: torch.Tensor, modes: Modes, step: int) -> list[str]:
    """What stands under a plane: of this film's points alone."""
    good = points[:, 2] > 0
    nearest = torch.cdist(points[good, :2], modes.centres).argmin(1) if good.any() else torch.zeros(0, dtype=torch.long)
    hit = len(nearest.unique())
    return [f"step {step:,}", f"{hit} of {len(modes.centres)} modes hit, {100 * good.float().mean():.0f} % good"]
