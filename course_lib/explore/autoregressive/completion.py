"""Erase a part of a digit with the mouse: an autoregressive model draws several completions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib import runtime
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import enlarged, ink, with_words
from course_lib.models.autoregressive import AnyOrderMADE, AutoregressiveModel
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.diffusion.masked import MaskedDiffusion
from course_lib.models.inputs import check_binary

SCALE = 6  # screen pixels per pixel of the image
ROUNDS = {str(rounds): rounds for rounds in (1, 2, 4, 8, 16)}


def _known_first(erased: Tensor) -> list[int]:
    """An order in which the remaining pixels come before the erased ones, both in raster order. erased: booleans (H, W)."""
    return torch.cat([(~erased.flatten()).nonzero()[:, 0], erased.flatten().nonzero()[:, 0]]).tolist()


def _to_the_end(erased: Tensor) -> Tensor:
    """All pixels from the first erased one on, in raster order: a model of that order can complete nothing else."""
    return (erased.flatten().cumsum(0) > 0).view_as(erased)


@torch.no_grad()
def complete(
    model: AutoregressiveModel, x: Tensor, erased: Tensor, *, copies: int = 8, seed: int = 0
) -> tuple[Tensor, Tensor, float]:
    """Exact completions of one image.

    A model for any order (an AnyOrderModel or AnyOrderMADE) gets an order in which the known pixels come first.
    A model with one order, which must be raster order, can complete only an end of that order: `erased` then grows down to
    the last pixel.

    Args:
        x: (1, H, W) of 0 and 1. erased: booleans (H, W). copies: how many completions.

    Returns (copies (copies, 1, H, W), erased (H, W) as it was used, -log p(the true erased pixels | the others) in nats).
    """
    check_binary(x[None], model.event_shape)
    if isinstance(model, AnyOrderModel | AnyOrderMADE):
        model = model.with_order(_known_first(erased))
    else:
        erased = _to_the_end(erased)
    nats = -model.conditionals(x[None]).log_prob(x[None]).flatten()[erased.flatten()].sum().item()
    many = x.expand(copies, *x.shape)
    if not erased.any():
        return many, erased, nats
    known = ~erased[None].expand(model.event_shape)
    return model.complete(many, known, generator=runtime.generator(seed)), erased, nats


@explorer
def erase_and_complete(
    model: AutoregressiveModel, digits: Tensor, *, raster: AutoregressiveModel | None = None, copies: int = 4, seed: int = 0
) -> Panel:
    """Rub out a part of a digit with the mouse: `copies` ways to fill it in, drawn from p(erased | the rest).

    A MaskedDiffusion draws in rounds, several pixels per round, which is not exact but fast; a control says how many.

    Args:
        model: one that takes any order: an AnyOrderModel or AnyOrderMADE.
        digits: (B, 1, H, W) of 0 and 1.
        raster: a model in raster order, offered as another choice; it redraws everything from the first erased pixel on.
        copies: how many completions are shown.
        seed: of the first completions; each click on "draw again" adds 1.
    """
    shape = tuple(model.event_shape[-2:])
    models = {"any order": model} | ({} if raster is None else {"raster order": raster})

    @lru_cache(maxsize=16)
    def completed(who: str, digit: int, mask: bytes, seed: int, rounds: int) -> tuple[Tensor, Tensor, str]:
        erased, count = torch.tensor(np.frombuffer(mask, bool)).reshape(shape), sum(mask)
        chosen = models[who]
        if isinstance(chosen, MaskedDiffusion) and count:
            many, known = digits[digit].expand(copies, *chosen.event_shape), ~erased.expand(chosen.event_shape)
            drawn = chosen.fill(many, known, steps=rounds, generator=runtime.generator(seed))
            return drawn, erased, f"{count} pixels erased,\ndrawn in {rounds} round{'s' * (rounds > 1)}"
        drawn, used, nats = complete(chosen, digits[digit], erased, copies=copies, seed=seed)
        words = f"{int(used.sum())} pixels erased; what really stood there\ncosts {nats:.1f} nats given the rest"
        return drawn, used, words if count else "nothing erased yet"

    def render(erased: np.ndarray, digit: int, who: str = "any order", rounds: int = 8, again: int = 0) -> Image.Image:
        mask = np.ascontiguousarray(erased, dtype=bool).tobytes()
        drawn, used, words = completed(who, digit, mask, seed + again, rounds)
        return _sheet(drawn[:, 0].numpy() > 0, used.numpy(), words)

    start = np.zeros(shape, bool)
    start[shape[0] // 2 :] = True
    controls = [
        Canvas("erased", "paint over what is to go", shape=shape, background=lambda digit, **_: digits[digit, 0], value=start),
        Slider("digit", "which digit", 0, len(digits) - 1, value=0, step=1),
        Button("again", "draw again"),
    ]
    if isinstance(model, MaskedDiffusion):
        controls.insert(2, Choice("rounds", "rounds, in any order", ROUNDS, value=8))
    if raster is not None:
        controls.insert(2, Choice("who", "model", list(models)))
    return Panel(
        render,
        controls,
        title="Erase a part, complete it",
        alt=f"{copies} completions of one digit: what was left in black and white, what the model drew in orange.",
    )


def _sheet(drawn: np.ndarray, erased: np.ndarray, words: str) -> Image.Image:
    """Completions (N, H, W) in two rows, with words below them; the pixels that the model drew are orange."""
    tiles = [enlarged(ink(strokes, erased), SCALE) for strokes in drawn]
    return with_words(tiles, words, columns=-(-len(tiles) // 2), room=48, offset=(2, 8))
