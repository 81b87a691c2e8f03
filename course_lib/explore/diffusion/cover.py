"""The moving picture at the top of README: a scribble drowned in noise and cleaned into digits, drawn by a shipped model.

python -m course_lib.explore.diffusion.cover notebooks/images/cover.webp
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from course_lib import plots
from course_lib.explore.diffusion.scribble import cleaning, scribbled
from course_lib.explore.kit.sheet import font
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.paths import on_path
from course_lib.plots.moving import write_frames
from course_lib.runtime import generator
from course_lib.training import checkpoints

DIGITS = (9, 8, 6, 4)  # the classes that the flow is told, one after the other
DEEP, STEPS, HELD = 0.85, 12, 14  # how deep the scribble is drowned, steps of the cleaning, and frames that show the end
EACH, SHOWN, EDGE, TOP = 84, 8, 14, 40  # screen pixels of a digit, digits shown, and room beside and above them


def frames(flow: VelocityFlow) -> Iterator[Image.Image]:
    """The frames, all of one size. flow: of grey digits (1, 28, 28) from 0 to 1, told the class."""
    x = torch.from_numpy(scribbled().astype("float32"))[None, None]
    noise = torch.randn(1, *flow.event_shape, generator=generator(0))
    for t in (0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.4, 0.6):
        drowned = flow.to_data(on_path(flow.to_flow(x), noise, noise.new_full((1,), t)))
        yield _sheet(drowned, None, "a scribble, drowned in noise" if t else "a scribble", "")
    for digit in DIGITS:
        y = F.one_hot(torch.tensor([digit]), flow.classes).float()
        for drowned, made, done in cleaning(flow, x, DEEP, y=y, guidance=3.0, steps=STEPS):
            told = f"cleaned by a flow that is told “{digit}”"
            for _ in range(HELD if done == STEPS else 1):
                yield _sheet(drowned, made[:SHOWN], "a scribble, drowned in noise", told)


def _sheet(left: Tensor, right: Tensor | None, words: str, told: str) -> Image.Image:
    """The scribble (1, 1, H, W) large on the left, the digits (B, 1, H, W) on the right, and words above both."""
    wide = 2 * EACH
    columns = SHOWN // 2
    sheet = Image.new("RGB", (4 * EDGE + wide + columns * EACH + 60, TOP + wide + EDGE), "white")
    pen = ImageDraw.Draw(sheet)
    shown = plots.to_image(left[0].clamp(0, 1), wide // left.shape[-1])
    sheet.paste(shown.convert("RGB"), (EDGE, TOP))
    pen.text((EDGE, 12), words, fill="black", font=font(15))
    start = sheet.width - EDGE - columns * EACH
    for place in range(SHOWN):
        row, column = divmod(place, columns)
        corner = (start + column * EACH, TOP + row * EACH)
        if right is None:
            sheet.paste("black", (*corner, corner[0] + EACH, corner[1] + EACH))
        else:
            sheet.paste(plots.to_image(right[place].clamp(0, 1), EACH // right.shape[-1]).convert("RGB"), corner)
    pen.text((start, 12), told, fill="black", font=font(15))
    middle = ((EDGE + wide + start) // 2, TOP + EACH)
    pen.polygon(
        [(middle[0] - 14, middle[1] - 16), (middle[0] + 16, middle[1]), (middle[0] - 14, middle[1] + 16)], fill=plots.ORANGE
    )
    return sheet


def main() -> None:
    """Write the picture to the path that the command line names."""
    write_frames(list(frames(checkpoints.load("flow-mnist"))), sys.argv[1], milliseconds=120)


if __name__ == "__main__":
    main()
