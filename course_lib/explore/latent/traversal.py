"""Explorers of a latent space: move one coordinate at a time, go from one picture to another, and compare values of beta.

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
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, font, paste_row
from course_lib.metrics.disentanglement import information_shares
from course_lib.models.latent import VAE
from course_lib.models.latent.paths import lerp, slerp

USED = 0.1  # nats: a coordinate with a smaller KL tells almost nothing about the picture


@torch.no_grad()
def nats_by_coordinate(model: VAE, x: Tensor) -> Tensor:
    """KL(q(z_l | x) || p(z_l)) of each coordinate in nats, averaged over examples x (B, *event_shape): (L,)."""
    return model.encode(x).kl_by_coordinate(model.prior()).mean(0)


@torch.no_grad()
def pictures(model: VAE, z: Tensor, side: int) -> list[Image.Image]:
    """The means of p(x | z) for codes (B, L), as B pictures of `side` by `side` pixels."""
    return [_enlarged(x, side) for x in model.decode(z).mean.clamp(0, 1)]


def _enlarged(x: Tensor, side: int) -> Image.Image:
    return Image.fromarray(plots.as_uint8(x)).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


@explorer
def traversal(model: VAE, x: Tensor, *, most: int = 6) -> Panel:
    """One slider per coordinate that the model uses: its value is added to the code of one picture.

    Args:
        model: with codes of L coordinates; the coordinates with the largest KL come first.
        x: pictures (B, C, H, W) to begin with.
        most: how many sliders at most.
    """
    nats = nats_by_coordinate(model, x)
    order = [index for index in nats.argsort(descending=True).tolist() if nats[index] > USED][:most]
    order = order or [int(nats.argmax())]
    with torch.no_grad():
        codes = model.encode(x).mean  # (B, L)
    reach = max(3.0, math.ceil(codes.abs().max().item()) + 1.0)

    @lru_cache(maxsize=32)
    def start(which: int) -> list[Image.Image]:
        return [_enlarged(x[which], 192), *pictures(model, codes[which : which + 1], 192)]

    def render(which: int, **added: float) -> Image.Image:
        z = codes[which].clone()
        for name, value in added.items():
            z[int(name[1:])] += value
        sheet = Image.new("RGB", (3 * 192 + 4 * GAP, 192 + 134), "white")
        paste_row(sheet, [*start(which), *pictures(model, z[None], 192)], GAP, 24)
        pen = ImageDraw.Draw(sheet)
        for column, words in enumerate(("the picture", "decoded from its code", "decoded from the code moved")):
            pen.text((GAP + column * (192 + GAP), 4), words, fill="black", font=font(13))
        _bars(pen, codes[which].tolist(), z.tolist(), reach, (GAP, 226), (3 * 192, 84))
        return sheet

    controls = [Slider("which", "which picture", 0, len(x) - 1, value=0, step=1)]
    controls += [Slider(f"z{index}", f"added to z{index + 1} ({nats[index]:.1f} nats)", -3.0, 3.0, 0.0, 0.1) for index in order]
    return Panel(
        render, controls, title="Push one coordinate",
        alt="A picture, what is decoded from its code, and what is decoded when coordinates are moved; below, the code as bars.",
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


WAYS = {"mixed pixels": None, "straight in z": lerp, "along the sphere": slerp}


@explorer
def interpolation(sets: Mapping[str, tuple[VAE, Tensor]], *, steps: int = 9, seed: int = 0) -> Panel:
    """From one picture to another in three ways: mixed pixels, a straight line of codes, an arc of codes.

    Args:
        sets: name -> (model, pictures (B, C, H, W)). The code of a picture is one draw from q(z | x).
        steps: pictures in each row.
        seed: of the draws.
    """
    codes = {name: model.encode(x).sample(generator=runtime.generator(seed)) for name, (model, x) in sets.items()}
    smallest = min(len(x) for _, x in sets.values())

    def between(name: str, a: int, b: int, t: Tensor, side: int) -> list[tuple[list[Image.Image], list[float]]]:
        """For each way: the pictures at the places t (n, 1), and the norms of their z (none for mixed pixels)."""
        model, x = sets[name]
        rows = []
        for way in WAYS.values():
            if way is None:
                mixed = lerp(x[a][None], x[b][None], t[:, :, None, None])
                rows.append(([_enlarged(picture, side) for picture in mixed], []))
            else:
                z = way(codes[name][a].expand(len(t), -1), codes[name][b].expand(len(t), -1), t)
                rows.append((pictures(model, z, side), z.norm(dim=-1).tolist()))
        return rows

    @lru_cache(maxsize=16)
    def whole(name: str, a: int, b: int) -> list[list[Image.Image]]:
        return [row for row, _ in between(name, a, b, torch.linspace(0, 1, steps)[:, None], 48)]

    def render(t: float, data: str, a: int, b: int) -> Image.Image:
        rows, here = whole(data, a, b), between(data, a, b, torch.tensor([[t]]), 112)
        left, high = steps * 50 + 2 * GAP, 112 + 24
        sheet = Image.new("RGB", (left + 112 + GAP, 3 * (high + GAP) + 20), "white")
        pen = ImageDraw.Draw(sheet)
        size = codes[data].shape[1]
        for index, name in enumerate(WAYS):
            top = GAP + index * (high + GAP)
            (big,), norm = here[index]
            words = f"{name}; |z| = {norm[0]:.2f}" if norm else name
            pen.text((GAP, top), words, fill="black", font=font(13))
            paste_row(sheet, rows[index], GAP, top + 40, 2)
            sheet.paste(big, (left, top + 20))
            mark = GAP + 24 + t * (steps - 1) * 50
            pen.polygon([(mark, top + 94), (mark - 6, top + 104), (mark + 6, top + 104)], fill=plots.VERMILION)
        line = f"the prior's own draws: |z| near the root of {size}, {math.sqrt(size):.2f}"
        pen.text((GAP, sheet.height - 22), line, fill="#555555", font=font(13))
        return sheet

    controls = [
        Slider("t", "how far", 0.0, 1.0, 0.5, 0.02),
        Choice("data", "pictures", list(sets)),
        Slider("a", "from picture", 0, smallest - 1, value=0, step=1),
        Slider("b", "to picture", 0, smallest - 1, value=min(1, smallest - 1), step=1),
    ]
    return Panel(
        render, controls, title="From one picture to another",
        alt="Three rows of pictures from the first to the second: mixed pixels, a straight line of codes, and an arc of codes; "
        "the place chosen by the slider enlarged on the right.",
    )  # fmt: skip


@explorer
def beta_scrubber(
    models: Mapping[float, VAE], x: Tensor, factors: Tensor, names: Sequence[str], *, most: int = 6, shown: int = 8
) -> Panel:
    """A slider over models trained with larger and larger beta: their reconstructions, and what each coordinate does.

    Args:
        models: beta -> model, in increasing order of beta.
        x: some thousands of pictures (B, C, H, W). factors: (B, K), from which they were drawn, called `names`.
        most: how many coordinates are shown, those with the largest KL. shown: pictures per row.
    """
    betas = list(models)
    away = torch.linspace(-2, 2, shown)

    @lru_cache
    def about(place: int) -> tuple[Tensor, list[tuple[int, str]], str]:
        """The codes of the pictures, the coordinates with the factor that each tells most about, and the heading."""
        model = models[betas[place]]
        with torch.no_grad():
            q = model.encode(x)
            nats, error = nats_by_coordinate(model, x), (model.decode(q.mean).mean - x).square().mean().sqrt()
        shares = information_shares(q.sample(generator=runtime.generator(place)), factors)  # (L, K)
        order = [index for index in nats.argsort(descending=True).tolist() if nats[index] > USED][:most]
        words = []
        for index in order:
            best = int(shares[index].argmax())
            words.append((index, f"z{index + 1}: {nats[index]:.1f} nats\n{names[best]} {shares[index, best]:.2f}"))
        heading = f"beta = {betas[place]:g}: error {error:.3f} per value, {nats.sum():.1f} nats in z"
        return q.mean[: len(x)], words, heading

    @lru_cache(maxsize=64)
    def rows(place: int, which: int) -> list[list[Image.Image]]:
        model, (codes, words, _) = models[betas[place]], about(place)
        made = [[_enlarged(picture, 48) for picture in x[:shown]], pictures(model, codes[:shown], 48)]
        for index, _ in words:
            z = codes[which].repeat(shown, 1)
            z[:, index] = away
            made.append(pictures(model, z, 48))
        return made

    def render(place: int, which: int) -> Image.Image:
        _, words, heading = about(place)
        labels = ["pictures", "reconstructed", *(text for _, text in words)]
        sheet = Image.new("RGB", (132 + shown * 50 + GAP, 30 + (most + 2) * 52), "white")
        pen = ImageDraw.Draw(sheet)
        pen.text((GAP, 6), heading, fill="black", font=font(13))
        for index, (label, tiles) in enumerate(zip(labels, rows(place, which), strict=True)):
            top = 30 + index * 52
            pen.text((GAP, top + 8), label, fill="black", font=font(12), spacing=2)
            paste_row(sheet, tiles, 132, top, 2)
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
