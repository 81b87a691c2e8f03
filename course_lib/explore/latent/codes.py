"""Explorers of codes: click the plane of two numbers, squeeze digits through a bottleneck, clean noisy ones, count the paint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.panel import Panel, Slider
from course_lib.metrics.reconstruction import errors
from course_lib.models.latent.autoencoder import Autoencoder, squared_error
from course_lib.models.latent.pca import PCA

CELLS, SIDE = 84, 336  # of the plane: places to click, and screen pixels
COLOURS = (*plots.PALETTE[:6], "#999999", "#000000", "#8C6D00", "#004466")  # one a class; the glyph says which as well
_FONT = ImageFont.load_default(size=13)


def latent_plane(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    labels: Tensor | None = None,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
    shown: int = 1_000,
    title: str = "Click anywhere on the plane of codes",
) -> Panel:
    """Click or drag on the plane of two numbers: what the decoder makes of that place, and how far the nearest code is.

    Args:
        decode: codes (B, 2) -> images (B, C, H, W) with values in [0, 1]; of a model with distributions, their mean.
        codes: (N, 2), of real examples. labels: (N,), classes 0 to 9 shown as digits; dots where None.
        spans: (lowest, highest) of each number; None takes all but the outermost codes, and a fifth more on each side.
        shown: how many codes are drawn, the first ones; the distance is to the nearest of all.
    """
    codes = codes.detach().float()
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"codes have shape {tuple(codes.shape)}; expected (N, 2): the plane has two directions")
    low, high = latent_spans(codes) if spans is None else torch.tensor(spans).float().T
    background = scatter((codes[:shown] - low) / (high - low), None if labels is None else labels[:shown])

    @torch.no_grad()
    def render(place: tuple[int, int]) -> Image.Image:
        share = torch.tensor([place[1] + 0.5, CELLS - place[0] - 0.5]) / CELLS  # across, up
        z = low + share * (high - low)
        image = decode(z[None])[0].clamp(0, 1)
        nearest = (codes - z).square().sum(1).min().sqrt()
        words = f"z = ({z[0]:.2f}, {z[1]:.2f})\nnearest of {len(codes):,} codes: {nearest:.2f} away"
        return _sheet([image], [words], scale=max(1, 252 // image.shape[-1]))

    label = f"click or drag: across {low[0]:.3g} to {high[0]:.3g}, up {low[1]:.3g} to {high[1]:.3g}"
    return Panel(
        render,
        [Pick("place", label, shape=(CELLS, CELLS), background=background, tint=plots.VERMILION, side=SIDE)],
        title=title,
        alt="Left: the codes of real examples on a plane. Right: what the decoder makes of the place that was clicked.",
    )


def latent_spans(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest of the middle 99 % of the codes, each (2,), with a fifth of the distance added on either side."""
    low, high = codes.quantile(torch.tensor([0.005, 0.995]), 0)
    margin = (high - low).clamp(min=1e-6) / 5
    return low - margin, high + margin


def scatter(share: Tensor, labels: Tensor | None) -> np.ndarray:
    """Codes as shares of the plane (N, 2), from the left and from below, as glyphs or dots: bytes (SIDE, SIDE, 3)."""
    plane = Image.new("RGB", (SIDE, SIDE), "white")
    pen, font = ImageDraw.Draw(plane), ImageFont.load_default(size=10)
    for index, (across, up) in enumerate(share.tolist()):
        x, y = across * SIDE, (1 - up) * SIDE
        if labels is None:
            pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=plots.BLUE)
        else:
            digit = int(labels[index])
            pen.text((x, y), str(digit), fill=COLOURS[digit % len(COLOURS)], font=font, anchor="mm")
    return np.asarray(plane)


def bottleneck(models: Mapping[int, Autoencoder], pca: PCA, x: Tensor) -> Panel:
    """One digit through codes of more and more numbers, by an autoencoder and by PCA, with what is lost.

    Args:
        models: numbers in the code -> autoencoder. pca: with at least as many. x: (N, 1, H, W), digits to choose from.
    """
    widths = sorted(models)
    with torch.no_grad():
        trained = {k: models[k].reconstruct(x) for k in widths}
        linear = {k: pca.reconstruct(x, keep=k) for k in widths}
    lost = {k: (errors(models[k], x), squared_error(x, linear[k])) for k in widths}

    def render(step: int, digit: int) -> Image.Image:
        k = widths[step]
        words = [
            f"the original:\n{x[0].numel()} numbers",
            f"autoencoder, {k} numbers:\nsquared error {lost[k][0][digit]:.1f}",
            f"PCA, {k} numbers:\nsquared error {lost[k][1][digit]:.1f}",
        ]
        return _sheet([x[digit], trained[k][digit], linear[k][digit].clamp(0, 1)], words)

    names = ", ".join(map(str, widths))
    controls = [
        Slider("step", f"wider ({names})", 0, len(widths) - 1, value=min(1, len(widths) - 1), step=1),
        Slider("digit", "which digit", 0, len(x) - 1, value=0, step=1),
    ]
    alt = "A digit, what an autoencoder makes of its code, and what PCA makes of a code of as many numbers, with their errors."
    return Panel(render, controls, title="Through the bottleneck", alt=alt)


def denoise(plain: Autoencoder, denoiser: Autoencoder, x: Tensor, *, most: float = 1.5, seed: int = 0) -> Panel:
    """Add more and more noise to a digit: what an autoencoder that never saw noise makes of it, and what a denoiser does."""
    noise = torch.randn(x.shape, generator=runtime.generator(seed))

    @torch.no_grad()
    def render(scale: float, digit: int) -> Image.Image:
        clean = x[digit : digit + 1]
        noisy = clean + scale * noise[digit : digit + 1]
        made = [noisy, plain.reconstruct(noisy), denoiser.reconstruct(noisy)]
        names = (f"noise of scale {scale:.2f}", "trained on clean digits", "trained on noisy digits")
        words = [f"{name}:\nsquared error {squared_error(clean, y).item():.1f}" for name, y in zip(names, made, strict=True)]
        return _sheet([y[0].clamp(0, 1) for y in made], words)

    controls = [
        Slider("scale", "scale of the noise", 0.0, most, value=0.5, step=0.05),
        Slider("digit", "which digit", 0, len(x) - 1, value=0, step=1),
    ]
    alt = "A noisy digit, what a plain autoencoder makes of it, and what a denoising one does, and their squared errors."
    return Panel(render, controls, title="Clean it", alt=alt)


def painted(inputs: int, kernel: int, stride: int) -> Tensor:
    """How often a transposed convolution paints each pixel of a square, from `inputs` × `inputs` places: (size, size)."""
    ones = torch.ones(1, 1, inputs, inputs)
    return torch.nn.functional.conv_transpose2d(ones, torch.ones(1, 1, kernel, kernel), stride=stride)[0, 0]


def overlaps(inputs: int = 6) -> Panel:
    """How often a transposed convolution paints each pixel, by its kernel and its stride: where checkerboards come from."""

    def render(kernel: int, stride: int) -> Image.Image:
        counts = painted(inputs, kernel, stride)
        side = 4 * inputs + 2  # the largest of all
        inside = slice(kernel - 1, len(counts) - kernel + 1)  # what windows beyond the rim would not reach
        middle = counts[inside, inside]
        words = f"a pixel in the middle is painted\n{' or '.join(f'{c:.0f}' for c in middle.unique())} times"
        sheet = np.full((side, side), 60, np.uint8)
        sheet[: len(counts), : len(counts)] = (255 * counts / counts.max()).byte().numpy()
        return _sheet([sheet], [words], scale=9)

    controls = [Slider("kernel", "kernel", 1, 6, value=3, step=1), Slider("stride", "stride", 1, 4, value=2, step=1)]
    alt = "Pixels, brighter where more windows overlap; a checkerboard where the stride does not divide the kernel."
    return Panel(render, controls, title="How often is a pixel painted?", alt=alt)


def _sheet(images: Sequence[Tensor | np.ndarray], words: Sequence[str], scale: int = 6) -> Image.Image:
    """Images side by side, enlarged, with two lines below each."""
    tiles = [plots.to_image(image, scale) for image in images]
    sheet = Image.new("RGB", (sum(tile.width + 12 for tile in tiles), tiles[0].height + 46), "white")
    pen, left = ImageDraw.Draw(sheet), 6
    for tile, text in zip(tiles, words, strict=True):
        sheet.paste(tile, (left, 4))
        pen.text((left, tile.height + 8), text, fill="black", font=_FONT)
        left += tile.width + 12
    return sheet
