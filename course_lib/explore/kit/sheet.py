"""Sheets drawn with Pillow: letters, shades, and pictures in rows with words beside them, fast enough for a slider."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib import colormaps, font_manager
from matplotlib.colors import to_rgb
from PIL import Image, ImageColor, ImageDraw, ImageFont

from course_lib import plots

SYMBOLS, MONOSPACED = "DejaVu Sans", "DejaVu Sans Mono"  # families: with Greek letters and arrows; all letters equally wide
GAP = 6  # pixels between two tiles, and from the edge to the first
MAP_SCALE, MAP_GAP, MAP_TOP = 9, 14, 24  # of a row of maps: screen pixels per pixel, between two maps, and above them

_INK = 255 * np.array(to_rgb(plots.ORANGE))
_PAPER = 0.28 * _INK
_SHADES = (255 * colormaps[plots.SEQUENTIAL](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)


@lru_cache
def font(size: int = 14, family: str = "") -> ImageFont.FreeTypeFont:
    """The letters in pictures, of `size` pixels: Pillow's own letters, or those of a family that matplotlib brings along."""
    return ImageFont.truetype(font_manager.findfont(family), size) if family else ImageFont.load_default(size=size)


def shade(colour: str, share: float) -> tuple[int, int, int]:
    """The colour between white (share 0) and `colour` (share 1), in bytes."""
    return tuple(round(255 - share * (255 - channel)) for channel in ImageColor.getrgb(colour))


def shades(amounts: np.ndarray) -> np.ndarray:
    """Amounts (…) from 0 to 1 in the colours for quantities, bytes (…, 3). Amounts above 1 get the colour of 1."""
    return _SHADES[(255 * np.minimum(amounts, 1)).astype(int)]


def ink(strokes: np.ndarray, drawn: np.ndarray | bool) -> np.ndarray:
    """A binary picture as bytes (H, W, 3): black and white where it was known, orange where a model drew it.

    strokes: booleans (H, W), true for ink. drawn: booleans that broadcast to (H, W), true where a model drew.
    """
    known = np.where(strokes[..., None], 255, 0)
    fresh = np.where(strokes[..., None], _INK, _PAPER)
    return np.where(np.broadcast_to(drawn, strokes.shape)[..., None], fresh, known).astype(np.uint8)


def enlarged(picture: np.ndarray, scale: int) -> Image.Image:
    """A picture of bytes (H, W) or (H, W, 3) in which each pixel is a square of `scale` by `scale`."""
    image = Image.fromarray(picture)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def with_words(
    tiles: Sequence[Image.Image], words: str | Sequence[str], *, columns: int | None = None, gap: int = GAP,
    edge: tuple[int, int] = (GAP, GAP), room: int = 30, offset: tuple[int, int] = (0, 6),
) -> Image.Image:  # fmt: skip
    """A white sheet with tiles of one size in rows, and words below them.

    Args:
        words: a caption for the whole sheet, or one text per tile of a single row.
        columns: tiles in a row; None puts all of them in one row.
        gap: pixels between two tiles. edge: pixels on the left and right of the rows, and above them.
        room: pixels below the last row. offset: of the words from the lower left corner of the tiles, (across, down).
    """
    columns = columns or len(tiles)
    rows, (wide, high) = -(-len(tiles) // columns), tiles[0].size
    bottom = edge[1] + rows * (high + gap) - gap
    sheet = Image.new("RGB", (2 * edge[0] + columns * (wide + gap) - gap, bottom + room), "white")
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet.paste(tile, (edge[0] + column * (wide + gap), edge[1] + row * (high + gap)))
    pen = ImageDraw.Draw(sheet)
    for column, text in enumerate([words] if isinstance(words, str) else words):
        pen.text((edge[0] + column * (wide + gap) + offset[0], bottom + offset[1]), text, fill="black", font=font(13))
    return sheet


def paste_row(sheet: Image.Image, tiles: Sequence[Image.Image], left: int, top: int, gap: int = GAP) -> None:
    """Put tiles side by side on a sheet, the first with its upper left corner at (left, top)."""
    for tile in tiles:
        sheet.paste(tile, (left, top))
        left += tile.width + gap


def map_sheet(columns: int, shape: tuple[int, int], *, below: int = 0) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A white sheet for `columns` maps of `shape` (H, W) side by side, with `below` screen pixels under them."""
    high, wide = (MAP_SCALE * side for side in shape)
    sheet = Image.new("RGB", (columns * (wide + MAP_GAP) + MAP_GAP, high + MAP_TOP + 8 + below), "white")
    return sheet, ImageDraw.Draw(sheet)


def place_map(sheet: Image.Image, pen: ImageDraw.ImageDraw, column: int, picture: np.ndarray, name: str) -> None:
    """Put a map (H, W, 3) of bytes and its name above it into a column of a `map_sheet`."""
    tile = enlarged(picture.astype(np.uint8), MAP_SCALE)
    left = MAP_GAP + column * (tile.width + MAP_GAP)
    sheet.paste(tile, (left, MAP_TOP))
    pen.text((left, 4), name, fill="black", font=font())
