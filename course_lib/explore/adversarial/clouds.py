"""Two crescents coloured by a hidden label: several CycleGANs learn to translate one into the other, back and forth in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw

from course_lib import plots
from course_lib.datasets import Unpaired
from course_lib.explore.kit.controls import Choice, Slider, Toggle
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import SYMBOLS, font
from course_lib.metrics.translation import along_crescent, covered
from course_lib.training.films import Recording

TILE, GAP, TOP, REACH = 330, 12, 28, 1.7  # pixels of a plane, between two, above them; half the side of what it shows
COLOURS = (255 * colormaps[plots.SEQUENTIAL](np.linspace(0, 1, 101))[:, :3]).astype(int)
TRUTHS = ("same side", "other side")


@explorer
def clouds(films: Mapping[tuple[bool, bool], Recording], points: Unpaired, labels: Unpaired, *, seeds: int) -> Panel:
    """Films of CycleGANs between two crescents.

    Args:
        films: (with cycle loss, with identity loss) -> film. A frame holds (2 n, 4) numbers, the points of a and then those of b:
            two coordinates of the translation, two of what comes back. Row i belongs to seed i mod seeds.
        points, labels: the n points of each set and the hidden label of each point, in [0, 1].
        seeds: how many translators a film holds.
    """
    last = min(len(film.frames) for film in films.values()) - 1
    n = len(points.a)

    def render(cycle: bool, identity: bool, time: int, seed: int, truth: str) -> Image.Image:
        film = films[cycle, identity]
        frame = film.frames[time]
        sheet = Image.new("RGB", (2 * TILE + 3 * GAP, TILE + TOP + 72), "white")
        pen, letters = ImageDraw.Draw(sheet), font(13, SYMBOLS)
        sides = ((points.a, labels.a, frame[:n], -1, "a to b"), (points.b, labels.b, frame[n:], 1, "b to a"))
        for column, (x, label, made, upwards, name) in enumerate(sides):
            left = GAP + column * (TILE + GAP)
            x, label, made = x[seed::seeds], label[seed::seeds], made[seed::seeds]
            partner = label if truth == TRUTHS[0] else 1 - label  # the hidden label of the true partner, as a place in the target
            pen.text((left, 6), f"{name}: small dots are translated to large ones", fill="black", font=letters)
            pen.rectangle((left, TOP, left + TILE, TOP + TILE), outline="#999999")
            _dots(pen, x, label, left, 2)
            _dots(pen, made[:, :2], label, left, 5)
            place = along_crescent(made[:, :2], upwards=upwards)
            right = ((place - partner).abs() < 0.1).float().mean().item()
            error = (made[:, 2:] - x).norm(dim=1).mean().item()
            words = (f"rightly paired: {100 * right:.0f} %", f"cycle error {error:.2f}, covers {100 * covered(place, 10):.0f} %")
            for row, text in enumerate(words):
                pen.text((left, TOP + TILE + 6 + 20 * row), text, fill="black", font=letters)
        pen.text((GAP, TOP + TILE + 48), f"step {film.steps[time]:,}", fill="black", font=letters)
        return sheet

    controls = [
        Toggle("cycle", "cycle loss", value=True),
        Toggle("identity", "identity loss", value=False),
        Slider("time", f"time: 0 of {last} is the start", 0, last, value=last, step=1, play=250),
        Slider("seed", "seed", 0, seeds - 1, value=0, step=1),
        Choice("truth", "true partner lies on the", list(TRUTHS)),
    ]
    alt = "Two planes with a crescent each and the points that the other crescent is translated to, coloured by a hidden label."
    return Panel(render, controls, title="The cycle closes. Is the partner right?", alt=alt)


def _dots(pen: ImageDraw.ImageDraw, x: torch.Tensor, label: torch.Tensor, left: int, size: int) -> None:
    across, down = ((x.clamp(-REACH, REACH) / REACH + 1) / 2).unbind(1)
    for u, v, one in zip(across.tolist(), down.tolist(), label.tolist(), strict=True):
        x0, y0 = left + u * TILE, TOP + (1 - v) * TILE
        pen.ellipse((x0 - size, y0 - size, x0 + size, y0 + size), fill=tuple(COLOURS[round(100 * one)]))
