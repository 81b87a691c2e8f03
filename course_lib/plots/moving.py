"""Moving pictures for pages that run nothing: frames written as one GIF or WebP file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def write_frames(frames: Sequence[Image.Image], path: Path | str, *, milliseconds: int, colours: int = 16) -> Path:
    """Write frames of one size as a GIF or WebP file that repeats without end, as the path's ending says; the path.

    All frames share one palette of `colours` colours, chosen on all of them, so that still parts do not flicker.

    Args:
        milliseconds: how long each frame is shown.

    Raises ValueError where there is no frame, or where the sizes differ.
    """
    sizes = {frame.size for frame in frames}
    if len(sizes) != 1:
        raise ValueError(f"a moving picture needs frames of one size; got sizes {sorted(sizes) or 'of no frame'}")
    (width, height) = sizes.pop()
    strip = Image.new("RGB", (width, height * len(frames)))
    for place, frame in enumerate(frames):
        strip.paste(frame.convert("RGB"), (0, place * height))
    palette = strip.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1)
    flat = [frame.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    how = {"lossless": True, "method": 6} if Path(path).suffix == ".webp" else {"optimize": True}
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=milliseconds, loop=0, **how)
    return Path(path)
