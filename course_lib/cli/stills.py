"""Smaller PNG files of the same pictures: saved notebooks hold many stills, and every version of them stays in the history."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image


def smaller(png: bytes) -> bytes:
    """The shortest of several PNG files of the same picture; the file itself when none is shorter.

    Tried are plain RGB, grey values, and a palette of at most 256 colours, each only where nothing is lost that can be seen:
    grey values keep every pixel, and a palette may move the shades at the edges of letters and lines a little (`looks_alike`).
    An animation, a picture with 16 bits per channel, and a file that is not a readable picture stay as they are, and so does a
    file as it is written here, in grey values or with a palette.
    """
    try:
        with Image.open(io.BytesIO(png)) as image:
            image.load()
            if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA") or getattr(image, "n_frames", 1) > 1:
                return png
            if image.mode in ("L", "P") and "transparency" not in image.info and _png(image) == png:
                return png  # written here before, when it was the shortest
            pixels = image.convert("RGBA")
    except (OSError, SyntaxError):  # what Pillow raises for a file that it cannot read
        return png
    if pixels.getextrema()[3][0] < 255:  # something is transparent
        return png
    return min([png, *_encoded(pixels.convert("RGB"))], key=len)


def smaller_in_text(encoded: str) -> str:
    """`smaller` for the base64 text in which a notebook keeps a PNG."""
    png = base64.b64decode(encoded)
    if (best := smaller(png)) == png:
        return encoded
    return base64.b64encode(best).decode("ascii") + encoded[len(encoded.rstrip("\n")) :]


def _encoded(image: Image.Image) -> Iterator[bytes]:
    yield _png(image)
    grey = image.convert("L")
    if grey.convert("RGB").tobytes() == image.tobytes():
        yield _png(grey)
    if (colours := image.getcolors(256)) is not None:
        palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=len(colours))
        if palette.convert("RGB").tobytes() == image.tobytes():
            yield _png(palette)
    else:
        palette = image.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        if looks_alike(palette, image):
            yield _png(palette)
            yield from _encoded(palette.convert("RGB"))  # what would be tried the next time, so that once is enough


def looks_alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures of one size look the same: shades differ by less than 0.25 of 255 on average, by at most 60 anywhere,
    by more than 8 in at most 3 pixels of a thousand, and by more than 16 in at most one pixel of two thousand."""
    channels = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (one, other))
    difference = np.abs(np.subtract(*channels)).max(2)
    far = (difference > 8).mean() <= 3e-3 and (difference > 16).mean() <= 5e-4
    return bool(difference.mean() < 0.25 and difference.max() <= 60 and far)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
