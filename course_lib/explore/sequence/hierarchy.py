"""Explorers of hierarchical sequence models: where a translator looks, and how a plan changes the letters. Drawn with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.datasets import numerals
from course_lib.datasets.text import decode, encode
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider, Text
from course_lib.explore.kit.sheet import MONOSPACED, SYMBOLS, font, shade
from course_lib.models.sequence import NestedRNN, Seq2Seq

CELL = (32, 22)  # width and height of a cell of the attention map, in pixels
DARK, PALE = "#4d4d4d", "#dddddd"


@explorer
def attention_map(models: Mapping[str, Seq2Seq], first: str = "1984") -> Panel:
    """Type a decimal or Roman numeral: the model writes the other one, and a table shows where it looked for each symbol.

    Args:
        models: "roman" and "decimal" -> the translator with attention that writes such numerals.
        first: the numeral that stands there at first.
    """
    true = {numerals.to_roman(number): str(number) for number in range(1, numerals.LARGEST + 1)}
    true |= {decimal: roman for roman, decimal in true.items()}

    @lru_cache(maxsize=64)
    def translated(typed: str) -> tuple[str, str, list, list]:
        to = "roman" if typed[:1] in tuple(numerals.DECIMAL) else "decimal"
        source = numerals.encode([typed], "decimal" if to == "roman" else "roman", end=False)[:, : len(typed)]
        given = models[to].given(source)
        symbols = given.sample(1, temperature=0, generator=runtime.generator())  # the most probable symbol at each step
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
            draw.text((12, 40), "Type 1 to 4 digits, or a Roman numeral of up to 15 letters.", "black", font(14, SYMBOLS))
            draw.text((12, 64), str(error)[:88], DARK, font(12, SYMBOLS))
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
    draw.text((12, 20), f"{typed}  →  {said}{verdict}", "black", font(18, SYMBOLS), "lm")
    draw.text((12, 48), "read →", DARK, font(12, SYMBOLS), "lm")
    draw.text((12, 66), "written ↓   (and its probability)", DARK, font(12, SYMBOLS), "lm")
    for column, symbol in enumerate(typed):
        draw.text((150 + (column + 0.5) * CELL[0], 48), symbol, "black", font(15, SYMBOLS), "mm")
    for row in range(shown):
        top = 78 + row * CELL[1]
        symbol = answer[row] if row < len(answer) else "end"
        draw.text((60, top + CELL[1] / 2), symbol, "black", font(15, SYMBOLS), "rm")
        draw.text((138, top + CELL[1] / 2), f"{probs[row]:.3f}", DARK, font(12, SYMBOLS), "rm")
        for column, weight in enumerate(weights[row]):
            left = 150 + column * CELL[0]
            box = (left, top, left + CELL[0] - 2, top + CELL[1] - 2)
            draw.rectangle(box, fill=shade(plots.BLUE, weight), outline=PALE)
            if weight >= 0.05:
                middle = (left + CELL[0] / 2 - 1, top + CELL[1] / 2 - 1)
                draw.text(middle, f"{weight:.2f}", "white" if weight > 0.45 else "black", font(10, SYMBOLS), "mm")
    return image


@explorer
def change_the_plan(
    model: NestedRNN, letters: str, contexts: Sequence[str], *, streams: int = 8, length: int = 24, seed: int = 0
) -> Panel:
    """The noise of the lower level stays the same while the plan of the upper level moves from one text's to another text's.

    Args:
        model: of words made of characters.
        letters: symbol i is letters[i].
        contexts: beginnings of sentences. Each ends with a separator, because a new segment is planned after a separator.
        streams: how many lines are written, each from its own noise. length: characters per line.
        seed: of the first noise; each click on "other noise" adds 1.
    """
    plans = {text: plan_after(model, encode(text, letters)) for text in contexts}

    @lru_cache(maxsize=128)
    def written(first: str, second: str, mix: float, again: int) -> tuple[list[str], list[float]]:
        plan = torch.lerp(plans[first], plans[second], mix)  # (U)
        noise = model.noise(streams, runtime.generator(seed + again), length=length)
        start = torch.full((1,), model.start_symbol)
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
        alt="Lines of text written by a plan between those of two contexts, in orange what plan A would not have written, and "
        "bars of the first letter's probabilities.",
    )


@torch.no_grad()
def plan_after(model: NestedRNN, x: Tensor) -> Tensor:
    """The plan (U,) for the segment after x (T,). The last symbol of x must be a separator: ValueError otherwise."""
    if int(x[-1]) not in model.separators:
        raise ValueError(f"x ends with symbol {int(x[-1])}, which is no separator; expected one of {model.separators} at its end")
    return model.plans(torch.cat([x, x[:1]])[None])[
        0, -1
    ]  # one more symbol opens the next segment; the plan does not see that symbol


def _draw_lines(contexts: tuple[str, str], mix: float, before: list[str], now: list[str], probs: list[float], letters: str):
    wide, top, line = 11, 62, 26
    width = max(350, 24 + wide * (len(now[0]) + 2))
    image = Image.new("RGB", (width + 230, top + line * len(now) + 34), "white")
    draw = ImageDraw.Draw(image)
    for row, (share, context) in enumerate(zip((1 - mix, mix), contexts, strict=True)):
        words = f"{share:.0%} of the plan after “{context.strip()[-26:]}”"
        draw.text((12, 16 + 20 * row), words, (plots.BLUE, plots.VERMILION)[row], font(13, SYMBOLS), "lm")
    mono = font(17, MONOSPACED)
    for row, (old, new) in enumerate(zip(before, now, strict=True)):
        for column, letter in enumerate(new):
            same = old[: column + 1] == new[: column + 1]
            shown = {"\n": "¶", " ": "·"}.get(letter, letter)
            draw.text((12 + wide * column, top + line * row), shown, DARK if same else plots.VERMILION, mono)
    draw.text((12, image.height - 16), "· space   ¶ new line   orange: no longer what plan A gave", DARK, font(12, SYMBOLS), "lm")
    draw.text((width, 46), "first letter", "black", font(13, SYMBOLS), "lm")
    for row, k in enumerate(sorted(range(len(probs)), key=lambda k: -probs[k])[: len(now)]):
        y = top + line * row
        draw.text((width, y), {"\n": "¶", " ": "·"}.get(letters[k], letters[k]), "black", mono)
        draw.rectangle((width + 24, y + 4, width + 24 + 130 * probs[k], y + 18), fill=plots.BLUE)
        draw.text((width + 30 + 130 * probs[k], y + 11), f"{probs[k]:.2f}", DARK, font(11, SYMBOLS), "lm")
    return image
