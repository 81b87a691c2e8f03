"""Explorers of hierarchical sequence models: where a translator looks, and how a plan changes a digit. Drawn with Pillow."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.datasets import numerals
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Text
from course_lib.explore.kit.sheet import GAP, SYMBOLS, enlarged, font, ink, paste_row, shade, shades
from course_lib.models.sequence import NestedRNN, Seq2Seq

CELL = (32, 22)  # width and height of a cell of the attention map, in pixels
DARK, PALE = "#4d4d4d", "#dddddd"
MIXES = 4  # steps from one plan to the other


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
def change_the_plan(model: NestedRNN, digits: Mapping[str, Tensor], *, streams: int = 24, seed: int = 0) -> Panel:
    """Keep the upper half of one digit, and write the lower half by the plan of another, or by a mixture of two plans.

    Args:
        model: of rows over pixels; a row is a segment.
        digits: name -> a binary digit as a sequence (T,), T a square; the names fill the choices.
        streams: lower halves written for each plan, always from the same uniform numbers; eight of them are shown.
        seed: of those numbers.
    """
    names, side = list(digits), model.longest
    middle = side // 2
    plans = model.plans(torch.stack(list(digits.values())))[:, middle]  # (N, U): before the first row of the lower half
    pairs = list(itertools.product(range(len(names)), range(len(names)), range(MIXES + 1)))
    mixed = torch.stack([torch.lerp(plans[a], plans[b], step / MIXES) for a, b, step in pairs])  # (P, U)
    noise = model.noise(streams, runtime.generator(seed), length=side * (side - middle))  # (S, T, 1)
    with torch.no_grad():
        lower = model.write_by(mixed.repeat_interleave(streams, 0), noise.repeat(len(pairs), 1, 1))
    halves = dict(zip(pairs, lower.view(len(pairs), streams, side - middle, side).float().numpy(), strict=True))
    uppers = {name: digits[name].view(side, side)[:middle].float().numpy() for name in names}

    def render(above: str, first: str, second: str, mix: float) -> Image.Image:
        some = halves[names.index(first), names.index(second), round(mix * MIXES)]
        return _draw_halves(uppers[above], some, f"{1 - mix:.0%} of the plan of {first}, {mix:.0%} of the plan of {second}")

    return Panel(
        render,
        [
            Choice("above", "upper half of", names, value=names[0]),
            Choice("first", "plan A: of", names, value=names[0]),
            Choice("second", "plan B: of", names, value=names[1]),
            Slider("mix", "from A (0) to B (1)", 0.0, 1.0, value=0.0, step=1 / MIXES),
        ],
        title="Change the plan, keep the noise",
        alt="A digit whose upper half is given and whose lower half is the mean of many halves written by a plan, and eight of "
        "these halves; orange is what the model wrote.",
    )


def _draw_halves(above: np.ndarray, lower: np.ndarray, words: str) -> Image.Image:
    """above (M, W): the given rows. lower (S, H - M, W): the rows written. The mean on the left, eight of them on the right."""
    known = np.repeat(above[None], 8, 0)
    drawn = np.concatenate([np.zeros_like(above), np.ones_like(lower[0])]) > 0  # (H, W)
    tiles = [enlarged(ink(np.concatenate([top, part]) > 0, drawn), 7) for top, part in zip(known, lower[:8], strict=True)]
    mean = np.concatenate([above[..., None] * np.full(3, 255), shades(lower.mean(0))]).astype(np.uint8)  # (H, W, 3)
    large = enlarged(mean, 15)
    sheet = Image.new("RGB", (large.width + 4 * (tiles[0].width + GAP) + 3 * GAP, large.height + 62), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 16), words, "black", font(14, SYMBOLS), "lm")
    sheet.paste(large, (GAP, 34))
    for row in (0, 1):
        paste_row(sheet, tiles[4 * row : 4 * row + 4], large.width + 3 * GAP, 34 + row * (tiles[0].height + GAP))
    draw.text((GAP, sheet.height - 14), f"mean of {len(lower)}", DARK, font(13, SYMBOLS), "lm")
    draw.text(
        (large.width + 3 * GAP, sheet.height - 14), "eight of them; orange: written by the model", DARK, font(13, SYMBOLS), "lm"
    )
    return sheet
