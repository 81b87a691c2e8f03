"""Explorers of levels in time: where a translator looks, and what a plan does to the letters. Drawn with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from matplotlib import font_manager
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from course_lib import plots, runtime
from course_lib.datasets import numerals
from course_lib.datasets.text import decode, encode
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider, Text
from course_lib.models.sequence import NestedRNN, Seq2Seq

CELL = (32, 22)  # width and height of a cell of the attention map, in pixels
DARK, PALE = "#4d4d4d", "#dddddd"


@lru_cache
def _font(size: int, family: str = "DejaVu Sans") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_manager.findfont(family), size)


def attention_map(models: Mapping[str, Seq2Seq], first: str = "1984") -> Panel:
    """Type a number, decimal or Roman: the other numeral appears letter by letter, and beside each where the model looked.

    Args:
        models: translators with attention, by what they translate to: "roman", "decimal".
        first: typed at the start.
    """
    true = {numerals.to_roman(number): str(number) for number in range(1, numerals.LARGEST + 1)}
    true |= {decimal: roman for roman, decimal in true.items()}

    @lru_cache(maxsize=64)
    def translated(typed: str) -> tuple[str, str, list, list]:
        to = "roman" if typed[:1] in tuple(numerals.DECIMAL) else "decimal"
        source = numerals.encode([typed], "decimal" if to == "roman" else "roman", end=False)[:, : len(typed)]
        given = models[to].given(source)
        symbols = given.greedy()
        said = int((symbols >= 0).sum())
        probs = given.log_conditionals(symbols).exp()[0, :said].tolist()
        weights = given.attention(symbols)[0, :said].tolist()
        return numerals.decode(symbols, to)[0], true.get(typed, ""), weights, probs

    def render(number: str, written: int) -> Image.Image:
        typed = number.strip().upper()
        try:
            return _draw_attention(typed, *translated(typed), written)
        except ValueError as error:
            image = Image.new("RGB", _attention_size(), "white")
            draw = ImageDraw.Draw(image)
            draw.text((12, 40), "Type 1 to 4 digits, or a Roman numeral of up to 15 letters.", "black", _font(14))
            draw.text((12, 64), str(error)[:88], DARK, _font(12))
            return image

    longest = numerals.LONGEST["roman"] + 1
    return Panel(
        render,
        [
            Text("number", "number", first, examples=("", "8", "3888", "MCMXC", "0007", "abc", "12x", "4000", "IIII", "99999")),
            Slider("written", "symbols written", 0, longest, value=longest, play=500),
        ],
        title="Attention map",
        alt="A table: a row for each symbol written, a column for each symbol read; the darker a cell, the more the model looked "
        "there.",
    )


def _attention_size() -> tuple[int, int]:
    return 150 + CELL[0] * numerals.LONGEST["roman"] + 10, 92 + CELL[1] * (numerals.LONGEST["roman"] + 1)


def _draw_attention(typed: str, answer: str, truth: str, weights: list, probs: list, written: int) -> Image.Image:
    image = Image.new("RGB", _attention_size(), "white")
    draw = ImageDraw.Draw(image)
    shown = min(written, len(probs))
    said = answer[:shown] if shown <= len(answer) else answer
    judged = "right" if answer == truth else f"wrong: {truth}" if truth else "(no numeral of the usual form)"
    verdict = f"  {judged}" if shown == len(probs) else ""
    draw.text((12, 20), f"{typed}  →  {said}{verdict}", "black", _font(18), "lm")
    draw.text((12, 48), "read →", DARK, _font(12), "lm")
    draw.text((12, 66), "written ↓   (and its probability)", DARK, _font(12), "lm")
    for column, symbol in enumerate(typed):
        draw.text((150 + (column + 0.5) * CELL[0], 48), symbol, "black", _font(15), "mm")
    for row in range(shown):
        top = 78 + row * CELL[1]
        symbol = answer[row] if row < len(answer) else "end"
        draw.text((60, top + CELL[1] / 2), symbol, "black", _font(15), "rm")
        draw.text((138, top + CELL[1] / 2), f"{probs[row]:.3f}", DARK, _font(12), "rm")
        for column, weight in enumerate(weights[row]):
            left = 150 + column * CELL[0]
            box = (left, top, left + CELL[0] - 2, top + CELL[1] - 2)
            draw.rectangle(box, fill=_shade(plots.BLUE, weight), outline=PALE)
            if weight >= 0.05:
                middle = (left + CELL[0] / 2 - 1, top + CELL[1] / 2 - 1)
                draw.text(middle, f"{weight:.2f}", "white" if weight > 0.45 else "black", _font(10), "mm")
    return image


def _shade(colour: str, share: float) -> tuple[int, int, int]:
    """From white (0) to the colour (1)."""
    return tuple(round(255 - share * (255 - channel)) for channel in ImageColor.getrgb(colour))


def change_the_plan(
    model: NestedRNN, letters: str, contexts: Sequence[str], *, streams: int = 8, length: int = 24, seed: int = 0
) -> Panel:
    """The lower level's noise stands still while the upper level's plan moves from that of one text to that of another.

    Args:
        model: words over characters.
        letters: symbol i is letters[i].
        contexts: beginnings of sentences, each ending with a separator: after it, a new segment is planned.
        streams: lines written from different noise. length: characters a line.
        seed: of the first noise; "other noise" counts on from it.
    """
    plans = {text: plan_after(model, encode(text, letters)) for text in contexts}

    @lru_cache(maxsize=128)
    def written(first: str, second: str, mix: float, again: int) -> tuple[list[str], list[float]]:
        plan = torch.lerp(plans[first], plans[second], mix)  # (U)
        noise = model.noise(streams, runtime.generator(seed + again), length=length)
        start = torch.full((1,), model.start)
        with torch.no_grad():
            logits, _ = model.step(start, model.begin(plan[None]))
            lines = model.write_by(plan.expand(streams, -1), noise)
        return [decode(line, letters) for line in lines], logits[0].softmax(0).tolist()

    def render(first: str, second: str, mix: float, again: int) -> Image.Image:
        before, _ = written(first, second, 0.0, again)
        now, probs = written(first, second, mix, again)
        return _draw_lines((first, second), mix, before, now, probs, letters)

    return Panel(
        render,
        [
            Choice("first", "plan A after", list(contexts), value=contexts[0]),
            Choice("second", "plan B after", list(contexts), value=contexts[1]),
            Slider("mix", "from A (0) to B (1)", 0.0, 1.0, value=0.5, step=0.05),
            Button("again", "other noise"),
        ],
        title="Change the plan, keep the letters' noise",
        alt="Lines of text written under a plan between two contexts, what differs from plan A's in orange, and bars of the "
        "first letter's probabilities.",
    )


@torch.no_grad()
def plan_after(model: NestedRNN, x: Tensor) -> Tensor:
    """The plan (U) for the segment that begins after x (T), whose last symbol is a separator."""
    if int(x[-1]) not in model.separators:
        raise ValueError(f"x ends with symbol {int(x[-1])}, which is no separator; expected one of {model.separators} at its end")
    return model.plans(torch.cat([x, x[:1]])[None])[0, -1]  # one symbol more opens the next segment; the plan does not see it


def _draw_lines(contexts: tuple[str, str], mix: float, before: list[str], now: list[str], probs: list[float], letters: str):
    wide, top, line = 11, 62, 26
    width = max(350, 24 + wide * (len(now[0]) + 2))
    image = Image.new("RGB", (width + 230, top + line * len(now) + 34), "white")
    draw = ImageDraw.Draw(image)
    for row, (share, context) in enumerate(zip((1 - mix, mix), contexts, strict=True)):
        words = f"{share:.0%} of the plan after “{context.strip()[-26:]}”"
        draw.text((12, 16 + 20 * row), words, (plots.BLUE, plots.VERMILION)[row], _font(13), "lm")
    mono = _font(17, "DejaVu Sans Mono")
    for row, (old, new) in enumerate(zip(before, now, strict=True)):
        for column, letter in enumerate(new):
            same = old[: column + 1] == new[: column + 1]
            shown = {"\n": "¶", " ": "·"}.get(letter, letter)
            draw.text((12 + wide * column, top + line * row), shown, DARK if same else plots.VERMILION, mono)
    draw.text((12, image.height - 16), "· space   ¶ new line   orange: no longer what plan A gave", DARK, _font(12), "lm")
    draw.text((width, 46), "first letter", "black", _font(13), "lm")
    for row, k in enumerate(sorted(range(len(probs)), key=lambda k: -probs[k])[: len(now)]):
        y = top + line * row
        draw.text((width, y), {"\n": "¶", " ": "·"}.get(letters[k], letters[k]), "black", mono)
        draw.rectangle((width + 24, y + 4, width + 24 + 130 * probs[k], y + 18), fill=plots.BLUE)
        draw.text((width + 30 + 130 * probs[k], y + 11), f"{probs[k]:.2f}", DARK, _font(11), "lm")
    return image
