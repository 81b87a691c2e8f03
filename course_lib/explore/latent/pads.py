"""Two pads over a latent space: each place of a pad is a pair of coordinates, so that four of them move at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, font
from course_lib.explore.latent.tiles import decoded, enlarged, nats_by_coordinate
from course_lib.models.latent import VAE

REACH, CELLS, SIDE = 3.0, 41, 205  # of a pad: what its rim adds to a coordinate; places and screen pixels along a side
TILES = 5  # pictures along a side of a pad
FACE, SMALL = 380, 96  # screen pixels of the picture that was made, and of those beside it


def added(place: tuple[int, int]) -> tuple[float, float]:
    """What the place (row, column) of a pad adds to its two coordinates: across to the right, and upwards."""
    row, column = place
    return (2 * column / (CELLS - 1) - 1) * REACH, (1 - 2 * row / (CELLS - 1)) * REACH


@explorer
def pads(model: VAE, x: Tensor, *, about: Mapping[int, str] | None = None) -> Panel:
    """Drag a place on either pad: it adds to two coordinates of a picture's code at once.

    The two pads move the four coordinates that `about` names, or else those with the largest KL. The small pictures of a pad show
    what its places make of the picture, at the present place of the other pad.

    Args:
        model: with codes of at least 4 coordinates.
        x: pictures (B, C, H, W) to begin with.
        about: coordinate (from 0) -> a word that says what it does, for the labels: across and up on the first pad, then on the
            second one.

    Raises ValueError when the model has fewer than 4 coordinates.
    """
    if model.latent < 4:
        raise ValueError(f"the model has {model.latent} coordinates; expected at least 4, two for each pad")
    about = about or {}
    largest = nats_by_coordinate(model, x).argsort(descending=True).tolist()
    order = [*about, *(index for index in largest if index not in about)][:4]
    pairs = (order[:2], order[2:])
    with torch.no_grad():
        codes = model.encode(x).mean  # (B, L)
    spread = torch.linspace(-REACH, REACH, TILES + 1)
    spread = (spread[:-1] + spread[1:]) / 2  # the middles of the tiles

    def moved(which: int, *places: tuple[int, int] | None) -> Tensor:
        """The code (L,) of a picture with what the places of the pads add to it; None adds nothing."""
        z = codes[which].clone()
        for pair, place in zip(pairs, places, strict=True):
            if place is not None:
                z[pair] += torch.tensor(added(place))
        return z

    @lru_cache(maxsize=64)
    def background(pad: int, which: int, other: tuple[int, int]) -> np.ndarray:
        """The pad's picture: a face in the middle of each of its tiles."""
        places: list[tuple[int, int] | None] = [other, other]
        places[pad] = None
        z = moved(which, *places).repeat(TILES**2, 1)
        z[:, pairs[pad][0]] += spread.repeat(TILES)
        z[:, pairs[pad][1]] += spread.flip(0).repeat_interleave(TILES)
        sheet = plots.tile(decoded(model, z), columns=TILES, gap=0)
        return np.asarray(Image.fromarray(sheet).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))

    @lru_cache(maxsize=32)
    def beside(which: int) -> tuple[Image.Image, Image.Image]:
        return enlarged(x[which], SMALL), enlarged(decoded(model, codes[which : which + 1])[0], SMALL)

    def render(first: tuple[int, int], second: tuple[int, int], which: int) -> Image.Image:
        z = moved(which, first, second)
        sheet = Image.new("RGB", (FACE + SMALL + 3 * GAP, FACE + 2 * GAP), "white")
        sheet.paste(enlarged(decoded(model, z[None])[0], FACE), (GAP, GAP))
        pen, left = ImageDraw.Draw(sheet), FACE + 2 * GAP
        for row, (words, tile) in enumerate(zip(("the picture", "its code, decoded"), beside(which), strict=True)):
            pen.text((left, GAP + row * (SMALL + 24)), words, fill="black", font=font(11))
            sheet.paste(tile, (left, GAP + 16 + row * (SMALL + 24)))
        for row, (pair, place) in enumerate(zip(pairs, (first, second), strict=True)):
            for step, (index, value) in enumerate(zip(pair, added(place), strict=True)):
                height = 2 * GAP + 2 * (SMALL + 24) + (2 * row + step) * 22
                pen.text((left, height), f"z{index + 1} {value:+.2f}", fill="black", font=font(14))
        return sheet

    def named(index: int) -> str:
        return f"z{index + 1}" + (f", {about[index]}" if index in about else "")

    middle, shape = ((CELLS - 1) // 2,) * 2, (CELLS, CELLS)
    surfaces = (
        lambda which, second, **_: background(0, which, second),
        lambda which, first, **_: background(1, which, first),
    )
    controls = [
        Pick(name, f"drag: across {named(pair[0])}; up {named(pair[1])}", shape, under, middle, plots.BLUE, SIDE)
        for name, pair, under in zip(("first", "second"), pairs, surfaces, strict=True)
    ]
    return Panel(
        render, [*controls, Slider("which", "which picture", 0, len(x) - 1, value=0, step=1)], title="Four numbers, two pads",
        alt="Two pads of small faces, and beside them the large face that the four coordinates at the marked places make.",
    )  # fmt: skip
