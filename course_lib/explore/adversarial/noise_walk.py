"""Walk the noise of a GAN: inside a triangle of three of its pictures, with the nearest training example always beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, font, paste_row
from course_lib.metrics.features import features
from course_lib.metrics.neighbours import Neighbours, nearest
from course_lib.models.adversarial.noise import mixed, truncated
from course_lib.models.protocols import AdversarialModel
from course_lib.runtime import generator

CELLS, PLACE = 60, 300  # of the triangle: cells to click along each side, and screen pixels
CORNERS = np.array([(0.5, 0.14), (0.12, 0.84), (0.88, 0.84)])  # of A, B, C, as shares of the square: (across, down)
BIG, SMALL, WALL = 140, 36, 24  # screen pixels of a large and a small picture; pictures on the wall
BINS, HIGH = 40, 62  # of a dial: bars, and screen pixels


def weights_of(place: tuple[int, int]) -> Tensor:
    """The shares (3,) of A, B and C at the cell (row, column); outside the triangle, those of the nearest place by shares."""
    point = (np.array([place[1], place[0]]) + 0.5) / CELLS
    system = np.vstack([CORNERS.T, np.ones(3)])
    shares = np.linalg.solve(system, np.array([*point, 1.0])).clip(0)
    return torch.from_numpy(shares / shares.sum()).float()


class Dial:
    """Where one distance lies among the distances of test examples to their nearest training example, between 0 and `most`."""

    def __init__(self, usual: Tensor, name: str):
        self.name, self.usual = name, usual.sort().values
        self.most = 1.3 * usual.quantile(0.99).item()
        counts = torch.histc(usual, BINS, 0.0, self.most)
        self.sheet = Image.new("RGB", (2 * BIG, HIGH + 34), "white")
        pen, wide = ImageDraw.Draw(self.sheet), 2 * BIG / BINS
        for bar, count in enumerate((counts / counts.max() * HIGH).tolist()):
            pen.rectangle((bar * wide, 18 + HIGH - count, (bar + 1) * wide - 2, 18 + HIGH), fill="#bbbbbb")
        pen.line((0, 18 + HIGH, 2 * BIG, 18 + HIGH), fill="black")
        pen.text((0, 20 + HIGH), "0", fill="black", font=font(11))
        pen.text((2 * BIG, 20 + HIGH), f"{self.most:.3g}", fill="black", font=font(11), anchor="ra")

    def draw(self, distance: float) -> Image.Image:
        """The grey bars, a line at this distance, and the share of test examples that lie closer than it."""
        sheet = self.sheet.copy()
        pen, across = ImageDraw.Draw(sheet), min(distance / self.most, 1.0) * (2 * BIG - 3)
        pen.line((across, 16, across, 18 + HIGH), fill=plots.VERMILION, width=3)
        closer = torch.searchsorted(self.usual, distance) / len(self.usual)
        pen.text((0, 0), f"{self.name}: {distance:.2f}, {closer:.0%} of test digits closer", fill="black", font=font(12))
        return sheet


def _tile(x: Tensor, side: int) -> Image.Image:
    return Image.fromarray(plots.as_uint8(x.clamp(0, 1))).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


@explorer
def noise_walk(
    networks: Mapping[str, AdversarialModel], judge, training: Tensor, test: Tensor, *, judged: int = 10_000, seed: int = 0
) -> Panel:
    """Three pictures of a wall are the corners of a triangle of noise; the picture at the place clicked is made at once.

    Args:
        networks: name -> model with generate(z) of noise z (B, L); all have the same L, `model.noise`.
        judge: has features(x) -> (B, F).
        training: the examples that the networks were trained on, (N, C, H, W); all are searched by pixels, and the first
            `judged` of them by features. test: some hundreds of other examples, the yardstick of both distances.
        seed: of the noise of the wall.
    """
    noise = torch.randn(WALL, next(iter(networks.values())).noise, generator=generator(seed))
    by_pixels, seen = Neighbours(training), features(judge, training[:judged])
    by_features = Neighbours(seen)
    dials = [Dial(nearest(test, training)[0], "pixels"), Dial(nearest(features(judge, test), seen)[0], "features")]

    @lru_cache(maxsize=32)
    @torch.no_grad()
    def wall(network: str, limit: float) -> list[Image.Image]:
        return [_tile(x, SMALL) for x in networks[network].generate(truncated(noise, limit))]

    def triangle(network: str, limit: float, a: int, b: int, c: int, **_) -> Image.Image:
        sheet = Image.new("RGB", (PLACE, PLACE), "white")
        pen, places = ImageDraw.Draw(sheet), (CORNERS * PLACE).tolist()
        pen.polygon([tuple(place) for place in places], outline="black", fill="#eef3f7")
        for name, which, (x, y) in zip("ABC", (a, b, c), places, strict=True):
            sheet.paste(wall(network, limit)[which], (round(x - SMALL / 2), round(y - SMALL / 2)))
            pen.text((x + SMALL / 2 + 3, y - 8), name, fill="black", font=font(14))
        return sheet

    @torch.no_grad()
    def render(place: tuple[int, int], network: str, limit: float, path: str, a: int, b: int, c: int) -> Image.Image:
        corners = truncated(noise[[a, b, c]], limit)
        z = mixed(corners, weights_of(place), shell=path == "shell")
        x = networks[network].generate(z[None])
        distance, twin = by_pixels(x[0])
        deeper, cousin = by_features(judge.features(x)[0])
        sheet = Image.new("RGB", (4 * BIG + 3 * GAP + 8, 2 * SMALL + BIG + HIGH + 116), "white")
        pen = ImageDraw.Draw(sheet)
        paste_row(sheet, [_tile(x[0], BIG), _tile(training[twin], BIG), _tile(training[cousin], BIG)], GAP, 24)
        for column, words in enumerate((f"made; |z| = {z.norm():.2f}", "nearest by pixels", "nearest by features")):
            pen.text((GAP + column * (BIG + GAP), 4), words, fill="black", font=font(13))
        usual = math.sqrt(noise.shape[1])
        pen.text((3 * (BIG + GAP) + GAP, 30), f"usual |z|:\nabout {usual:.3g}", fill="#555555", font=font(13))
        paste_row(sheet, [dial.draw(d) for dial, d in zip(dials, (distance, deeper), strict=True)], GAP, 34 + BIG, GAP)
        top = BIG + HIGH + 92
        _hang(sheet, wall(network, limit), dict(zip((a, b, c), "ABC", strict=False)), top)
        return sheet

    whole = {"low": 0, "high": WALL - 1, "step": 1}
    controls = [
        Pick("place", "click or drag in the triangle", (CELLS, CELLS), triangle, (33, 30), side=PLACE),
        Choice("network", "network", list(networks)),
        Slider("limit", "truncation: each number of z within ±", 0.0, 3.0, 3.0, 0.25),
        Choice("path", "between the corners", {"straight": "straight", "on the shell": "shell"}),
        *(
            Slider(name, f"corner {name.upper()}, from the wall", value=first, **whole)
            for first, name in enumerate("abc")
        ),
    ]  # fmt: skip
    return Panel(
        render, controls, title="Walk the noise",
        alt="A picture made at a place inside a triangle of noise, the nearest training picture by pixels and by features, both "
        "distances on dials over the distances of test pictures, and the wall of pictures that the corners come from.",
    )  # fmt: skip


def _hang(sheet: Image.Image, tiles: list[Image.Image], marks: dict[int, str], top: int) -> None:
    """The wall: two rows of tiles from `top` on, the corners framed and named."""
    pen, half = ImageDraw.Draw(sheet), WALL // 2
    for index, tile in enumerate(tiles):
        left, above = GAP + index % half * (SMALL + 4), top + index // half * (SMALL + 4)
        sheet.paste(tile, (left, above))
        if index in marks:
            pen.rectangle((left - 2, above - 2, left + SMALL + 1, above + SMALL + 1), outline=plots.ORANGE, width=2)
            pen.text((left + 3, above + 1), marks[index], fill=plots.ORANGE, font=font(13))
