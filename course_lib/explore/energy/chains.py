"""Play Gibbs chains of a machine of digits: from data, from noise or from a drawing, with some pixels held."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, Plot, blank_sheet, finished
from course_lib.explore.kit.sheet import font
from course_lib.models.energy.rbm import RBM
from course_lib.models.inputs import trusted_values

SIDE, TILE, STEPS, BINS = 5, 58, 40, 30  # chains along each side of the sheet; screen pixels of a tile; of one run; bars
STARTS = {"data": "data", "noise": "noise", "your drawing": "drawing"}
HOLDS = {"nothing": "nothing", "your ink": "ink", "upper half": "upper", "left half": "left"}


def held(hold: str, drawn: np.ndarray) -> Tensor | None:
    """Which pixels keep their values, booleans (1, H, W); None for none. drawn: booleans (H, W), the ink on the canvas."""
    if hold == "nothing":
        return None
    mask = torch.zeros(drawn.shape, dtype=torch.bool)
    if hold == "ink":
        mask |= torch.tensor(drawn)
    elif hold == "upper":
        mask[: drawn.shape[0] // 2] = True
    else:
        mask[:, : drawn.shape[1] // 2] = True
    return mask[None]


class _Runs:
    """Runs of STEPS Gibbs steps, made as far as they are asked for, and kept."""

    def __init__(self, machines: Mapping[str, RBM], digits: Tensor):
        self.machines, self.digits, self.shape = machines, digits, tuple(digits.shape[-2:])
        self.run = lru_cache(maxsize=4)(self._run)

    def _first(self, machine: str, start: str, hold: str, drawn: np.ndarray) -> Tensor:
        """Where the chains begin, (25, 1, H, W)."""
        count, ink = SIDE * SIDE, torch.tensor(drawn).to(self.digits)
        if start == "data":
            return self.digits[:count]
        if start == "drawing":
            return ink[None, None].expand(count, 1, *self.shape)
        like, kept = self.machines[machine].base, held(hold, drawn)
        noise = (runtime.uniform((count, 1, *self.shape), like, runtime.generator(1)) < 0.5).to(like.dtype)
        return noise if kept is None else torch.where(kept, ink, noise)

    def _run(
        self, machine: str, start: str, temperature: float, hold: str, ink: bytes, more: int
    ) -> tuple[list[Tensor], list[Tensor], torch.Generator]:
        """The states of a run so far, their free energies, and its generator; run `more` goes on from the one before."""
        if more:
            begin = self.states(machine, start, temperature, hold, ink, more - 1, STEPS)[0][-1]
        else:
            begin = self._first(machine, start, hold, np.frombuffer(ink, bool).reshape(self.shape))
        return [begin], [_heights(self.machines[machine], begin)], runtime.generator(2 + more)

    def states(
        self, machine: str, start: str, temperature: float, hold: str, ink: bytes, more: int, steps: int
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The states of the chains after 0, 1, … steps, and three quantiles of their free energies."""
        made, heights, generator = self.run(machine, start, temperature, hold, ink, more)
        kept = held(hold, np.frombuffer(ink, bool).reshape(self.shape))
        with trusted_values():
            while len(made) <= steps:
                model = self.machines[machine]
                made.append(model.gibbs_step(made[-1], temperature=temperature, known=kept, generator=generator))
                heights.append(_heights(model, made[-1]))
        return made[: steps + 1], heights[: steps + 1]


@explorer
def chain_player(machines: Mapping[str, RBM], digits: Tensor, *, drawing: Tensor | None = None) -> Panel:
    """Twenty-five chains, step by step, and the free energy along them beside that of the data.

    Args:
        machines: name -> RBM of pictures (1, H, W).
        digits: at least 25 binary pictures (N, 1, H, W): the first 25 are where chains from data begin, all give the histogram.
        drawing: what the canvas shows at first, (H, W) or (1, H, W); None is an empty canvas.
    """
    runs = _Runs(machines, digits)
    if drawing is not None and drawing.numel() != math.prod(runs.shape):
        raise ValueError(f"drawing has shape {tuple(drawing.shape)}; expected one picture {tuple(runs.shape)}")
    energies = {name: machine.free_energy(digits).numpy() for name, machine in machines.items()}

    def render(machine: str, start: str, steps: int, temperature: float, hold: str, drawn: np.ndarray, more: int) -> Image.Image:
        ink = np.ascontiguousarray(drawn, bool).tobytes()
        path, heights = runs.states(machine, start, temperature, hold, ink, more, steps)
        sheet = blank_sheet()
        _tiles(sheet, path[-1][:, 0].numpy() > 0, f"25 chains after {more * STEPS + steps} Gibbs steps")
        _energies(sheet, torch.stack(heights).numpy(), energies[machine], more * STEPS)
        return finished(sheet)

    controls = [
        Choice("machine", "machine", list(machines)),
        Choice("start", "chains begin at", STARTS),
        Slider("steps", "Gibbs steps", 0, STEPS, value=STEPS, step=1, play=120),
        Button("more", f"{STEPS} more steps"),
        Slider("temperature", "temperature", 0.5, 3.0, value=1.0, step=0.1),
        Choice("hold", "hold fixed", HOLDS),
        Canvas("drawn", "your drawing", shape=runs.shape, value=None if drawing is None else drawing.reshape(runs.shape) > 0,
               tint="#ffffff", strength=1.0, brush=2, side=168),
    ]  # fmt: skip
    alt = "Left, 25 pictures, the present states of the chains; right, their free energy by step, and a histogram of the data's."
    return Panel(render, controls, title="Play the chains", alt=alt)


def _heights(machine: RBM, x: Tensor) -> Tensor:
    """The free energies that 10, 50 and 90 % of the chains stay below, (3,)."""
    return machine.free_energy(x).quantile(torch.tensor([0.1, 0.5, 0.9]))


def _tiles(sheet: Image.Image, strokes: np.ndarray, words: str) -> None:
    """The left part: the states as black and white pictures in a square, (25, H, W) booleans."""
    ImageDraw.Draw(sheet).text((14 * FINE, 4 * FINE), words, fill="black", font=font(13 * FINE))
    for index, picture in enumerate(strokes):
        row, column = divmod(index, SIDE)
        tile = Image.fromarray(np.where(picture, 255, 0).astype(np.uint8)).resize(
            ((TILE - 3) * FINE,) * 2, Image.Resampling.NEAREST
        )
        sheet.paste(tile, ((14 + column * TILE) * FINE, (28 + row * TILE) * FINE))


def _energies(sheet: Image.Image, heights: np.ndarray, data: np.ndarray, before: int) -> None:
    """The right part: 10, 50 and 90 % of the chains' free energies (S, 3) over the steps, and a histogram of the data's."""
    low, high = np.quantile(data, 0.002), np.quantile(data, 0.998)
    low, high = min(low, heights.min()), max(high, heights.max())
    plot = Plot(
        sheet,
        1,
        ((before, before + STEPS * 1.25), (low, high)),
        "free energy F(x), nats: chains (blue), data (orange)",
        ("step", ""),
    )
    counts, edges = np.histogram(data, BINS, (low, high))
    for share, bottom, top in zip(counts / counts.max(), edges, edges[1:], strict=False):
        middle, left = (bottom + top) / 2, before + STEPS * 1.03
        plot.line(np.array([[left, middle], [left + 0.22 * STEPS * share, middle]]), plots.ORANGE, 4)
    at = before + np.arange(len(heights))
    for column, width in ((0, 1), (2, 1), (1, 3)):
        plot.line(np.stack([at, heights[:, column]], 1), plots.BLUE, width)
    plot.dots(np.array([[at[-1], heights[-1, 1]]]), plots.BLUE, 4)
    plot.done()
