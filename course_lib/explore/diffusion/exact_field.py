"""Click a set of points: the exact velocity, or a network's, carries noise to them, by several samplers, along bent paths."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.sheet import font
from course_lib.metrics.transport import assign, assignment_distance
from course_lib.models.diffusion import paths, samplers
from course_lib.models.diffusion.flow_matching import StraightFlow, VelocityFlow
from course_lib.models.diffusion.point_set import PointSetFlow
from course_lib.nn.random_features import RandomFeatures
from course_lib.runtime import generator

CELLS, REACH = 42, 2.6  # places to click along each side, and half the side of the plane that they show
SIDE, BELOW = 400, 62  # of the picture, in screen pixels, and the room for numbers under it
MOST, PARTICLES = 60, 60
NEAR = 0.02  # a sample within this distance of a training point counts as that point
SMOOTH = 0.25  # scale of the Gaussian around each point, where the field is smoothed
PAIRS = 3_000  # of data and noise, from which a network learns
FIELDS = ("exact", "smoothed", "network")
SAMPLERS = {
    "Euler": samplers.EULER,
    "Heun": samplers.HEUN,
    "DDIM, eta 0.5": samplers.DDIM(0.5),
    "DDPM (eta 1)": samplers.ANCESTRAL,
}


def places(clicked: np.ndarray) -> Tensor:
    """The points (N, 2) of the clicked cells (CELLS, CELLS), at most MOST of them, from the top; x grows right, y upwards."""
    rows, columns = np.nonzero(clicked)
    across, up = (columns + 0.5) / CELLS, 1 - (rows + 0.5) / CELLS
    return torch.from_numpy(REACH * (2 * np.stack([across, up], 1) - 1)[:MOST])


def first_points() -> np.ndarray:
    """Three arms of a spiral as clicked cells (CELLS, CELLS)."""
    clicked = np.zeros((CELLS, CELLS), bool)
    for arm in range(3):
        for step in range(8):
            angle, radius = 2 * np.pi * arm / 3 + 0.3 * step, 0.6 + 0.2 * step
            column = int((1 + radius * np.cos(angle) / REACH) / 2 * CELLS)
            row = int((1 - radius * np.sin(angle) / REACH) / 2 * CELLS)
            clicked[row, column] = True
    return clicked


def learned(points: Tensor, units: int, *, seed: int = 0) -> VelocityFlow:
    """A network of so many hidden units that has learned the velocity from PAIRS pairs of these points (N, 2) and noise."""
    g = generator(seed)
    x = points[torch.arange(PAIRS) % len(points)]
    noise = torch.randn(PAIRS, 2, generator=g, dtype=x.dtype)
    t = torch.rand(PAIRS, generator=g, dtype=x.dtype)
    network = RandomFeatures(size=2, units=units, seed=seed).fit(paths.on_path(x, noise, t), t, noise - x)
    return VelocityFlow(network=network, event_shape=(2,))


def trajectory(flow: StraightFlow, start: Tensor, steps: int, sampler: samplers.Sampler, seed: int = 1) -> Tensor:
    """Where particles (n, 2) are at each of the steps + 1 times from 1 to 0, (steps + 1, n, 2)."""
    times, g, x = samplers.equal_times(steps), generator(seed), [start]
    for t, s in itertools.pairwise(times):
        x.append(sampler.step(flow, x[-1], t, s, g))
    return torch.stack(x)


@explorer
def exact_field(*, seed: int = 0) -> Panel:
    """Points to click, particles from noise at t = 1 to data at t = 0, their paths, and the straight lines of single pairs."""
    start = torch.randn(PARTICLES, 2, generator=generator(seed), dtype=torch.float64)

    @lru_cache(maxsize=64)
    def flow_of(cells: bytes, field: str, units: int) -> StraightFlow:
        points = places(np.frombuffer(cells, bool).reshape(CELLS, CELLS))
        if field == "network":
            return learned(points, units, seed=seed)
        return PointSetFlow(points=points, scale=SMOOTH if field == "smoothed" else 0.0)

    @lru_cache(maxsize=64)
    def followed(cells: bytes, steps: int, sampler: str, field: str, units: int) -> tuple[Tensor, float, float]:
        points = places(np.frombuffer(cells, bool).reshape(CELLS, CELLS))
        moved = trajectory(flow_of(cells, field, units), start, steps, SAMPLERS[sampler])
        near = (torch.cdist(moved[-1], points).amin(1) < NEAR).double().mean().item()
        return moved, near, assignment_distance(moved[-1], _one_each(points))

    @lru_cache(maxsize=16)
    def partners(cells: bytes, pairing: str) -> Tensor:
        points = _one_each(places(np.frombuffer(cells, bool).reshape(CELLS, CELLS)))
        if pairing == "independent":
            return points[torch.randperm(len(points), generator=generator(seed + 1))]
        return points[assign(torch.cdist(start, points).square()).columns]

    def render(points: np.ndarray, time: float, steps: int, sampler: str, field: str, units: int, pairing: str) -> Image.Image:
        sheet = Image.new("RGB", (SIDE, SIDE + BELOW), "white")
        pen, cells = ImageDraw.Draw(sheet), np.asarray(points, bool)
        if not cells.any():
            pen.text((20, 40), "Click at least one point on the left.", fill="black", font=font(15))
            return sheet
        moved, near, distance = followed(cells.tobytes(), steps, sampler, field, units if field == "network" else 0)
        for begin, end in zip(_pixels(start), _pixels(partners(cells.tobytes(), pairing)), strict=True):
            pen.line((*begin, *end), fill="#dddddd", width=1)
        shown = _until(moved, time)
        for path in shown.transpose(0, 1):
            pen.line(_pixels(path), fill=plots.SKY, width=2)
        _dots(pen, places(cells), "black", 4)
        _dots(pen, shown[-1], plots.VERMILION, 3)
        pen.rectangle((0, 0, SIDE - 1, SIDE - 1), outline="#999999")
        words = (
            f"{near:.0%} of the {PARTICLES} samples are training points",
            f"transport distance from samples to points: {distance:.2f}",
            "grey: straight lines of single pairs; blue: the flow",
        )
        for row, text in enumerate(words):
            pen.text((6, SIDE + 6 + 18 * row), text, fill="black", font=font(14))
        return sheet

    controls = [
        Canvas("points", "click points (drag to add, the first 60 count)", (CELLS, CELLS), value=first_points(), brush=1,
               tint="#FFFFFF", strength=1.0, side=294),
        Slider("time", "time: 1 is noise, 0 is data", 0.0, 1.0, value=0.0, step=0.02, play=120),
        Slider("steps", "steps", 1, 64, value=32, step=1),
        Choice("sampler", "sampler", list(SAMPLERS)),
        Choice("field", "field", FIELDS),
        Slider("units", "hidden units of the network", 10, 250, value=100, step=10),
        Choice("pairing", "grey lines pair noise and points", ["independent", "by transport"]),
    ]  # fmt: skip
    return Panel(
        render, controls, title="The exact field of your points",
        alt="Black training points, orange-red particles that come from noise, their bent blue paths, and straight grey lines.",
    )  # fmt: skip


def _one_each(points: Tensor) -> Tensor:
    """As many examples as there are particles, (PARTICLES, 2): the points in turn."""
    return points[torch.arange(PARTICLES) % len(points)]


def _until(paths: Tensor, time: float) -> Tensor:
    """The part of paths (T + 1, n, 2) from 1 down to this time, (T', n, 2); its last place lies on the line of a step."""
    place = (1 - time) * (len(paths) - 1)
    whole = min(int(place + 1e-9), len(paths) - 1)
    rest = place - whole
    if rest < 1e-9:
        return paths[: whole + 1]
    return torch.cat([paths[: whole + 1], torch.lerp(paths[whole], paths[whole + 1], rest)[None]])


def _pixels(x: Tensor) -> list[tuple[float, float]]:
    """Screen pixels (across, down) of places (n, 2)."""
    across, up = (SIDE * (x / REACH + 1) / 2).unbind(1)
    return list(zip(across.tolist(), (SIDE - up).tolist(), strict=True))


def _dots(pen: ImageDraw.ImageDraw, x: Tensor, colour: str, radius: int) -> None:
    for across, down in _pixels(x):
        pen.ellipse((across - radius, down - radius, across + radius, down + radius), fill=colour)
