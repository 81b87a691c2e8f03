"""Draw the edges of a garment with the mouse: several translators show at once what they make of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib import plots, runtime
from course_lib.datasets.pairs import edges
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Panel, Slider, Toggle
from course_lib.explore.kit.sheet import with_words
from course_lib.models.adversarial.translation import PairedTranslator

SCALE = 6  # screen pixels per pixel of an image
MOST = 0.8  # how much of the picture orange covers where the discriminator is sure that the patch is made


def shirt(side: int = 28) -> np.ndarray:
    """The outline of a shirt with nothing inside, as booleans (side, side)."""
    corners = [(9, 3), (18, 3), (24, 8), (21, 13), (19, 11), (19, 25), (8, 25), (8, 11), (6, 13), (3, 8), (9, 3)]
    drawn = np.zeros((side, side), bool)
    for (x, y), (to_x, to_y) in itertools.pairwise(corners):
        for share in np.linspace(0, 1, 2 * side):
            column, row = round(x + share * (to_x - x)), round(y + share * (to_y - y))
            drawn[row, column] = drawn[row, min(column + 1, side - 1)] = True
    return drawn


@explorer
def draw_edges(translators: Mapping[str, PairedTranslator], garments: Tensor) -> Panel:
    """Draw edges, or load those of a real garment: every translator's garment, and where its discriminator suspects it.

    Args:
        translators: name -> translator from edges (1, H, W) to grey images (1, H, W).
        garments: (N, 1, H, W), real ones, whose edges can be loaded.
    """
    side, lines = garments.shape[-1], edges(garments)

    def loaded(garment: int) -> np.ndarray:
        return lines[garment - 1, 0].numpy() > 0 if garment else np.zeros((side, side), bool)

    @torch.no_grad()
    def render(strokes: np.ndarray, garment: int, patches: bool, again: int) -> Image.Image:
        x = torch.from_numpy(strokes | loaded(garment)).float()[None, None]
        tiles, words = [], []
        for name, model in translators.items():
            made = model.translate(x, generator=runtime.generator(again))
            tiles.append(_suspected(made, x, model) if patches and model.discriminator else plots.to_image(made[0], SCALE))
            words.append(name if model.discriminator or not patches else f"{name}:\nno discriminator")
        if garment:
            tiles.append(plots.to_image(garments[garment - 1], SCALE))
            words.append("the real garment")
        tiles = [tile.convert("RGB") for tile in tiles]
        return with_words(tiles, words, room=40, offset=(0, 4))

    controls = [
        Canvas(
            "strokes", "draw the edges of a garment", shape=(side, side), background=lambda garment, **_: loaded(garment),
            value=shirt(side), tint="#FFFFFF", strength=1.0, brush=2,
        ),
        Slider("garment", "load real edges (0: none)", 0, len(garments), value=0, step=1),
        Toggle("patches", "orange: patches that the discriminator calls made"),
        Button("again", "another dropout"),
    ]  # fmt: skip
    return Panel(
        render,
        controls,
        title="Draw edges, get clothes",
        alt="Left: the edges that were drawn. Right: the garment that each of the translators makes of them, side by side.",
    )


def _suspected(made: Tensor, x: Tensor, model: PairedTranslator) -> Image.Image:
    """The picture, covered with orange where the discriminator finds that a patch is made rather than real."""
    doubt = (2 * torch.sigmoid(-model.discriminator(made, x)) - 1).clamp(min=0)[:, None]  # (1, 1, h, w)
    cover = MOST * torch.nn.functional.interpolate(doubt, made.shape[-2:], mode="bilinear")[0, 0, :, :, None].numpy()
    orange = np.array([0xE6, 0x9F, 0x00])
    mixed = (1 - cover) * 255 * made[0, 0, :, :, None].numpy() + cover * orange
    return plots.to_image(mixed.astype(np.uint8), SCALE)
