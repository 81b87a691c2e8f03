"""Real or generated? One digit at a time, a tally for each model, and how sure the tally is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.clicks import Clicks
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.sheet import enlarged, font
from course_lib.metrics.intervals import wilson
from course_lib.runtime import check_index

REAL, PERSON, MODEL = "real digits", "a person wrote it", "a model drew it"
SCALE, ROW = 9, 22  # screen pixels: of a pixel of the digit; of a line of the tally
MOST = 14  # lines of the tally that are shown


@dataclass
class Tally:
    """What a player has answered, kept as long as the kernel runs.

    answers: PERSON or MODEL, one for each digit. shown: the model, or REAL, behind each digit, once the game has begun.
    """

    answers: tuple[str, ...] = ()
    shown: Sequence[str] = ()

    def counts(self) -> dict[str, tuple[int, int]]:
        """Name -> (how often it was called real, how often it was shown), of all that was shown."""
        found: dict[str, tuple[int, int]] = {}
        for name, answer in zip(self.shown, self.answers, strict=False):
            real, tries = found.get(name, (0, 0))
            found[name] = real + (answer == PERSON), tries + 1
        return found

    def right(self) -> tuple[int, int]:
        """How many answers were right, and how many were given."""
        pairs = list(zip(self.shown, self.answers, strict=False))
        return sum((name == REAL) == (answer == PERSON) for name, answer in pairs), len(pairs)


@dataclass(frozen=True)
class Answers(Clicks):
    """The two buttons of the game. The clicks also go to a tally, and the game goes on from what the tally holds."""

    tally: Tally = field(default_factory=Tally)

    @property
    def first(self) -> tuple[str, ...]:
        """The answers of this session so far."""
        return self.tally.answers

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A row of buttons under its label."""
        row, parts = super().build()
        row.value = self.first
        row.observe(lambda change: setattr(self.tally, "answers", tuple(change["new"])), names="value")
        return row, parts


def binary(x: Tensor) -> bool:
    """Whether all pixels are black or white."""
    return bool(((x == 0) | (x == 1)).all())


def sequence(pictures: Mapping[str, Tensor], real: Sequence[Tensor], length: int, seed: int) -> list[tuple[str, Tensor]]:
    """What is shown when: (name, picture). A model is drawn with equal chances, then a coin decides for it or for a real digit.

    The real digit has the pixels of that model, black and white or grey, so that the pixels give nothing away.
    """
    generator, models, found = np.random.default_rng(seed), list(pictures), []
    kinds = {name: binary(x) for name, x in pictures.items()}
    for _ in range(length):
        name = models[generator.integers(len(models))]
        shown = pictures[name]
        if generator.random() < 0.5:
            shown = next((x for x in real if binary(x) == kinds[name]), real[0])
            name = REAL
        found.append((name, shown[int(generator.integers(len(shown)))]))
    return found


@explorer
def real_or_generated(
    pictures: Mapping[str, Tensor], real: Sequence[Tensor], tally: Tally | None = None, *, length: int = 500, seed: int = 0
) -> Panel:
    """A digit is shown: did a person write it, or did a model draw it? After each answer the truth is told and counted.

    Args:
        pictures: name -> digits (N, 1, H, W) in [0, 1] that a model drew.
        real: real digits, one set for each kind of pixels, grey and binary; one of them is shown in half of the cases.
        tally: keeps the answers, so that the game goes on after the cell has run again, and other cells can read them.
        length: digits before they come again from the first. seed: of their order.
    """
    length = check_index(length, "length", least=1)
    tally = Tally() if tally is None else tally
    order = sequence(pictures, real, length, seed)
    tally.shown = [name for name, _ in order]

    def render(answers: tuple[str, ...]) -> Image.Image:
        so_far = Tally(answers, tally.shown)
        return _sheet(plots.as_uint8(order[len(answers) % length][1]), so_far)

    return Panel(
        render, [Answers("answers", "who made this digit?", (PERSON, MODEL), tally)], title="Real or generated?",
        alt="One handwritten digit, and a table of how often each model's digits were called real, with intervals.",
    )  # fmt: skip


def _sheet(digit: np.ndarray, tally: Tally) -> Image.Image:
    """The digit on the left, the tally on the right."""
    picture, counts = enlarged(digit, SCALE), tally.counts()
    sheet = Image.new("RGB", (picture.width + 490, max(picture.height + 60, (MOST + 3) * ROW)), "white")
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    if tally.answers and len(tally.answers) <= len(tally.shown):
        last = tally.shown[len(tally.answers) - 1]
        well = (last == REAL) == (tally.answers[-1] == PERSON)
        words = f"{'Right' if well else 'Wrong'}: the one before was {'real' if last == REAL else f'drawn by {last}'}."
        pen.text((2, picture.height + 8), words, fill=plots.BLUE if well else plots.VERMILION, font=font(13))
    right, tries = tally.right()
    left = picture.width + 20
    pen.text((left, 2), f"{right} of {tries} answers right{_interval(right, tries)}", fill="black", font=font(14))
    pen.text((left, 2 + ROW), "called real, with the 95 % interval (chance alone: half)", fill="#555555", font=font(12))
    ranked = sorted(counts.items(), key=lambda item: (item[0] != REAL, -item[1][1]))
    for place, (name, (real, shown)) in enumerate(ranked[:MOST]):
        _line(pen, left, 2 + (place + 2) * ROW + 4, name, real, shown)
    return sheet


def _interval(right: int, tries: int) -> str:
    if not tries:
        return ""
    low, high = wilson(right, tries)
    return f", so your rate lies in {low:.0%} … {high:.0%}"


def _line(pen: ImageDraw.ImageDraw, left: int, top: int, name: str, real: int, shown: int) -> None:
    """One name, its counts, and its interval as a bar between 0 and 1."""
    pen.text((left, top), name[:24], fill=plots.GREEN if name == REAL else "black", font=font(13))
    pen.text((left + 226, top), f"{real} of {shown}", fill="black", font=font(13), anchor="ra")
    start, wide, middle = left + 240, 220, top + 8
    low, high = wilson(real, shown)
    pen.line((start, middle, start + wide, middle), fill="#DDDDDD", width=1)
    pen.line((start + wide / 2, middle - 6, start + wide / 2, middle + 6), fill="#AAAAAA", width=1)
    pen.line((start + low * wide, middle, start + high * wide, middle), fill=plots.BLUE, width=4)
    share = start + real / shown * wide
    pen.ellipse((share - 4, middle - 4, share + 4, middle + 4), fill=plots.ORANGE, outline="black")
