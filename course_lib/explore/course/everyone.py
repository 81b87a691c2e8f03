"""Draw a digit, everyone answers: how probable it is, its lower half drawn anew, and what is left after a code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from course_lib import plots
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.sheet import enlarged, font, ink
from course_lib.training.scores import answering
from course_lib.training.scores.answering import Said

SCALE, ROW, HEAD, WIDE = 3, 94, 34, 690  # screen pixels: per pixel; a model's row; the headings; the sheet
HEADINGS = {"−log p": 8, "lower half drawn anew": 300, "through its code": 480}
SIDE = 28


@dataclass(frozen=True)
class Answer:
    """What one model says of a digit. completed, reconstructed: None where they were not asked for."""

    nats: str
    completed: Said | None = None
    reconstructed: Said | None = None


@explorer
def everyone_answers(
    pages: Mapping[str, Mapping[str, nn.Module]], digit: Tensor, *, log_z: Mapping[str, float] | None = None, full: bool = True
) -> Panel:
    """Draw a digit; each model of a page says how probable it is, completes its lower half and reconstructs it, or says "cannot".

    The answers come one after another, with a bar that says how many are there.

    Args:
        pages: what a page is called -> name -> model. digit: (1, 28, 28) of 0 and 1, drawn already at first.
        log_z: name -> estimated log Z of a machine that has no exact one.
        full: whether completions are asked for at first; without them, answers take a fraction of the time.
    """
    log_z = log_z or {}
    if tuple(digit.shape) != (1, SIDE, SIDE):
        raise ValueError(f"digit has shape {tuple(digit.shape)}; expected one digit (1, {SIDE}, {SIDE}), such as x[0]")

    @lru_cache(maxsize=512)
    def answer(page: str, name: str, drawn: bytes, full: bool, seed: int) -> Answer:
        x, model = torch.tensor(np.frombuffer(drawn, bool)).view(1, SIDE, SIDE).float(), pages[page][name]
        nats = answering.nats_of(model, x, log_z.get(name))
        if not full:
            return Answer(nats)
        known = (torch.arange(SIDE) < SIDE // 2)[None, :, None].expand(1, SIDE, SIDE)
        return Answer(nats, answering.complete(model, x, known, seed=seed), answering.reconstruct(model, x))

    def stages(drawn: np.ndarray, page: str, full: bool, seed: int) -> Iterator[Image.Image]:
        cells, said = np.ascontiguousarray(drawn, dtype=bool).tobytes(), {}
        for name in pages[page]:
            said[name] = answer(page, name, cells, full, seed)
            yield _sheet(said, len(pages[page]))

    def render(drawn: np.ndarray, page: str, full: bool, seed: int) -> Image.Image:
        return list(stages(drawn, page, full, seed))[-1]

    controls = [
        Canvas("drawn", "draw a digit", value=digit[0].numpy() > 0, tint="white", strength=1.0, brush=2),
        Choice("page", "who answers", list(pages)),
        Toggle("full", "complete and reconstruct, too (some seconds)", value=full),
        Slider("seed", "another completion", 0, 9, value=0, live=False),
    ]
    alt = "One row per model: minus log-probability of the drawn digit, its lower half drawn anew, its reconstruction, or cannot."
    return Panel(render, controls, title="Draw a digit, everyone answers", alt=alt, stages=stages)


def _sheet(said: Mapping[str, Answer], expected: int) -> Image.Image:
    """One row per model, room for `expected` of them, and a bar over the top while some are missing."""
    sheet = Image.new("RGB", (WIDE, HEAD + expected * ROW), "white")
    pen = ImageDraw.Draw(sheet)
    if len(said) < expected:
        pen.rectangle((0, 0, WIDE, 5), fill="#DDDDDD")
        pen.rectangle((0, 0, WIDE * len(said) // expected, 5), fill=plots.BLUE)
    for words, left in HEADINGS.items():
        pen.text((left, 12), words, fill="#555555", font=font(13, "DejaVu Sans"))
    for place, (name, answer) in enumerate(said.items()):
        sheet.paste(_row(name, answer), (0, HEAD + place * ROW))
    return sheet


def _row(name: str, answer: Answer) -> Image.Image:
    row = Image.new("RGB", (WIDE, ROW), "white")
    pen = ImageDraw.Draw(row)
    pen.line((0, 0, WIDE, 0), fill="#E4E4E4")
    pen.text((8, 8), name, fill="black", font=font(14, "DejaVu Sans"))
    first, _, rest = answer.nats.partition(": ")
    pen.text((8, 30), first, fill=plots.VERMILION if rest else plots.BLUE, font=font(17, "DejaVu Sans"))
    pen.text((8, 56), rest, fill="#555555", font=font(12, "DejaVu Sans"))
    lower = np.repeat(np.arange(SIDE) >= SIDE // 2, SIDE).reshape(SIDE, SIDE)
    for left, said, fresh in ((300, answer.completed, lower), (480, answer.reconstructed, None)):
        if said is None:
            continue
        if said.picture is not None:
            row.paste(_picture(said.picture[0].numpy(), fresh), (left, 6))
            left += SIDE * SCALE + 6
        for place, words in enumerate(_broken(said.words)):
            pen.text((left, 8 + 16 * place), words, fill="#555555", font=font(12, "DejaVu Sans"))
    return row


def _picture(x: np.ndarray, fresh: np.ndarray | None) -> Image.Image:
    """A digit; the part that a model drew is orange."""
    if fresh is None:
        return enlarged(plots.as_uint8(x), SCALE).convert("RGB")
    return enlarged(ink(x > 0.5, fresh), SCALE)


def _broken(words: str, width: int = 14) -> Sequence[str]:
    """Words in lines of at most so many letters, where a space allows it."""
    lines = [""]
    for word in words.split():
        lines = [*lines, word] if len(lines[-1]) + len(word) >= width else [*lines[:-1], f"{lines[-1]} {word}".strip()]
    return lines
