"""A network learns to be the best critic of two piles: three kinds of network, step by step, beside the exact critic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, HIGH, WIDE, Plot, finished
from course_lib.metrics.inputs import check_row
from course_lib.metrics.transport import Critic, best_critic, wasserstein
from course_lib.nn.adversarial import PointNetwork
from course_lib.nn.lipschitz import CertifiedCritic

CLIP = 0.1
KINDS = {
    "norm 1, sorted pairs": lambda: CertifiedCritic(inputs=1, hidden=(16, 16)),
    "norm 1, ReLU": lambda: CertifiedCritic(inputs=1, hidden=(16, 16), activation="relu"),
    f"clipped to ±{CLIP}": lambda: PointNetwork(inputs=1, hidden=(16, 16)),
}
EVERY = 10  # steps between two moments that are kept


@dataclass(frozen=True)
class Learning:
    """A critic's training: its values (F, T) at places (T,) at each of F moments, and its estimate at each moment, (F,)."""

    values: Tensor
    estimates: Tensor


def learn(
    network: nn.Module, x: Tensor, y: Tensor, places: Tensor, *, steps: int, clip: float | None, lr: float = 0.03
) -> Learning:
    """Train a critic (B, 1) -> (B,) of piles x (N,) and y (M,) to make its mean over x minus its mean over y large."""
    optimiser = torch.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.9))
    values, estimates = [], []
    for step in range(steps + 1):
        both = network(torch.cat([x, y])[:, None])
        gap = both[: len(x)].mean() - both[len(x) :].mean()
        if step % EVERY == 0:
            with torch.no_grad():
                values.append(network(places[:, None]))
            estimates.append(gap.detach())
        optimiser.zero_grad()
        (-gap).backward()
        optimiser.step()
        if clip is not None:
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.clamp_(-clip, clip)
    return Learning(torch.stack(values), torch.stack(estimates))


@explorer
def critic_by_network(x: Tensor, y: Tensor, *, steps: int = 300) -> Panel:
    """The exact critic of piles x (N,) and y (M,), and what a network has learnt of it after some steps.

    steps: of training, a multiple of EVERY; the networks are trained here, which takes seconds.
    """
    x, y = check_row(x, "x"), check_row(y, "y")
    low, high = min(x.min(), y.min()).item(), max(x.max(), y.max()).item()
    room = (high - low) / 4
    places = torch.linspace(low - room, high + room, 161)
    trained = {}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        for name, make in KINDS.items():
            torch.default_generator.manual_seed(0)
            clip = CLIP if name.startswith("clipped") else None
            trained[name] = learn(make(), x.float(), y.float(), places, steps=steps, clip=clip)
    exact, distance = best_critic(x, y), wasserstein(x, y)

    def render(kind: str, step: int) -> Image.Image:
        sheet = Image.new("RGB", (2 * WIDE * FINE, HIGH * FINE), "white")
        _critics(sheet, places, exact, trained[kind].values[step // EVERY], x, y)
        _estimates(sheet, {name: learning.estimates for name, learning in trained.items()}, kind, step, distance)
        return finished(sheet)

    controls = [
        Choice("kind", "the network", list(KINDS)),
        Slider("step", "steps of training", 0, steps, value=2 * EVERY, step=EVERY, play=120),
    ]
    alt = "Left, the exact best critic in grey and a network's values in black; right, the network's estimate over the steps."
    return Panel(render, controls, title="A network as the critic", alt=alt)


def _critics(sheet: Image.Image, places: Tensor, exact: Critic, values: Tensor, x: Tensor, y: Tensor) -> None:
    """Both critics; a constant is added to the network's so that both have the same mean over the real points."""
    lifted = values + (exact(x).mean() - np.interp(x, places, values).mean())
    reach = exact.values.abs().max().item() + 2
    span = (places[0].item(), places[-1].item())
    plot = Plot(sheet, 0, (span, (-reach, reach)), "best critic (grey), network (black)", ("place on the line", "f"))
    plot.line(np.stack([places, exact(places)], 1), "#aaaaaa", 5)
    plot.line(np.stack([places, lifted], 1), plots.BLACK, 2)
    for points, colour in ((x, plots.BLUE), (y, plots.VERMILION)):
        plot.dots(np.stack([points, exact(points)], 1), colour, 5)
    plot.done()


def _estimates(sheet: Image.Image, all_estimates: dict[str, Tensor], kind: str, step: int, distance: float) -> None:
    """The estimate of the chosen network up to this step, below the exact distance."""
    estimates = all_estimates[kind]
    steps = EVERY * torch.arange(len(estimates))
    top = 1.15 * max(distance, estimates.max().item())
    spans = ((0.0, float(steps[-1])), (min(0.0, estimates.min().item()), top))
    now = estimates[step // EVERY].item()
    plot = Plot(sheet, 1, spans, f"estimate {now:.3f} (black), exact {distance:.3f} (green)", ("steps of training", ""))
    plot.line(np.array([[0.0, distance], [spans[0][1], distance]]), plots.GREEN, 3)
    upto = step // EVERY + 1
    plot.line(np.stack([steps[:upto], estimates[:upto]], 1).astype(float), plots.BLACK, 2)
    plot.dots(np.array([[float(step), now]]), plots.BLACK, 5)
    plot.done()
