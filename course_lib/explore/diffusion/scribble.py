"""Draw anything, drown it in noise, and let a flow clean it: from a tidy copy to a digit of the flow's own."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from course_lib import plots
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import GAP, font
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.paths import on_path
from course_lib.runtime import generator

SEEN = 4  # steps between two pictures that are shown on the way
SHOWN, SCALE = 16, 3  # pictures at once, and screen pixels per pixel of each
WORDS = 112  # screen pixels that the words over the drowned picture need


def scribbled(side: int = 28) -> np.ndarray:
    """A crossed ring, which is no digit, as booleans (side, side)."""
    rows, columns = np.indices((side, side))
    middle = (side - 1) / 2
    radius = np.hypot(rows - middle, columns - middle)
    ring = np.abs(radius - 0.28 * side) < 1.2
    return ring | ((np.abs(columns - middle) < 1.2) & (radius < 0.4 * side))


@torch.inference_mode()
def cleaning(
    flow: VelocityFlow, x: Tensor, t: float, *, y: Tensor | None, guidance: float, steps: int, seed: int = 0
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """A picture (1, C, H, W) in the data's units, drowned to time t with SHOWN draws of noise, and its way back, step by step.

    Yields one drowned picture, the present estimate of all the cleaned ones, and how many steps are done; the last estimate is
    the end. y: a mixture of classes (1, K), or None for no class. The noise is the same at every t (SDEdit, Meng et al. 2022).
    """
    noise = torch.randn(SHOWN, *flow.event_shape, generator=generator(seed))
    if t == 0:
        yield x, x.expand_as(noise), steps
        return
    at = on_path(flow.to_flow(x).expand_as(noise), noise, noise.new_full((SHOWN,), t))
    drowned = flow.to_data(at[:1])
    guided = flow if y is None else flow.given(y.expand(SHOWN, -1), guidance)
    for done, (now, then) in enumerate(itertools.pairwise(samplers.equal_times(steps, t)), 1):
        v = samplers.velocity_at(guided, at, now)
        at = at + (then - now) * v
        yield drowned, flow.to_data(at - then * v), done


def cleaned(flow: VelocityFlow, x: Tensor, t: float, **how) -> tuple[Tensor, Tensor]:
    """One drowned picture (1, C, H, W), and SHOWN cleaned ones: the last of `cleaning`, whose arguments these are."""
    *_, (drowned, made, _) = cleaning(flow, x, t, **how)
    return drowned, made


@explorer
def scribble(flow: VelocityFlow) -> Panel:
    """A canvas; how deep the drawing is drowned; a class, or two and their mixture; guidance; steps: 16 cleaned pictures.

    flow: of grey pictures (1, H, W) with values from 0 to 1, told the class.
    """
    side, fast = flow.event_shape[-1], copy.deepcopy(flow).to(memory_format=torch.channels_last)  # which convolves faster
    classes = ["no class", *(str(k) for k in range(flow.classes))]

    def mixture(first: str, second: str, share: float) -> Tensor | None:
        if first == classes[0]:
            return None
        rows = F.one_hot(torch.tensor([int(first), int(first if second == classes[0] else second)]), flow.classes).float()
        return torch.lerp(rows[:1], rows[1:], share)

    def picture(drowned: Tensor, made: Tensor, t: float, words: str) -> Image.Image:
        wall = plots.to_image(plots.tile(made, columns=4), SCALE)
        before = plots.to_image(drowned[0], SCALE).convert("RGB")
        left = max(before.width, WORDS) + 2 * GAP
        sheet = Image.new("RGB", (left + wall.width + GAP, wall.height + 24), "white")
        pen = ImageDraw.Draw(sheet)
        pen.text((GAP, 4), f"drowned: t = {t:.2f}", fill="black", font=font(13))
        pen.text((left, 4), words, fill="black", font=font(13))
        sheet.paste(before, (GAP, 24))
        sheet.paste(wall.convert("RGB"), (left, 24))
        return sheet

    def stages(
        strokes, t: float, first: str, second: str, share: float, guidance: float, steps: int, again: int
    ) -> Iterator[Image.Image]:
        x = torch.from_numpy(np.asarray(strokes, np.float32))[None, None]
        y = mixture(first, second, share)
        for drowned, made, done in cleaning(fast, x, t, y=y, guidance=guidance, steps=steps, seed=again):
            if done == steps:
                yield picture(drowned, made, t, f"cleaned in {steps} steps")
            elif done % SEEN == 0:
                yield picture(drowned, made, t, f"step {done} of {steps}: estimates")

    def render(**values) -> Image.Image:
        *_, last = stages(**values)
        return last

    controls = [
        Canvas("strokes", "draw anything", shape=(side, side), value=scribbled(side), tint="#FFFFFF", strength=1.0, brush=2),
        Slider("t", "how deep it is drowned: 0 not at all, 1 nothing is left", 0.0, 1.0, value=0.75, step=0.05, live=False),
        Choice("first", "class", classes, value=classes[min(9, flow.classes)]),
        Choice("second", "mixed with", classes),
        Slider("share", "share of the second class", 0.0, 1.0, value=0.0, step=0.1, live=False),
        Slider(
            "guidance", "guidance w: 0 ignores the class, 1 obeys, more exaggerates", 0.0, 8.0, value=2.0, step=0.5, live=False
        ),
        Slider("steps", "steps", 1, 50, value=10, step=1, live=False),
        Button("again", "other noise"),
    ]
    return Panel(
        render, controls, title="Scribble: drown it, have it cleaned", stages=stages,
        alt="A drawing in noise, and sixteen pictures that the flow makes of it, each from another draw of noise.",
    )  # fmt: skip
