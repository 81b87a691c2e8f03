"""Explorers of recurrent networks: how far a gradient reaches, and what the gates do while a text is read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from torch import nn

from course_lib import plots, runtime
from course_lib.datasets.text import encode
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider, Text
from course_lib.explore.kit.sheet import SYMBOLS, font
from course_lib.models.sequence import CharacterModel
from course_lib.nn.recurrent import from_torch, gradient_by_lag

LOWEST = 1e-9  # the lowest value on the axis of the gradient
GREY = "#555555"
TORCHS, ROTATION = "as torch starts it", "a rotation, small inputs"


@explorer
def gradient_reach(*, lags: int = 100, hidden: int = 32, sequences: int = 4, seed: int = 0) -> Panel:
    """What is left of the gradient after k steps: a tanh RNN by the size of its weights, LSTM and GRU by one bias.

    The cells are untrained, with `hidden` units; they read `sequences` random inputs of lags + 1 steps. Each curve is divided
    by its value at lag 0. The RNN starts as torch starts all three, or with a rotation as its recurrent matrix and small input
    weights. seed: of the inputs and of the weights.
    """
    generator = runtime.generator(seed)
    x = torch.randn(sequences, lags + 1, hidden, generator=generator)
    with torch.random.fork_rng(devices=[]):  # new layers draw their weights from the global generator, which is put back after
        torch.default_generator.manual_seed(seed)
        modules = {name: kind(hidden, hidden, batch_first=True) for name, kind in _KINDS.items()}
    turn = torch.linalg.qr(torch.randn(hidden, hidden, generator=generator))[0]  # orthogonal

    fresh = {name: p.detach().clone() for name, p in modules["RNN"].named_parameters()}

    @lru_cache(maxsize=256)
    def measure(kind: str, value: float, start: str = "") -> np.ndarray:
        module = modules[kind]
        with torch.no_grad():
            if kind == "RNN":
                turned = start == ROTATION
                module.weight_hh_l0.copy_(value * (turn if turned else fresh["weight_hh_l0"]))
                module.weight_ih_l0.copy_(0.1 * torch.eye(hidden) if turned else fresh["weight_ih_l0"])
            else:
                module.bias_hh_l0.zero_()[hidden : 2 * hidden] = value  # forget gate of the LSTM, update gate of the GRU
                module.bias_ih_l0.zero_()
        left = gradient_by_lag(module, x, generator=runtime.generator(seed))
        return (left / left[0]).clamp(min=LOWEST / 10).numpy()

    figure = plots.figure(
        "What is left of the gradient", xlabel="lag k, steps", ylabel="|∂h at T / ∂x at T − k|, lag 0 is 1", size=(6.4, 4.2)
    )
    axes, steps = figure.axes[0], np.arange(lags + 1)
    lines = {
        name: axes.plot(steps, np.ones(lags + 1), colour, color=shade, label=label)[0]
        for name, colour, shade, label in (
            ("RNN", "-", plots.VERMILION, "tanh RNN"),
            ("LSTM", "-", plots.BLUE, "LSTM"),
            ("GRU", "-", plots.GREEN, "GRU"),
            ("theory", "--", plots.BLACK, "σ(bias)^k"),
        )
    }
    axes.set(yscale="log", xlim=(0, lags), ylim=(LOWEST, 1e6))
    axes.axhline(1, color="#cccccc", linewidth=1, zorder=0)
    axes.legend(loc="upper right", fontsize=10, ncols=4)
    figure.hold_still(*lines.values())

    def render(bias: float, start: str, gain: float):
        lines["RNN"].set_ydata(measure("RNN", gain, start))
        lines["LSTM"].set_ydata(measure("LSTM", bias))
        lines["GRU"].set_ydata(measure("GRU", bias))
        lines["theory"].set_ydata(np.maximum((1 / (1 + np.exp(-bias))) ** steps, LOWEST / 10))
        return figure

    return Panel(
        render,
        [
            Slider("bias", "bias of the forget gate (LSTM), of the update gate (GRU)", -2.0, 6.0, value=0.0, step=0.25),
            Choice("start", "how the RNN starts", [TORCHS, ROTATION]),
            Slider("gain", "size of the RNN's recurrent weights", 0.5, 3.0, value=1.0, step=0.05),
        ],
        title="How far back does the gradient reach?",
        alt="Gradients of an RNN, an LSTM and a GRU over the lag, on a logarithmic scale, and the gate to the power of the lag.",
    )


_KINDS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}

COLUMN, ROW, LEFT, TOP, BARS = 13, 14, 78, 46, 78  # pixels: of a cell, of the margins, and the height of the bars
SIGNED = ("candidate", "memory", "shown")  # between -1 and 1; gates lie between 0 and 1
MEMORY = 5.0  # a memory of this size is shown as 1
LINE_END = "/"  # one types this for the end of a line
PACE = 150  # milliseconds per character while it plays


class _Reader:
    """Reads text step by step and keeps every step, so that one more character needs one more step only."""

    def __init__(self, model: CharacterModel, letters: str):
        self.model, self.letters = model, letters
        with torch.random.fork_rng(devices=[]):  # a new cell draws weights before it takes those of the model
            self.cell = from_torch(model.recurrent)
        self.read_before, self.trace = "", []

    @torch.no_grad()
    def read(self, text: str) -> list[tuple[Any, dict[str, np.ndarray], np.ndarray]]:
        """After the start symbol and each character: the state, the gates (H,) by name, and log p of the next symbol (K,)."""
        same = sum(itertools.accumulate(map(str.__eq__, text, self.read_before), min))  # characters as before
        del self.trace[same + 1 :]
        for symbol in [self.model.start_symbol, *encode(text, self.letters).tolist()][len(self.trace) :]:
            state = self.trace[-1][0] if self.trace else self.cell.initial_state(1)
            state, gates = self.cell(self.model.embed.weight[symbol][None], state)
            shown = self.cell.output(state)
            did = {name: value[0].numpy() for name, value in gates.items()} | {"shown": shown[0].numpy()}
            if "memory" in did:
                did["memory"] = np.clip(did["memory"] / MEMORY, -1, 1)
            self.trace.append((state, did, self.model.readout(shown)[0].log_softmax(-1).numpy()))
        self.read_before = text
        return self.trace


@explorer
def gate_watcher(
    model: CharacterModel,
    letters: str,
    units: Mapping[str, Sequence[int]],
    *,
    text: str,
    examples: Sequence[str] = (),
    wide: int = 72,
) -> Panel:
    """What chosen units do at every character of a text that one types, and -log p of each character in nats.

    Args:
        model: with one layer. letters: symbol i is letters[i].
        units: name of a group -> indices of its units; the first group is shown at first.
        text: stands there at first. examples: other texts that one may type. A "/" stands for the end of a line.
        wide: how many characters are shown, the last ones. All before them are read; a slider says how many of those shown.
    """
    reader, rows = _Reader(model, letters), max(map(len, units.values()))
    names = list(reader.read("")[0][1])

    def render(text: str, watched: str, chosen: str, place: int = 0) -> Image.Image:
        text = text.replace(LINE_END, "\n")
        left_out = sorted(set(text) - set(letters))
        text = "".join(letter for letter in text if letter in letters)
        first, read = max(0, len(text) - wide), max(0, len(text) + place)
        trace, text = reader.read(text)[: read + 1], text[:read]
        index = list(units[chosen])
        columns = [did[watched][index] for _, did, _ in trace[first + 1 :]]
        values = np.stack(columns, 1) if columns else np.zeros((len(index), 0))
        costs = [-trace[t][2][letters.index(text[t])] for t in range(first, len(text))]
        image = Image.new("RGB", (LEFT + wide * COLUMN + 8, TOP + rows * ROW + BARS + 48), "white")
        _draw(image, values, watched in SIGNED, text[first:], index, rows, costs)
        draw = ImageDraw.Draw(image)
        most = f"{MEMORY:g}" if watched == "memory" else "1"
        _scale(image, watched, most)
        draw.text((LEFT, image.height - 12), _next(trace[-1][2], letters, costs, left_out), "black", font(14, SYMBOLS), "lm")
        return image

    return Panel(
        render,
        [
            Text("text", "text (/ ends a line)", text, examples=(*examples, "", "é–θ 123")),
            Choice("watched", "watch", names, value="memory" if "memory" in names else names[0]),
            Choice("chosen", "units", list(units)),
            Slider("place", "read up to here (0: to the end of the text)", -wide, 0, value=0, play=PACE),
        ],
        title="Watch the gates while it reads",
        alt="A heat map, a row for each unit and a column for each character, and below each character a bar for its nats.",
    )


def _draw(
    image: Image.Image, values: np.ndarray, signed: bool, text: str, index: list[int], rows: int, costs: list[float]
) -> None:
    draw, bottom = ImageDraw.Draw(image), TOP + rows * ROW + BARS + 16
    share = (values + 1) / 2 if signed else values
    pixels = _palette(signed)[(255 * share).round().astype(np.uint8)]  # (units, characters, 3)
    if values.size:
        image.paste(Image.fromarray(pixels.repeat(ROW, 0).repeat(COLUMN, 1)), (LEFT, TOP))
    for row, unit in enumerate(index):
        draw.text((LEFT - 6, TOP + (row + 0.5) * ROW), f"unit {unit}", GREY, font(12, SYMBOLS), "rm")
    for t, (letter, cost) in enumerate(zip(text, costs, strict=True)):
        x = LEFT + t * COLUMN
        draw.text((x + COLUMN / 2, TOP - 9), {" ": "␣", "\n": "↵"}.get(letter, letter), "black", font(14, SYMBOLS), "mm")
        draw.rectangle((x + 1, bottom - min(cost, 6.0) * BARS / 6, x + COLUMN - 2, bottom), plots.VERMILION)
    draw.line((LEFT, bottom, image.width - 8, bottom), GREY)
    draw.text((LEFT - 6, bottom - 6), "cost 0", GREY, font(12, SYMBOLS), "rm")
    draw.text((LEFT - 6, bottom - BARS + 6), "6 nats", GREY, font(12, SYMBOLS), "rm")


def _scale(image: Image.Image, watched: str, most: str) -> None:
    """What is watched, and a bar of its colours with the values at both ends."""
    draw, signed = ImageDraw.Draw(image), watched in SIGNED
    draw.text((LEFT, 12), watched, GREY, font(13, SYMBOLS), "lm")
    image.paste(Image.fromarray(_palette(signed)[None, ::2].repeat(12, 0)), (LEFT + 150, 6))  # 128 wide
    draw.text((LEFT + 144, 12), f"−{most}" if signed else "0", GREY, font(12, SYMBOLS), "rm")
    draw.text((LEFT + 284, 12), f"+{most}" if signed else "1", GREY, font(12, SYMBOLS), "lm")


def _next(log_probs: np.ndarray, letters: str, costs: list[float], left_out: list[str]) -> str:
    """The likeliest next characters and the mean nats of the text, in words."""
    best = np.argsort(-log_probs)[:4]
    words = ", ".join(f"{ {' ': '␣', chr(10): '↵'}.get(letters[k], letters[k]) } {np.exp(log_probs[k]):.2f}" for k in best)
    so_far = f"   ·   shown: {np.mean(costs):.2f} nats per character" if costs else ""
    return f"next: {words}{so_far}" + (f"   ·   unknown, left out: {''.join(left_out)}" if left_out else "")


@lru_cache
def _palette(signed: bool) -> np.ndarray:
    """256 colours, (256, 3) bytes: orange, white, purple for signed values; cividis for shares."""
    return (255 * colormaps["PuOr" if signed else plots.SEQUENTIAL](np.arange(256))[:, :3]).astype(np.uint8)
