"""The sheet: a square grid of lines bends layer by layer, and a small parallelogram shows what the layers do to areas."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.distributions import gaussian_log_prob
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Pick, Slider
from course_lib.explore.kit.sheet import font
from course_lib.models.flows.base import LayeredFlow
from course_lib.nn.invertible import Chain, Inverse, Invertible

STEPS = 8  # of the slider: each moves an eighth of the layers
REACH = 2.7  # the windows show both planes from -REACH to REACH
CELLS, SIDE = 84, 420  # places to click, and screen pixels, along a side of the left plane
LINES, DOTS = 13, 41  # of the grid in each direction, and points on each line
SMALL = 0.4  # side of the small square
WAYS = {"data to noise": False, "noise to data": True}


@dataclass(frozen=True)
class Bent:
    """A flow cut into STEPS maps, read in one direction, and what they do to the grid of lines and to points.

    parts: the STEPS maps. lines: the grid after 0 … STEPS of them, (STEPS + 1, 2 LINES, DOTS, 2). points: likewise (…, N, 2).
    """

    parts: list[Chain]
    lines: np.ndarray
    points: np.ndarray


def cut(flow: LayeredFlow, backwards: bool) -> list[Chain]:
    """The layers of a flow as STEPS maps, from the data to the noise, or from the noise to the data."""
    layers: list[Invertible] = list(flow.chain.layers)
    if backwards:
        layers = [Inverse(layer) for layer in reversed(layers)]
    ends = [round(step * len(layers) / STEPS) for step in range(STEPS + 1)]
    return [Chain(layers[start:end]) for start, end in itertools.pairwise(ends)]


@torch.no_grad()
def bend(flow: LayeredFlow, points: Tensor, backwards: bool) -> Bent:
    """What each of the STEPS maps does to the grid and to points (N, 2) of the plane in which it begins."""
    parts = cut(flow, backwards)
    along, at = torch.linspace(-REACH, REACH, DOTS), torch.linspace(-REACH, REACH, LINES)
    upright = torch.stack(torch.meshgrid(at, along, indexing="ij"), -1)  # (LINES, DOTS, 2)
    stages = [torch.cat([upright.reshape(-1, 2), upright.flip(-1).reshape(-1, 2), points])]
    for part in parts:
        stages.append(part(stages[-1])[0])
    every, count = torch.stack(stages).numpy(), 2 * LINES * DOTS
    return Bent(parts, every[:, :count].reshape(STEPS + 1, 2 * LINES, DOTS, 2), every[:, count:])


def after(parts: list[Chain], place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the maps send a point (2): the point, the Jacobian's columns (2, 2) by automatic differentiation, log |det| ()."""
    x = place[None].expand(2, 2).clone().requires_grad_(True)  # two copies, one for each row of the Jacobian
    chain = Chain(parts)
    z, log_abs_det = chain(x)
    (rows,) = torch.autograd.grad(z.diagonal().sum(), x)  # row i: the gradient of coordinate i
    return z[0].detach(), rows, log_abs_det[0].detach()


@torch.no_grad()
def density_of(rest: list[Chain], place: Tensor, there: Tensor, so_far: Tensor, backwards: bool) -> float:
    """The density of the data at the point (2) from which the maps so far led `there`; rest: the maps still to come.

    so_far: log |det| of the maps so far. Backwards, the point begins as noise, and the density is that where it ends.
    """
    last, log_abs_det = Chain(rest)(there[None])
    whole = so_far + log_abs_det[0]
    z = place if backwards else last[0]
    return (gaussian_log_prob(z).sum() + (-whole if backwards else whole)).exp().item()


def place_of(cell: tuple[int, int]) -> Tensor:
    """The point (2) in the middle of the cell (row from the top, column) of the left plane."""
    share = torch.tensor([cell[1] + 0.5, CELLS - cell[0] - 0.5]) / CELLS
    return REACH * (2 * share - 1)


def _pixels(places: np.ndarray) -> list[tuple[float, float]]:
    flat = places.reshape(-1, 2).clip(-4 * REACH, 4 * REACH)
    return [tuple(place) for place in ((np.array([1, -1]) * flat / REACH + 1) * SIDE / 2).tolist()]


def _plane(lines: np.ndarray, points: np.ndarray) -> Image.Image:
    """A picture of the lines (n, DOTS, 2) and points (N, 2), SIDE by SIDE."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        pen.line(_pixels(line), fill="#8fb8d6" if index < LINES else "#e3b778", width=1)
    for x, y in _pixels(points):
        pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill="#555555")
    return picture


def _parallelogram(pen: ImageDraw.ImageDraw, corner: Tensor, columns: Tensor) -> None:
    """The image of the small square: its sides are SMALL times the Jacobian's columns (2, 2), around `corner` (2)."""
    first, second = (SMALL / 2 * columns[:, side] for side in (0, 1))
    around = torch.stack([corner - first - second, corner + first - second, corner + first + second, corner - first + second])
    pen.polygon(_pixels(around.numpy()), outline=plots.VERMILION, width=3)


@explorer
def sheet(flows: Mapping[str, Mapping[str, LayeredFlow]], data: Mapping[str, Tensor]) -> Panel:
    """Two planes: the one in which the sheet is flat, to click, and the sheet after some of the layers.

    Args:
        flows: kind -> {data set: a flow of the plane}, every kind for the same data sets.
        data: data set -> points (N, 2), of which the first 300 are drawn.
    """
    noise = runtime.standard_normal((300, 2), torch.zeros(()), runtime.generator(0))
    kept = {
        (kind, toy, way): bend(flow, noise if way else data[toy][:300], way)
        for kind, of in flows.items()
        for toy, flow in of.items()
        for way in WAYS.values()
    }

    def background(kind: str, toy: str, way: bool, cell: tuple[int, int], **_) -> np.ndarray:
        bent = kept[kind, toy, way]
        picture = _plane(bent.lines[0], bent.points[0])
        _parallelogram(ImageDraw.Draw(picture), place_of(cell), torch.eye(2))
        return np.asarray(picture)

    def render(kind: str, toy: str, way: bool, layers: int, cell: tuple[int, int]) -> Image.Image:
        bent, place = kept[kind, toy, way], place_of(cell)
        picture = _plane(bent.lines[layers], bent.points[layers])
        there, columns, log_abs_det = after(bent.parts[:layers], place)
        _parallelogram(ImageDraw.Draw(picture), there, columns)
        shown = Image.new("RGB", (SIDE, SIDE + 74), "white")
        shown.paste(picture, (0, 0))
        pen = ImageDraw.Draw(shown)
        pen.rectangle((0, 0, SIDE - 1, SIDE - 1), outline="#999999")
        density = density_of(bent.parts[layers:], place, there, log_abs_det, way)
        area = columns[0, 0] * columns[1, 1] - columns[0, 1] * columns[1, 0]
        words = (
            f"{layers} of {STEPS} steps: parallelogram ÷ square {area.abs():.4g}",
            f"exp(log-determinant) of the layers so far: {log_abs_det.exp():.4g}",
            f"density of the data here, by all layers: {density:.4g}",
        )
        for row, text in enumerate(words):
            pen.text((2, SIDE + 6 + 22 * row), text, fill="black", font=font(14, "DejaVu Sans"))
        return shown

    toys = list(next(iter(flows.values())))
    controls = [
        Pick("cell", "drag the small square", (CELLS, CELLS), background, (30, 42), plots.VERMILION, SIDE),
        Slider("layers", "steps done, each an eighth of the layers", 0, STEPS, value=STEPS, step=1, play=500),
        Choice("way", "direction", WAYS, True),
        Choice("kind", "layers", list(flows)),
        Choice("toy", "data", toys),
    ]
    alt = (
        "Left, a flat square grid with points and a small square; right, the same grid bent by the layers of a flow, where the "
        "small square has become a parallelogram, with its area and the determinant below."
    )
    return Panel(render, controls, title="The sheet", alt=alt)
