"""Explorers of a latent space: move one coordinate at a time, and compare values of beta.

Each move of a slider decodes a few codes at most. What does not depend on that slider is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.controls import Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, font, paste_row
from course_lib.explore.latent.tiles import enlarged, in_use, nats_by_coordinate, pictures
from course_lib.metrics.disentanglement import information_shares
from course_lib.models.latent import VAE

FACE, SMALL = 340, 120  # screen pixels of the picture that was made, and of those beside it
TILE, NAMES = 64, 124  # of a picture in a row, and of the words before the row


@explorer
def traversal(model: VAE, x: Tensor, *, most: int = 6) -> Panel:
    """One slider per coordinate that the model uses: its value is added to the code of one picture.

    Args:
        model: with codes of L coordinates; the coordinates with the largest KL come first.
        x: pictures (B, C, H, W) to begin with.
        most: how many sliders at most.
    """
    nats = nats_by_coordinate(model, x)
    order = in_use(nats, most)
    with torch.no_grad():
        codes = model.encode(x).mean  # (B, L)
    reach = max(3.0, math.ceil(codes.abs().max().item()) + 1.0)

    @lru_cache(maxsize=32)
    def start(which: int) -> list[Image.Image]:
        return [enlarged(x[which], SMALL), *pictures(model, codes[which : which + 1], SMALL)]

    def render(which: int, **added: float) -> Image.Image:
        z = codes[which].clone()
        for name, value in added.items():
            z[int(name[1:])] += value
        sheet = Image.new("RGB", (FACE + SMALL + 3 * GAP, FACE + 150), "white")
        pen, right = ImageDraw.Draw(sheet), FACE + 2 * GAP
        sheet.paste(pictures(model, z[None], FACE)[0], (GAP, 24))
        pen.text((GAP, 4), "decoded from the code moved", fill="black", font=font(14))
        for row, (words, tile) in enumerate(zip(("the picture", "its code, decoded"), start(which), strict=True)):
            pen.text((right, 4 + row * (SMALL + 28)), words, fill="black", font=font(13))
            sheet.paste(tile, (right, 24 + row * (SMALL + 28)))
        _bars(pen, codes[which].tolist(), z.tolist(), reach, (GAP, FACE + 32), (FACE + SMALL, 94))
        return sheet

    controls = [Slider("which", "which picture", 0, len(x) - 1, value=0, step=1)]
    controls += [Slider(f"z{index}", f"added to z{index + 1} ({nats[index]:.1f} nats)", -3.0, 3.0, 0.0, 0.1) for index in order]
    return Panel(
        render, controls, title="Push one coordinate",
        alt="The picture that is decoded when coordinates are moved, large; beside it the original and its code, decoded; below, "
        "the code as bars.",
    )  # fmt: skip


def _bars(
    pen: ImageDraw.ImageDraw, before: list[float], after: list[float], reach: float, at: tuple[int, int], size: tuple[int, int]
) -> None:
    """The coordinates as bars from a line in the middle: blue is the code, orange is what was added."""
    (left, top), (width, height) = at, size
    step, middle = width / len(before), top + height / 2
    pen.text((left, top - 2), f"z, from -{reach:g} to {reach:g}", fill="#555555", font=font(11))
    pen.line([(left, middle), (left + width, middle)], fill="#999999")
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        across = left + (index + 0.5) * step
        first, last = (middle - value / reach * height / 2 for value in (old, max(-reach, min(reach, new))))
        for low, high, colour in ((middle, first, plots.BLUE), (first, last, plots.ORANGE)):
            box = (across - step / 5, min(low, high), across + step / 5, max(low, high))
            if box[3] - box[1] >= 1:
                pen.rectangle(box, fill=colour)
        pen.text((across, top + height + 2), f"z{index + 1}", fill="black", font=font(11), anchor="mt")


@explorer
def beta_scrubber(
    models: Mapping[float, VAE], x: Tensor, factors: Tensor, names: Sequence[str], *, most: int = 6, shown: int = 5
) -> Panel:
    """A slider over models trained with larger and larger beta: their reconstructions, and what each coordinate does.

    Args:
        models: beta -> model, in increasing order of beta.
        x: some thousands of pictures (B, C, H, W). factors: (B, K), from which they were drawn, called `names`.
        most: how many coordinates are shown, those with the largest KL. shown: pictures per row.
    """
    betas = list(models)
    away = torch.linspace(-2, 2, shown)

    def told_of(place: int) -> tuple[Tensor, list[tuple[int, str]], str]:
        """The codes of the pictures, the coordinates with the factor that each tells most about, and the heading."""
        model = models[betas[place]]
        with torch.no_grad():
            q = model.encode(x)
            nats, error = nats_by_coordinate(model, x), (model.decode(q.mean).mean - x).square().mean().sqrt()
        shares = information_shares(q.sample(generator=runtime.generator(place)), factors)  # (L, K)
        words = []
        for index in in_use(nats, most):
            best = int(shares[index].argmax())
            words.append((index, f"z{index + 1}: {nats[index]:.1f} nats\n{names[best]} {shares[index, best]:.2f}"))
        heading = f"beta = {betas[place]:g}: error {error:.3f} per value, {nats.sum():.1f} nats in z"
        return q.mean[:shown], words, heading

    about = [told_of(place) for place in range(len(betas))]  # now, so that no move has to wait for a thousand pictures

    @lru_cache(maxsize=64)
    def rows(place: int, which: int) -> list[list[Image.Image]]:
        model, (codes, words, _) = models[betas[place]], about[place]
        made = [[enlarged(picture, TILE) for picture in x[:shown]], pictures(model, codes[:shown], TILE)]
        for index, _ in words:
            z = codes[which].repeat(shown, 1)
            z[:, index] = away
            made.append(pictures(model, z, TILE))
        return made

    def render(place: int, which: int) -> Image.Image:
        _, words, heading = about[place]
        labels = ["pictures", "reconstructed", *(text for _, text in words)]
        step = TILE + 2
        sheet = Image.new("RGB", (NAMES + shown * step + GAP, 30 + (most + 2) * step), "white")
        pen = ImageDraw.Draw(sheet)
        pen.text((GAP, 6), heading, fill="black", font=font(14))
        for index, (label, tiles) in enumerate(zip(labels, rows(place, which), strict=True)):
            top = 30 + index * step
            pen.text((GAP, top + 12), label, fill="black", font=font(13), spacing=3)
            paste_row(sheet, tiles, NAMES, top, 2)
        return sheet

    several = f"beta: {', '.join(f'{beta:g}' for beta in betas)}"
    controls = [
        Slider("place", several, 0, len(betas) - 1, value=0, step=1),
        Slider("which", "picture whose code is moved", 0, shown - 1, value=0, step=1),
    ]
    return Panel(
        render, controls, title="Turn up beta",
        alt="Pictures, their reconstructions, and a row for each of the coordinates with the most nats: one code with that "
        "coordinate moved from -2 to 2, with the factor that it tells most about.",
    )  # fmt: skip
