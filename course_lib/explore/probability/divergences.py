"""One bump against two modes: forward KL, reverse KL and Jensen–Shannon choose different bumps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import plots
from course_lib.distributions import gaussian_log_prob, jensen_shannon, kl
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider

GRID = torch.linspace(-9, 9, 721, dtype=torch.float64)
STEP = (GRID[1] - GRID[0]).item()
MEANS = [round(-4 + 0.1 * i, 1) for i in range(81)]
SCALES = [round(0.3 + 0.1 * i, 1) for i in range(38)]


def two_modes() -> Tensor:
    """The data's probability of each small cell of GRID, (721,): modes at -2 and 2, the right one heavier."""
    left, right = (gaussian_log_prob(GRID, mean, math.log(0.6)).exp() for mean in (-2.0, 2.0))
    density = 0.4 * left + 0.6 * right
    return density / density.sum()


def bump(mean: float | Tensor, scale: float | Tensor) -> Tensor:
    """A Gaussian's probability of each cell of GRID, (…, 721), for mean and scale of shape (…)."""
    mean, scale = (torch.as_tensor(t, dtype=GRID.dtype)[..., None] for t in (mean, scale))
    cells = gaussian_log_prob(GRID, mean, scale.log()).log_softmax(-1).exp()
    return cells.clamp(min=1e-300)  # far tails would underflow to 0, and KL(p || q) to infinity


def three(p: Tensor, q: Tensor) -> dict[str, Tensor]:
    """The three divergences, in nats, between tables of cells p and q (…, 721): (…) each."""
    return {"forward": kl(p, q), "reverse": kl(q, p), "Jensen–Shannon": jensen_shannon(p, q)}


def best_bumps() -> dict[str, tuple[float, float]]:
    """Divergence -> (mean, scale) of the best bump by it, among all values of the sliders."""
    mean, scale = (t.flatten() for t in torch.meshgrid(torch.tensor(MEANS), torch.tensor(SCALES), indexing="ij"))
    values = three(two_modes(), bump(mean, scale))
    return {name: (round(mean[v.argmin()].item(), 1), round(scale[v.argmin()].item(), 1)) for name, v in values.items()}


@explorer
def one_bump() -> Panel:
    """The mean and the scale of q by hand, or the best q by one divergence; the three divergences as bars."""
    p, best = two_modes(), best_bumps()
    made = plots.figure("", columns=2, size=(8.4, 3.3), width_ratios=[3, 2])
    curves, bars = made.axes
    curves.set(xlabel="x", ylabel="density", ylim=(0, 0.75), title="data p and bump q")
    curves.fill_between(GRID, p / STEP, color=plots.SKY, alpha=0.5, label="data p")
    (line,) = curves.plot(GRID, p / STEP, color=plots.VERMILION, label="bump q")
    curves.legend(loc="upper left")
    bars.set(xlabel="nats (cut at 4)", xlim=(0, 4), title="how far apart?")
    names = ["KL(p ‖ q)\nforward", "KL(q ‖ p)\nreverse", "JS(p, q)"]
    boxes = bars.barh(names, [0, 0, 0], color=[plots.BLUE, plots.ORANGE, plots.GREEN])
    bars.invert_yaxis()
    words = [bars.text(0, i, "", va="center") for i in range(3)]
    curves.set_xlim(-6, 6)
    made.hold_still(line, curves.set_title(""), *boxes, *words)

    def render(fit: str, mean: float, scale: float):
        mean, scale = best.get(fit, (mean, scale))
        q = bump(mean, scale)
        line.set_ydata(q / STEP)
        curves.set_title(f"data p and bump q: mean {mean:.1f}, scale {scale:.1f}")
        values = [value.item() for value in three(p, q).values()]
        for box, word, value in zip(boxes, words, values, strict=True):
            box.set_width(min(value, 4))
            word.set_text(f"{value:.2f}")
            inside = value > 3.2  # a long bar holds its number
            word.set(x=2.5 if inside else value + 0.1, color="white" if inside else "black")
        said = ", ".join(f"{name} {value:.2f}" for name, value in zip(("forward", "reverse", "JS"), values, strict=True))
        made.alt = f"A bump of mean {mean:.1f} and scale {scale:.1f} over two modes at -2 and 2; in nats: {said}."
        return made

    return Panel(
        render,
        [
            Choice("fit", "which bump", ["by hand", *best], value="by hand"),
            Slider("mean", "mean of q (by hand)", MEANS[0], MEANS[-1], value=0.0, step=0.1),
            Slider("scale", "scale of q (by hand)", SCALES[0], SCALES[-1], value=1.0, step=0.1),
        ],
        title="Fit one bump to two modes",
        alt="Two modes in blue, an orange-red bump over them, and bars for forward KL, reverse KL and Jensen–Shannon in nats.",
    )
