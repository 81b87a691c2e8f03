"""Explorers of autoregressive models of binary images: watch an image being drawn, compare orders.

Everything that a slider can ask for is computed once per image; a move of the slider only looks up arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import MAP_GAP, MAP_SCALE, MAP_TOP, font, map_sheet, place_map, shades
from course_lib.models.autoregressive import MADE, AutoregressiveModel, OrderlessNADE, orders
from course_lib.models.inputs import check_binary

MOST_SURPRISE = 4.0  # nats; the brightest shade of the surprise map
_UNKNOWN = np.array([52, 56, 66], np.uint8)
_ORANGE = 255 * np.array(to_rgb(plots.ORANGE))


@dataclass(frozen=True)
class Played:
    """One image of D pixels as an autoregressive model sees it, pixel by pixel.

    order (D,): the index of the k-th pixel. The other arrays are indexed by the pixel:
    x (D,): its value, 0 or 1. probs (D,): p(ink | the pixels before it). nats (D,): -log p(x_d | the pixels before it).
    futures (D + 1, D), bytes: row k tells how often each pixel is ink among exact completions of the first k pixels,
    255 for always.
    """

    order: np.ndarray
    x: np.ndarray
    probs: np.ndarray
    nats: np.ndarray
    futures: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """-log p of the first k pixels in nats, for k = 0 … D: (D + 1,)."""
        return np.concatenate([[0.0], self.nats[self.order].cumsum()])


@torch.no_grad()
def play(model: AutoregressiveModel, x: Tensor, *, streams: int = 12, seed: int = 0) -> Played:
    """Everything that the player shows of one binary image x (*event_shape).

    Each of `streams` sources of noise, seeded by `seed`, gives one completion after every number k of known pixels. The
    completion after k + 1 pixels is the completion after k pixels, unless its next pixel differs from that of x. So completions
    are drawn again only where x proved them wrong.
    """
    check_binary(x[None], model.event_shape)
    given = model.conditionals(x[None])
    flat, probs = x.flatten(), given.probs.flatten()  # (D), (D)
    order = torch.tensor(model.order)
    noise = model.noise(streams, runtime.generator(seed))  # (M, D, 1)
    proved_wrong = (noise[:, order, 0] < probs[order]) != (flat[order] > 0)  # (M, D), in the order
    begins = torch.cat([torch.ones(streams, 1, dtype=torch.bool), proved_wrong], 1)  # (M, D + 1)
    stream, start = begins.nonzero(as_tuple=True)  # (R,), (R,)
    completed = model.sample_from_noise(noise[stream], flat.expand(len(stream), -1), start)  # (R, D)
    which = begins.flatten().cumsum(0).view_as(begins) - 1  # (M, D + 1): which completion holds after k pixels
    futures = sum(completed[row] for row in which) / streams  # (D + 1, D)
    nats = -given.log_prob(x[None]).flatten()
    return Played(order.numpy(), flat.numpy(), probs.numpy(), nats.double().numpy(), (255 * futures).byte().numpy())


@explorer
def pixel_player(
    models: Mapping[str, AutoregressiveModel], digits: Tensor | None = None, *, streams: int = 12, seed: int = 0
) -> Panel:
    """A slider over the number of known pixels: what is drawn, what may come, and -log p of each pixel in nats.

    Args:
        models: name -> autoregressive model of binary images (1, H, W).
        digits: (B, 1, H, W) of 0 and 1, offered beside the models' own samples; None offers samples only.
        streams: how many completions show what may come.
        seed: of the first sample; each click on "draw again" adds 1.
    """
    shape = next(iter(models.values())).event_shape[-2:]
    size = shape[0] * shape[1]
    sources = ["a sample of the model"] + ([] if digits is None else ["a test digit"])

    @lru_cache(maxsize=8)
    def played(model: str, source: str, again: int) -> Played:
        chosen = models[model]
        if source == "a test digit":
            return play(chosen, digits[again % len(digits)], streams=streams, seed=seed + again)
        return play(chosen, chosen.sample(1, generator=runtime.generator(seed + again))[0], streams=streams, seed=seed + again)

    def render(k: int, model: str, source: str, again: int) -> Image.Image:
        return _draw(played(model, source, again), k, shape)

    controls = [
        Slider("k", "pixels known", 0, size, value=int(0.55 * size), step=1, play=40),
        Choice("model", "model", list(models), value=next(iter(models))),
        Choice("source", "of", sources, value=sources[-1]),
        Button("again", "draw again"),
    ]
    return Panel(
        render,
        controls,
        title="Pixel by pixel",
        alt="Left: the pixels known so far, and in orange where the model's completions would put ink. Middle: the "
        "probability of ink each pixel had when its turn came. Right: the nats that each pixel needs.",
    )


def _draw(played: Played, k: int, shape: tuple[int, int]) -> Image.Image:
    """Three maps side by side, and a line of numbers below them."""
    size = len(played.x)
    known = np.zeros(size, bool)
    known[played.order[:k]] = True
    ink = np.where(known, 255 * played.x, 0)[:, None].repeat(3, 1)
    ghost = _UNKNOWN + (played.futures[k][:, None] / 255) * (_ORANGE - _UNKNOWN)
    expected = np.where(known[:, None], 255 * played.probs[:, None], _UNKNOWN)
    heat = shades(played.nats / MOST_SURPRISE)
    surprise = np.where(known[:, None], heat, _UNKNOWN)
    maps = [np.where(known[:, None], ink, ghost), expected, surprise]
    canvas, draw = map_sheet(len(maps), shape, below=26)
    names = ("known, and what may come", "p(ink) when its turn came", f"nats needed (brightest: {MOST_SURPRISE:g} and more)")
    for column, (picture, name) in enumerate(zip(maps, names, strict=True)):
        place_map(canvas, draw, column, picture.reshape(*shape, 3), name)
    line = f"{k} of {size} known   ·   {played.total[k]:.1f} of {played.total[-1]:.1f} nats"
    if k < size:
        d = played.order[k]
        top, left = divmod(int(d), shape[1])
        corner = (MAP_GAP + left * MAP_SCALE, MAP_TOP + top * MAP_SCALE)
        draw.rectangle([*corner, corner[0] + MAP_SCALE, corner[1] + MAP_SCALE], outline=plots.SKY, width=2)
        line += f"   ·   next pixel (blue frame): ink with probability {played.probs[d]:.3f}"
    draw.text((MAP_GAP, canvas.height - 24), line, fill="black", font=font())
    return canvas


@explorer
def order_explorer(model: MADE | OrderlessNADE, digits: Tensor, *, seed: int = 0) -> Panel:
    """The same digits in several orders of one network: which pixels come first, and -log p of the digit in nats.

    Args:
        model: one that takes any order: OrderlessNADE or AnyOrderMADE. All orders are computed at the start.
        digits: (B, 1, H, W) of 0 and 1.
        seed: of the random order.
    """
    shape = model.event_shape[-2:]
    named = orders(shape, seed=seed)
    with torch.no_grad():
        nats = {
            name: -model.with_order(order).conditionals(digits).log_prob(digits).flatten(1).double().numpy()
            for name, order in named.items()
        }  # (B, D) each
    totals = {name: nats[name][:, order].cumsum(1) for name, order in named.items()}  # (B, D), in the order

    def render(k: int, order: str, digit: int) -> Image.Image:
        canvas, draw = map_sheet(4, shape)
        known = np.zeros(shape[0] * shape[1], bool)
        known[named[order][:k]] = True
        ink = np.where(known[:, None], 255 * digits[digit].flatten().numpy()[:, None], _UNKNOWN)
        heat = shades(nats[order][digit] / MOST_SURPRISE)
        place_map(canvas, draw, 0, ink.reshape(*shape, 3), f"{k} pixels known")
        place_map(canvas, draw, 1, np.where(known[:, None], heat, _UNKNOWN).reshape(*shape, 3), "nats of each")
        _curves(draw, {name: rows[digit] for name, rows in totals.items()}, order, k, shape)
        return canvas

    controls = [
        Slider("k", "pixels known", 0, shape[0] * shape[1], value=shape[0] * shape[1] // 2, step=1, play=40),
        Choice("order", "order", list(named), value="rows"),
        Slider("digit", "which digit", 0, len(digits) - 1, value=0, step=1),
    ]
    return Panel(
        render,
        controls,
        title="One digit, several orders",
        alt="Left: the pixels seen so far in the chosen order, and the nats of each. Right: nats so far against pixels "
        "known, one line per order; a line ends at the total.",
    )


def _curves(draw: ImageDraw.ImageDraw, totals: Mapping[str, np.ndarray], chosen: str, k: int, shape: tuple[int, int]) -> None:
    """Nats against known pixels: one line per order, the chosen one thick; a bar at k; the totals as a legend."""
    high, wide = shape[0] * MAP_SCALE, shape[1] * MAP_SCALE
    left, top = 2 * (wide + MAP_GAP) + 3 * MAP_GAP, MAP_TOP
    right, bottom = left + int(1.15 * wide), top + high - 18
    count = len(next(iter(totals.values())))
    most = max(max(line[-1] for line in totals.values()), 1e-9)
    draw.text((left, 4), "nats so far, against pixels known", fill="black", font=font())
    for share in (0.5, 1.0):
        level = bottom - (bottom - top) * share
        draw.line([(left, level), (right, level)], fill=(225, 225, 225))
        draw.text((left + 4, level), f"{share * most:.0f}", fill=(90, 90, 90), font=font(12))
    draw.line([(left, top), (left, bottom), (right, bottom)], fill="black")
    bar = left + (right - left) * k / count
    draw.line([(bar, top), (bar, bottom)], fill=(190, 190, 190), width=2)
    for row, (name, line) in enumerate(totals.items()):
        across = left + (right - left) * np.arange(0, count, 4) / count
        up = bottom - (bottom - top) * line[::4] / most
        colour = plots.PALETTE[row]
        draw.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=colour, width=4 if name == chosen else 2)
        at = (right + 8, top + 8 + 22 * row)
        draw.line([(at[0], at[1] + 8), (at[0] + 14, at[1] + 8)], fill=colour, width=4)
        draw.text((at[0] + 20, at[1]), f"{line[-1]:.1f}  {name}", fill="black", font=font(15 if name == chosen else 13))
    draw.text((left, bottom + 2), "0", fill="black", font=font(12))
    draw.text((right - 24, bottom + 2), str(count), fill="black", font=font(12))
