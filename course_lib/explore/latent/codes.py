"""Explorers of codes: click a plane of codes, squeeze digits through a bottleneck, remove noise, count overlapping kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider
from course_lib.explore.kit.plane import CELLS, SIDE, Plane, nearest
from course_lib.explore.kit.sheet import with_words
from course_lib.metrics.reconstruction import errors
from course_lib.models.latent.autoencoder import Autoencoder, squared_error
from course_lib.models.latent.pca import PCA


@explorer
def latent_plane(
    decode: Callable[[Tensor], Tensor],
    codes: Tensor,
    labels: Tensor | None = None,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
    shown: int = 1_000,
    title: str = "Click anywhere on the plane of codes",
) -> Panel:
    """Click or drag on the plane of codes: what the decoder makes of that place, and how far the nearest code is.

    Args:
        decode: codes (B, 2) -> images (B, C, H, W) with values in [0, 1], both on the CPU; the mean, where a model gives a
            distribution. A method of a model on a GPU is taken from a copy on the CPU.
        codes: (N, 2), of real examples. labels: (N,), classes 0 to 9, drawn as digits; without labels, dots are drawn.
        spans: (lowest, highest) of each of the two numbers; None takes the middle 99 % of the codes and a fifth more per side.
        shown: how many codes are drawn, the first ones. The distance is to the nearest of all codes.

    Raises ValueError when the codes have another shape than (N, 2).
    """
    codes = codes.detach().float()
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"codes have shape {tuple(codes.shape)}; expected (N, 2): the plane has two directions")
    if labels is not None and labels.shape != codes.shape[:1]:
        raise ValueError(f"labels have shape {tuple(labels.shape)}; expected one for each of {len(codes)} codes")
    plane = Plane.around(codes) if spans is None else Plane(*torch.tensor(spans).float().T)
    low, high = plane.low, plane.high
    background = plane.picture(codes[:shown], None if labels is None else labels[:shown])

    @torch.no_grad()
    def render(place: tuple[int, int]) -> Image.Image:
        z = plane.at(place)
        image = decode(z[None])[0].clamp(0, 1)
        words = f"z = ({z[0]:.2f}, {z[1]:.2f})\n{nearest(codes, z)}"
        return _sheet([image], [words], scale=max(1, 252 // image.shape[-1]))

    label = f"click or drag: across {low[0]:.3g} to {high[0]:.3g}, up {low[1]:.3g} to {high[1]:.3g}"
    return Panel(
        render,
        [Pick("place", label, shape=(CELLS, CELLS), background=background, tint=plots.VERMILION, side=SIDE)],
        title=title,
        alt="Left: the codes of real examples on a plane. Right: what the decoder makes of the place that was clicked.",
    )


@explorer
def bottleneck(models: Mapping[int, Autoencoder], pca: PCA, x: Tensor) -> Panel:
    """One digit through wider and wider codes, by an autoencoder and by PCA, with their squared errors.

    Args:
        models: width of the code -> autoencoder. pca: with at least as many components as the widest code.
        x: (N, 1, H, W), digits to choose from.
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


@explorer
def denoise(plain: Autoencoder, denoiser: Autoencoder, x: Tensor, *, most: float = 1.5, seed: int = 0) -> Panel:
    """Add more and more noise to a digit: how an autoencoder trained without noise rebuilds it, and how a denoising one does.

    Args:
        plain: trained on clean digits. denoiser: trained on noisy ones. x: (N, 1, H, W), digits to choose from.
        most: the largest scale (standard deviation) of the noise. seed: of the noise.
    """
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
    """How many kernels of a transposed convolution of `inputs` × `inputs` pixels cover each pixel of its output: (size, size)."""
    ones = torch.ones(1, 1, inputs, inputs)
    return torch.nn.functional.conv_transpose2d(ones, torch.ones(1, 1, kernel, kernel), stride=stride)[0, 0]


@explorer
def overlaps(inputs: int = 6) -> Panel:
    """How many kernels of a transposed convolution cover each output pixel, by size and stride: why checkerboards appear."""

    def render(kernel: int, stride: int) -> Image.Image:
        counts = painted(inputs, kernel, stride)
        side = 4 * inputs + 2  # the largest of all
        inside = slice(kernel - 1, len(counts) - kernel + 1)  # pixels that no kernel outside the rim would reach
        middle = counts[inside, inside]
        words = f"a pixel in the middle is painted\n{' or '.join(f'{c:.0f}' for c in middle.unique())} times"
        sheet, start = np.full((side, side, 3), 255, np.uint8), (side - len(counts)) // 2
        shades = plots.as_uint8(1 - counts / counts.max().clamp(min=1))  # white is never painted, as the page
        sheet[start : start + len(counts), start : start + len(counts)] = shades[..., None]
        return _sheet([sheet], [words], scale=15)

    controls = [Slider("kernel", "kernel", 1, 6, value=3, step=1), Slider("stride", "stride", 1, 4, value=2, step=1)]
    alt = "Pixels on white, darker where more windows overlap; a checkerboard where the stride does not divide the kernel."
    return Panel(render, controls, title="How often is a pixel painted?", alt=alt)


def _sheet(images: Sequence[Tensor | np.ndarray], words: Sequence[str], scale: int = 6) -> Image.Image:
    """Enlarged images side by side, with two lines of words below each."""
    tiles = [plots.to_image(image, scale) for image in images]
    return with_words(tiles, words, gap=12, edge=(6, 4), room=42, offset=(0, 4))
