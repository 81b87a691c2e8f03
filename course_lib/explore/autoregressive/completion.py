"""Erase a part of a digit with the mouse, and let an autoregressive model draw several exact completions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.autoregressive.pixels import font
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.models.autoregressive import MADE, AutoregressiveModel, OrderlessNADE
from course_lib.models.inputs import check_binary

SCALE = 6
PAPER = 255 * np.array(to_rgb(plots.ORANGE)) * 0.28
INK = 255 * np.array(to_rgb(plots.ORANGE))


def _known_first(erased: Tensor) -> list[int]:
    """An order that puts what is left before what was erased, each in raster order. erased: booleans (H, W)."""
    return torch.cat([(~erased.flatten()).nonzero()[:, 0], erased.flatten().nonzero()[:, 0]]).tolist()


def _to_the_end(erased: Tensor) -> Tensor:
    """Everything from the first erased pixel on, in raster order: what a model of that order can complete."""
    return (erased.flatten().cumsum(0) > 0).view_as(erased)


@torch.no_grad()
def complete(
    model: AutoregressiveModel, x: Tensor, erased: Tensor, *, copies: int = 8, seed: int = 0
) -> tuple[Tensor, Tensor, float]:
    """Exact completions of one image.

    A model for any order (OrderlessNADE, or MADE trained with any_order) is given an order with the known pixels first.
    A model with one order, which must be raster order, can complete an end of it only: `erased` then grows down to the
    last pixel.

    Args:
        x: (1, H, W) of 0 and 1. erased: booleans (H, W). copies: how many completions.

    Returns (copies (copies, 1, H, W), erased (H, W) as it was used, -log p(the true rest | what is left) in nats).
    """
    check_binary(x[None], model.event_shape)
    if isinstance(model, OrderlessNADE) or (isinstance(model, MADE) and model.any_order):
        model = model.with_order(_known_first(erased))
    else:
        erased = _to_the_end(erased)
    nats = -model.conditionals(x[None]).log_prob(x[None]).flatten()[erased.flatten()].sum().item()
    many = x.expand(copies, *x.shape)
    if not erased.any():
        return many, erased, nats
    known = ~erased[None].expand(model.event_shape)
    return model.complete(many, known, generator=runtime.generator(seed)), erased, nats


def erase_and_complete(
    model: AutoregressiveModel, digits: Tensor, *, raster: AutoregressiveModel | None = None, copies: int = 4, seed: int = 0
) -> Panel:
    """Rub out a part of a digit with the mouse: `copies` ways to fill it in, drawn from p(erased | the rest).

    Args:
        model: one for any order: OrderlessNADE, or MADE trained with any_order.
        digits: (B, 1, H, W) of 0 and 1.
        raster: a model in raster order, offered beside it; it redraws everything from the first erased pixel on.
        copies: completions at a time.
        seed: of the first ones; "draw again" counts on from it.
    """
    shape = tuple(model.event_shape[-2:])
    models = {"any order": model} | ({} if raster is None else {"raster order": raster})

    @lru_cache(maxsize=16)
    def completed(who: str, digit: int, mask: bytes, seed: int) -> tuple[Tensor, Tensor, float]:
        erased = torch.tensor(np.frombuffer(mask, bool)).reshape(shape)
        return complete(models[who], digits[digit], erased, copies=copies, seed=seed)

    def render(erased: np.ndarray, digit: int, who: str = "any order", again: int = 0) -> Image.Image:
        mask = np.ascontiguousarray(erased, dtype=bool).tobytes()
        drawn, used, nats = completed(who, digit, mask, seed + again)
        return _sheet(drawn[:, 0].numpy() > 0, used.numpy(), nats)

    start = np.zeros(shape, bool)
    start[shape[0] // 2 :] = True
    controls = [
        Canvas("erased", "paint over what is to go", shape=shape, background=lambda digit, **_: digits[digit, 0], value=start),
        Slider("digit", "which digit", 0, len(digits) - 1, value=0, step=1),
        Button("again", "draw again"),
    ]
    if raster is not None:
        controls.insert(2, Choice("who", "model", list(models)))
    return Panel(
        render,
        controls,
        title="Erase a part, complete it",
        alt=f"{copies} completions of one digit: what was left in black and white, what the model drew in orange.",
    )


def _sheet(drawn: np.ndarray, erased: np.ndarray, nats: float) -> Image.Image:
    """Completions (N, H, W) in two rows; the pixels that the model drew are orange. Below, what the true rest costs."""
    columns = -(-len(drawn) // 2)
    high, wide = (side * SCALE for side in drawn.shape[1:])
    sheet = Image.new("RGB", (columns * (wide + 6) + 6, 2 * (high + 6) + 48), "white")
    for index, ink in enumerate(drawn[..., None]):
        picture = np.where(erased[..., None], np.where(ink, INK, PAPER), np.where(ink, 255, 0)).astype(np.uint8)
        row, column = divmod(index, columns)
        tile = Image.fromarray(picture).resize((wide, high), Image.Resampling.NEAREST)
        sheet.paste(tile, (6 + column * (wide + 6), 6 + row * (high + 6)))
    count = int(erased.sum())
    line = (
        f"{count} pixels erased; what really stood there\ncosts {nats:.1f} nats given the rest" if count else "nothing erased yet"
    )
    ImageDraw.Draw(sheet).text((8, sheet.height - 40), line, fill="black", font=font(13))
    return sheet
