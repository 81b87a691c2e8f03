"""A picture, its translation, and what comes back, with noise on the picture in between."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import GAP, SYMBOLS, font, paste_row
from course_lib.metrics.translation import LEVELS, disturbed
from course_lib.models.adversarial.cycle import CycleGAN

SIDE, TOP = 224, 26  # pixels of a picture, and above it


@explorer
def there_and_back(sets: Mapping[str, tuple[CycleGAN, Tensor, str]]) -> Panel:
    """Choose a picture, and see it translated and translated back.

    Args:
        sets: what the student reads -> (model, pictures (N, C, H, W), the set to translate into, "a" or "b").
    """
    fewest = min(len(x) for _, x, _ in sets.values())

    @torch.no_grad()
    def render(name: str, which: int, noise: float) -> Image.Image:
        model, pictures, to = sets[name]
        x = pictures[which : which + 1]
        there = model.translate(x, to=to)
        seen = disturbed(there, noise, generator=runtime.generator(which)) if noise else there
        back = model.translate(seen, to="a" if to == "b" else "b")
        error = LEVELS * (back - x).abs().mean().item()
        changed = LEVELS * (seen - there).abs().mean().item()
        sheet = Image.new("RGB", (3 * SIDE + 4 * GAP, SIDE + TOP + 32), "white")
        paste_row(sheet, [_tile(one) for one in (x, seen, back)], GAP, TOP)
        pen, letters = ImageDraw.Draw(sheet), font(13, SYMBOLS)
        words = ("the picture", f"there, changed by {changed:.1f} grey levels", f"back, wrong by {error:.1f} grey levels")
        for column, text in enumerate(words):
            pen.text((GAP + column * (SIDE + GAP), 6), text, fill="black", font=letters)
        return sheet

    controls = [
        Choice("name", "translate", list(sets)),
        Slider("which", "which picture", 0, fewest - 1, value=0, step=1),
        Slider("noise", "noise on the picture in between (grey levels)", 0.0, 8.0, value=0.0, step=0.5),
    ]
    alt = "Three pictures in a row: one of the first set, its translation into the other set, and that translated back."
    return Panel(render, controls, title="There and back", alt=alt)


def _tile(x: Tensor) -> Image.Image:
    picture = Image.fromarray(plots.as_uint8(x[0])).convert("RGB")
    return picture.resize((SIDE, SIDE), Image.Resampling.NEAREST)
