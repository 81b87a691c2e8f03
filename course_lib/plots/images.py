"""Pictures as bytes: grey or colour arrays, enlarged, tiled, and encoded as PNG."""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_lib.plots.given import drawing
from course_lib.plots.style import ORANGE


def as_uint8(picture: Any) -> np.ndarray:
    """Grey (H, W) or colour (H, W, 3) bytes from an array or tensor of bytes, booleans or values in [0, 1].

    Channels may come first, as models have them: (1, H, W), (3, H, W). Raises ValueError for other shapes and values.
    """
    values = picture.detach().cpu().numpy() if isinstance(picture, torch.Tensor) else np.asarray(picture)
    if values.ndim == 3 and values.shape[0] in (1, 3) and values.shape[2] != 3:
        values = np.moveaxis(values, 0, 2)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim != 2 and not (values.ndim == 3 and values.shape[2] == 3):
        raise ValueError(f"a picture has shape (H, W), (H, W, 3) or (3, H, W); got {values.shape}: reshape a flat vector first")
    if values.dtype == np.uint8:
        return values
    if not np.isfinite(values).all():
        raise ValueError("the picture has values that are NaN or infinite; expected numbers in [0, 1]")
    low, high = values.min(initial=0), values.max(initial=0)
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(f"a picture of numbers lies in [0, 1]; got [{low:.4g}, {high:.4g}]: divide bytes by 255, or clamp")
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


@drawing
def to_image(picture: Any, scale: int = 1, *, unknown: Any = None, tint: str = ORANGE, strength: float = 0.6) -> Image.Image:
    """A Pillow image of `picture` (see `as_uint8`), each pixel a square of `scale` by `scale`.

    Args:
        unknown: booleans (H, W), or flat (H·W,): the pixels to cover with the colour `tint`, as unknown or erased.
        strength: how much of the tint covers them; 1 hides what is below.
    """
    values = as_uint8(picture)
    if unknown is not None:
        mask = np.asarray(unknown.detach().cpu() if isinstance(unknown, torch.Tensor) else unknown).astype(bool)
        if mask.size != values.shape[0] * values.shape[1]:
            raise ValueError(f"unknown has shape {mask.shape}; expected that of the picture, {values.shape[:2]}")
        mask = mask.reshape(values.shape[:2])
        values = np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values.copy()
        colour = 255 * np.asarray(matplotlib.colors.to_rgb(tint))
        values[mask] = ((1 - strength) * values[mask] + strength * colour).astype(np.uint8)
    if not values.size:
        raise ValueError(f"the picture has shape {values.shape}; expected at least one pixel")
    image = Image.fromarray(np.ascontiguousarray(values))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST) if scale != 1 else image


def png_bytes(picture: Any, *, quick: bool = False) -> bytes:
    """PNG bytes of a figure, a Pillow image or an array (see `as_uint8`): the same bytes for the same picture.

    quick: a third of the time and somewhat more bytes, for a picture that is shown once, while a hand moves a control.
    """
    if isinstance(picture, Figure):
        canvas = picture.canvas if isinstance(picture.canvas, FigureCanvasAgg) else FigureCanvasAgg(picture)
        if getattr(picture, "still", None) is None:
            canvas.draw()
        else:
            canvas.restore_region(picture.still)
            for artist in picture.moving:
                picture.draw_artist(artist)
        image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    else:
        image = picture if isinstance(picture, Image.Image) else to_image(picture)
    if quick and image.mode in ("L", "RGB"):
        return _unfiltered(image)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _unfiltered(image: Image.Image) -> bytes:
    """A PNG file without filters (PNG specification, sections 9 and 11): Pillow tries five filters on every row."""
    bytes_of = np.asarray(image).reshape(image.height, -1)
    rows = np.zeros((image.height, 1 + bytes_of.shape[1]), np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = bytes_of
    head = struct.pack(">IIBBBBB", image.width, image.height, 8, 2 if image.mode == "RGB" else 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@drawing
def square(images: Any) -> list[np.ndarray]:
    """Bytes of each image of a batch (B, H, W), (B, C, H, W), or flat (B, D) where D is a square number."""
    if isinstance(images, torch.Tensor):
        images = images.detach().cpu().numpy()
    if isinstance(images, np.ndarray) and images.ndim == 2:
        side = math.isqrt(images.shape[1])
        if side * side != images.shape[1]:
            raise ValueError(f"images of {images.shape[1]} numbers are not square; reshape them to (B, H, W)")
        images = images.reshape(-1, side, side)
    return [as_uint8(image) for image in images]


@drawing
def tile(images: Any, columns: int | None = None, *, gap: int = 1, shade: int = 128) -> np.ndarray:
    """One picture of many, row by row: bytes (H, W) or (H, W, 3). `images` as for `square`, all of one size.

    Args:
        columns: images in a row; None makes the sheet as square as possible.
        gap, shade: width and grey of the lines between.
    """
    parts = square(images)
    if not parts:
        raise ValueError("there are no images to tile; expected at least one")
    columns = columns or math.ceil(math.sqrt(len(parts)))
    rows = math.ceil(len(parts) / columns)
    high, wide = (side + gap for side in parts[0].shape[:2])
    sheet = np.full((rows * high + gap, columns * wide + gap, *parts[0].shape[2:]), shade, np.uint8)
    for index, part in enumerate(parts):
        top, left = gap + index // columns * high, gap + index % columns * wide
        sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    return sheet
