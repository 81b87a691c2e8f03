"""A table of digits by label and noise, and a row whose label is a blend of two."""

from __future__ import annotations

from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Panel, Slider
from course_lib.explore.kit.sheet import font
from course_lib.models.adversarial.conditional import ConditionalGAN
from course_lib.models.classifier import FeatureClassifier

SCALE, GAP, LINE, LEFT = 2, 4, 15, 46  # screen pixels per pixel, between tiles, for a verdict, and left of the rows
BETWEEN = 44  # screen pixels between the row of blends and the table


@explorer
def labels_by_noise(model: ConditionalGAN, judge: FeatureClassifier, *, columns: int = 8) -> Panel:
    """Rows are labels, columns are noises; above them a row whose label lies between two. Under each the judge's verdict.

    Args:
        model: its generator has `vectors` and `from_vectors` (LabelledGenerator).
        judge: a classifier of the same images.
        columns: how many noises.
    """
    K, side = model.classes, SCALE * model.event_shape[-1]
    high, wide = side + LINE + GAP, side + GAP
    rows = -(-K // 2)  # the table in two halves side by side, so that all of it is in view

    def noise(seed: int) -> Tensor:
        return torch.randn(columns, model.noise, generator=runtime.generator(seed))

    @torch.no_grad()
    def judged(z: Tensor, vectors: Tensor) -> tuple[Tensor, list[float], list[int]]:
        """Pictures, how sure the judge is of the class that it finds in each, and these classes."""
        images = model.generator.from_vectors(z, vectors)
        found = judge.logits(images).softmax(1).max(1)
        return images, found.values.tolist(), found.indices.tolist()

    def row(sheet: Image.Image, corner: tuple[int, int], pictures: tuple, start: int, asked: int | None) -> None:
        """One row of judged pictures, from the place `start` on. corner: (across, down) of its first picture."""
        pen, (images, sure, classes) = ImageDraw.Draw(sheet), pictures
        for column in range(columns):
            (left, top), place = (corner[0] + column * wide, corner[1]), start + column
            sheet.paste(plots.to_image(images[place], SCALE).convert("RGB"), (left, top))
            wrong = asked is not None and classes[place] != asked
            text = f"{classes[place]}, {100 * sure[place]:.0f} %" + ("  no!" if wrong else "")
            pen.text((left, top + side), text, fill=plots.VERMILION if wrong else "black", font=font(11))

    @lru_cache(maxsize=8)
    def table(seed: int) -> Image.Image:
        half = LEFT + columns * wide
        sheet = Image.new("RGB", (2 * half, high + BETWEEN + rows * high), "white")
        pictures = judged(noise(seed).repeat(K, 1), model.generator.vectors.weight.repeat_interleave(columns, 0))
        pen = ImageDraw.Draw(sheet)
        for label in range(K):
            begin, top = label // rows * half, high + BETWEEN + label % rows * high
            row(sheet, (begin + LEFT, top), pictures, label * columns, label)
            pen.text((begin + 6, top + side // 2 - 8), str(label), fill="black", font=font(18))
        words = "the table: every row one label, every column one noise, the same in both halves"
        pen.text((6, high + BETWEEN - 20), words, fill="black", font=font(13))
        return sheet

    def render(first: int, second: int, blend: float, again: int) -> Image.Image:
        sheet = table(again).copy()
        vectors = torch.lerp(model.generator.vectors.weight[first], model.generator.vectors.weight[second], blend)
        row(sheet, (LEFT, 18), judged(noise(again), vectors.expand(columns, -1)), 0, None)
        words = f"{100 * (1 - blend):.0f} % of the vector of {first}, {100 * blend:.0f} % of that of {second}"
        ImageDraw.Draw(sheet).text((6, 0), words, fill="black", font=font(13))
        return sheet

    controls = [
        Slider("blend", "share of the second label", 0.0, 1.0, value=0.5, step=0.05),
        Slider("first", "first label", 0, K - 1, value=min(3, K - 1), step=1),
        Slider("second", "second label", 0, K - 1, value=min(8, K - 1), step=1),
        Button("again", "other noises"),
    ]
    return Panel(
        render,
        controls,
        title="Label by noise",
        alt=f"A row of digits whose label lies between two; a table of {K} labels by {columns} noises with the judge's verdicts.",
    )
