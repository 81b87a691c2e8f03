"""Explorers of Markov chains and hidden Markov models, drawn with Pillow, so that a step of a slider takes a few milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageDraw

from course_lib import plots, runtime
from course_lib.datasets.text import encode
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
from course_lib.explore.kit.sheet import SYMBOLS, font, shade
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.markov_chain import MarkovChain

CELL, LEFT, TOP, GAP = (52, 30), 150, 44, 26  # a cell's width and height, margins, and between two blocks, in pixels
GREY = "#666666"
SPANS = (20, 60, 150)  # steps that the picture of a chain shows at once, while so many are enough


@explorer
def message_stepper(model: CategoricalHMM, words: Sequence[str], letters: str, names: Sequence[str] | None = None) -> Panel:
    """Forward messages arrive from the left, then backward messages from the right; their product is the posterior.

    Args:
        model: with a few states; its symbols are `letters`.
        words: to choose from, of about 12 letters at most.
        letters: symbol i is letters[i].
        names: of the states; "state 0", "state 1", … when None.
    """
    names = list(names or (f"state {k}" for k in range(model.states)))
    longest = max(map(len, words))
    traces = {word: _trace(model, encode(word, letters)) for word in words}

    def render(word: str, step: int, numbers: bool, path: bool) -> Image.Image:
        return _draw_messages(model, word, names, longest, traces[word], step, numbers, path)

    return Panel(
        render,
        [
            Choice("word", "word", list(words)),
            Slider("step", "messages sent", 0, 2 * longest, value=len(words[0]) // 2, play=700),
            Toggle("numbers", "numbers", True),
            Toggle("path", "most probable path", False),
        ],
        title="Messages along a word",
        alt="Three rows of cells over the letters of a word: forward messages, backward messages and each state's posterior, "
        "filled in one step at a time.",
    )


def _trace(model: CategoricalHMM, code: torch.Tensor) -> dict[str, list]:
    message = model.messages(code[None])
    beta = message.beta[:, 0]
    return {
        "alpha": message.alpha[:, 0].tolist(),
        "beta": (beta / beta.sum(1, keepdim=True)).tolist(),
        "gamma": message.gamma[:, 0].tolist(),
        "scale": message.log_scale[:, 0].exp().tolist(),
        "path": model.viterbi(code[None])[0][0].tolist(),
        "emission": model.emission[:, code].T.tolist(),
    }


TITLES = {"alpha": "α  past and present", "beta": "β  future", "gamma": "γ  both"}
COLOURS = {"alpha": plots.BLUE, "beta": plots.ORANGE, "gamma": plots.GREEN}


def _draw_messages(model, word, names, longest, trace, step, numbers, path) -> Image.Image:
    T, block = len(word), model.states * CELL[1] + GAP
    image = _labels(tuple(names), longest).copy()
    draw = ImageDraw.Draw(image)
    sent = max(0, step - T)  # backward messages sent
    back = range(max(0, T - sent), T)
    shown = {"alpha": range(min(step, T)), "beta": back, "gamma": back}
    now = step - 1 if 0 < step <= T else T - sent if 0 < sent <= T else None
    for t, letter in enumerate(word):
        image.paste(_letter(letter, t == now), (LEFT + t * CELL[0], 8))
        for row, name in enumerate(TITLES):
            for k in range(model.states):
                share = round(trace[name][t][k], 2) if t in shown[name] else None
                image.paste(_cell(share, COLOURS[name], numbers), (LEFT + t * CELL[0], TOP + row * block + 18 + k * CELL[1]))
    if path:
        for t, k in enumerate(trace["path"]):
            x, y = LEFT + t * CELL[0], TOP + 2 * block + 18 + k * CELL[1]
            draw.rectangle((x - 1, y - 1, x + CELL[0] - 3, y + CELL[1] - 3), outline=plots.VERMILION, width=3)
    draw.text((6, image.height - 22), _sentence(word, names, trace, step, now), "black", font(12, SYMBOLS), "lm")
    return image


@lru_cache
def _labels(names: tuple[str, ...], longest: int) -> Image.Image:
    """The part of the picture that is the same at every step."""
    block = len(names) * CELL[1] + GAP
    image = Image.new("RGB", (LEFT + longest * CELL[0] + 10, TOP + 3 * block + 46), "white")
    draw = ImageDraw.Draw(image)
    for row, name in enumerate(TITLES):
        top = TOP + row * block
        draw.text((6, top + 9), TITLES[name], "#8a5f00" if name == "beta" else COLOURS[name], font(13, SYMBOLS), "lm")
        for k, words in enumerate(names):
            draw.text((LEFT - 10, top + 18 + (k + 0.5) * CELL[1]), words, "black", font(12, SYMBOLS), "rm")
    return image


@lru_cache(maxsize=256)
def _letter(letter: str, now: bool) -> Image.Image:
    """The letter above a column; it is marked where the last message arrived."""
    image = Image.new("RGB", (CELL[0] - 3, TOP - 13), "#ffe9b8" if now else "#eeeeee")
    ImageDraw.Draw(image).text(
        (image.width / 2, image.height / 2), "␣" if letter == " " else letter, "black", font(18, SYMBOLS), "mm"
    )
    return image


@lru_cache(maxsize=1024)
def _cell(share: float | None, colour: str, numbers: bool) -> Image.Image:
    """One probability, darker where it is larger. Each value of two decimals is drawn only once."""
    fill = (255, 255, 255) if share is None else shade(colour, share)
    image = Image.new("RGB", (CELL[0] - 3, CELL[1] - 3), "#cccccc")
    image.paste(fill, (1, 1, image.width - 1, image.height - 1))
    if share is not None and numbers:
        light = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2] > 125  # the usual luma of R, G, B
        middle = (image.width / 2, image.height / 2)
        ImageDraw.Draw(image).text(middle, f"{share:.2f}", "black" if light else "white", font(12, SYMBOLS), "mm")
    return image


def _sentence(word, names, trace, step, now) -> str:
    """The effect of the last message, in words and numbers."""
    if now is None:
        return "All messages have come in." if step else "No message sent yet: guess which state each letter is in."
    letter, best = word[now], max(range(len(names)), key=lambda k: trace["alpha"][now][k])
    if step <= len(word):
        return (
            f"'{letter}': p({letter} | {names[best]}) = {trace['emission'][now][best]:.3f};  "
            f"scale p({letter} | before) = {trace['scale'][now]:.3f}"
        )
    change = trace["gamma"][now][best] - trace["alpha"][now][best]
    return f"'{letter}': p({names[best]}) was {trace['alpha'][now][best]:.3f}; the letters after it change that by {change:+.3f}"


@explorer
def mixing(*, steps: int = 300, seed: int = 0) -> Panel:
    """A chain of two states that keeps its state with a chosen probability: how soon does it forget its first state?

    steps: the largest number of steps walked; fewer are drawn wider. seed: of the sampled walk.
    """
    noise = torch.rand(steps, generator=runtime.generator(seed))
    width, height, left = 640, 330, 60

    def render(stay: float, step: int) -> Image.Image:
        span = next((some for some in SPANS if step <= some < steps), steps)  # steps in the picture
        across = (width - left - 20) / span
        chain = MarkovChain(states=2, length=steps).set_probs(initial=[1.0, 0.0], transition=[[stay, 1 - stay], [1 - stay, stay]])
        image = Image.new("RGB", (width, height), "white")
        draw = ImageDraw.Draw(image)
        fades = chain.memory()
        draw.text(
            (left, 14), f"what is left of the start after {step} steps: {fades**step:.3g}", "black", font(13, SYMBOLS), "lm"
        )
        for value in (0.0, 0.5, 1.0):
            y = 180 - 140 * value
            draw.line((left, y, width - 20, y), GREY if value == 0.5 else "#dddddd")
            draw.text((left - 6, y), f"{value:g}", "black", font(11, SYMBOLS), "rm")
        draw.text(
            (left, 30), "p(state 1): blue from state 1, orange from state 2; grey the stationary ½", GREY, font(11, SYMBOLS), "lm"
        )
        share = 0.5 + 0.5 * (2 * stay - 1) ** torch.arange(span + 1)
        for values, colour in ((share, plots.BLUE), (1 - share, plots.ORANGE)):
            draw.line([(left + t * across, 180 - 140 * v) for t, v in enumerate(values.tolist())], colour, 2)
        draw.line((left + step * across, 36, left + step * across, 286), plots.VERMILION, 1)
        states = torch.cat([torch.zeros(1), (noise < 1 - stay).cumsum(0) % 2]).long().tolist()  # a step away flips the state
        for t, state in enumerate(states[:span]):
            draw.rectangle((left + t * across, 230, left + (t + 1) * across, 270), fill=(plots.BLUE, plots.ORANGE)[state])
        visited = 1 - sum(states[1 : step + 1]) / max(1, step)
        draw.text((left, 216), "one walk from state 1 (blue: state 1, orange: state 2)", GREY, font(11, SYMBOLS), "lm")
        draw.text((left, 290), f"share of steps 1 … {step} spent in state 1: {visited:.2f}", "black", font(12, SYMBOLS), "lm")
        draw.text((width - 20, 310), f"step, 0 to {span}", GREY, font(11, SYMBOLS), "rm")
        return image

    return Panel(
        render,
        [
            Slider("stay", "p(stay)", 0.0, 0.99, value=0.7, step=0.01),
            Slider("step", "steps walked", 1, steps, value=5),
        ],
        title="How soon does a chain forget?",
        alt="The probability of state 1 over time from two different starts, nearing one half, and one sampled walk below.",
    )
