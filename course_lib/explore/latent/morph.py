"""From one picture to another: three ways beside each other, and one slider through several faces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.controls import Button, Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, font, paste_row
from course_lib.explore.latent.tiles import decoded, enlarged, pictures
from course_lib.models.latent import VAE
from course_lib.models.latent.paths import lerp, slerp

WAYS = {"mixed pixels": None, "straight in z": lerp, "along the sphere": slerp}
SMALL, BIG = 56, 128  # screen pixels of a picture in a row, and of the one at the slider's place
STOP, FACE = 66, 400  # of a stop of the morph, and of the face between two stops


@explorer
def interpolation(sets: Mapping[str, tuple[VAE, Tensor]], *, steps: int = 6, seed: int = 0) -> Panel:
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
                rows.append(([enlarged(picture, side) for picture in mixed], []))
            else:
                z = way(codes[name][a].expand(len(t), -1), codes[name][b].expand(len(t), -1), t)
                rows.append((pictures(model, z, side), z.norm(dim=-1).tolist()))
        return rows

    @lru_cache(maxsize=16)
    def whole(name: str, a: int, b: int) -> list[list[Image.Image]]:
        return [row for row, _ in between(name, a, b, torch.linspace(0, 1, steps)[:, None], SMALL)]

    def render(t: float, data: str, a: int, b: int) -> Image.Image:
        rows, here = whole(data, a, b), between(data, a, b, torch.tensor([[t]]), BIG)
        left, high = steps * (SMALL + 2) + 2 * GAP, BIG + 24
        sheet = Image.new("RGB", (left + BIG + GAP, 3 * (high + GAP) + 20), "white")
        pen = ImageDraw.Draw(sheet)
        size = codes[data].shape[1]
        for index, name in enumerate(WAYS):
            top = GAP + index * (high + GAP)
            (big,), norm = here[index]
            words = f"{name}; |z| = {norm[0]:.2f}" if norm else name
            pen.text((GAP, top), words, fill="black", font=font(14))
            paste_row(sheet, rows[index], GAP, top + 48, 2)
            sheet.paste(big, (left, top + 20))
            mark, below = GAP + SMALL / 2 + t * (steps - 1) * (SMALL + 2), top + 50 + SMALL
            pen.polygon([(mark, below), (mark - 6, below + 10), (mark + 6, below + 10)], fill=plots.VERMILION)
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
def morph(model: VAE, x: Tensor, *, stops: int = 5, seed: int = 0) -> Panel:
    """One slider through several pictures and back to the first: each leg is a straight line between two codes.

    The code of a picture is the mean of q(z | x). Near a stop the walk slows down.

    Args:
        model: of colour pictures.
        x: pictures (B, C, H, W) to stop at; at least `stops` of them.
        seed: of the choice of the stops.
    """
    if len(x) < stops:
        raise ValueError(f"there are {len(x)} pictures; expected at least {stops}, one for each stop")
    with torch.no_grad():
        codes = model.encode(x).mean  # (B, L)

    @lru_cache(maxsize=16)
    def chosen(again: int) -> tuple[list[int], list[Image.Image]]:
        """The pictures at which the walk stops, the first once more at the end, and how they are decoded."""
        order = torch.randperm(len(x), generator=runtime.generator(seed + again))[:stops].tolist()
        order.append(order[0])
        return order, pictures(model, codes[order], STOP)

    def render(place: float, again: int, way: str) -> Image.Image:
        order, tiles = chosen(again)
        leg = min(int(place), stops - 1)
        share = place - leg
        share = share * share * (3 - 2 * share)  # slow at both ends of a leg
        a, b = order[leg], order[leg + 1]
        made = lerp(x[a], x[b], share) if way == "pixels" else decoded(model, lerp(codes[a], codes[b], share)[None])[0]
        wide = (stops + 1) * (STOP + 2)
        sheet = Image.new("RGB", (max(wide, FACE) + 2 * GAP, FACE + STOP + 26), "white")
        sheet.paste(enlarged(made, FACE), ((sheet.width - FACE) // 2, 0))
        paste_row(sheet, tiles, GAP, FACE + 6, 2)
        mark, below = GAP + STOP / 2 + (leg + share) * (STOP + 2), FACE + STOP + 8
        ImageDraw.Draw(sheet).polygon([(mark, below), (mark - 8, below + 14), (mark + 8, below + 14)], fill=plots.VERMILION)
        return sheet

    controls = [
        Slider("place", "how far along the walk", 0.0, float(stops), value=0.5, step=0.02, play=40),
        Button("again", "other faces"),
        Choice("way", "mix", ["codes", "pixels"]),
    ]
    alt = "A large face between two of the small ones below it; a mark shows where the walk is."
    return Panel(render, controls, title="A walk through faces", alt=alt)
