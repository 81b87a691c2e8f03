"""Fit a density by hand: move a curve over data and watch the mean log-likelihood."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import plots
from course_lib.distributions import gaussian_log_prob
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider, Toggle


def _nats(x: Tensor, mean: Tensor | float, scale: Tensor | float) -> Tensor:
    """Mean log-density in nats of x (N,) under Gaussians with mean and scale (…): (…)."""
    mean, scale = torch.as_tensor(mean), torch.as_tensor(scale)
    return gaussian_log_prob(x, mean[..., None], scale[..., None].log()).mean(-1)


@explorer
def fit_by_hand(x: Tensor, *, title: str, unit: str = "") -> Panel:
    """One Gaussian over the histogram of x (N,), and a map of the mean log-likelihood over mean and scale.

    title: of the histogram. unit: of x, for the axes. Raises ValueError unless x holds at least two different numbers.
    """
    if x.ndim != 1 or len(x) < 2 or not x.std() > 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N,) with at least two different numbers")
    low, high, best = x.min().item(), x.max().item(), (x.mean().item(), x.std(correction=0).item())
    step = (high - low) / 50
    means = torch.linspace(low, high, 51)
    scales = step * torch.arange(3, 41)
    hill = _nats(x, means[None, :], scales[:, None])  # (scales, means)
    top = _nats(x, *best).item()

    made = plots.figure("", columns=2, size=(8.6, 3.4))
    left, right = made.axes
    grid = torch.linspace(low - 5 * step, high + 5 * step, 200)
    left.hist(x, bins=30, density=True, color=plots.SKY, alpha=0.6)
    (curve,) = left.plot(grid, torch.zeros(200), color=plots.VERMILION)
    left.set(xlabel=unit or "x", ylabel="density", ylim=(0, 1.1 * max(p.get_height() for p in left.patches)), title=title)
    right.contourf(means, scales, hill.clamp(min=top - 3), levels=16)
    right.set(xlabel=f"mean, {unit}".strip(", "), ylabel=f"scale, {unit}".strip(", "), title="mean log-likelihood, nats")
    (here,) = right.plot([low], [scales[0]], "o", color=plots.VERMILION, markeredgecolor="white", markersize=10)
    (summit,) = right.plot(*best, "*", color="white", markeredgecolor="black", markersize=14)
    made.hold_still(curve, here, summit, right.set_title(""))

    def render(mean: float, scale: float, closed_form: bool):
        mean, scale = best if closed_form else (mean, scale)
        curve.set_ydata(gaussian_log_prob(grid, mean, torch.tensor(scale).log()).exp())
        here.set_data([mean], [scale])
        summit.set_visible(closed_form)
        nats = _nats(x, mean, scale).item()
        right.set_title(f"mean log-likelihood {nats:.3f} nats" + (" (top)" if closed_form else ""))
        made.alt = f"A Gaussian of mean {mean:.2f} and scale {scale:.2f} over the data: mean log-likelihood {nats:.3f} nats."
        return made

    return Panel(
        render,
        [
            Slider("mean", f"mean, {unit}".strip(", "), low, high, value=low + 10 * step, step=step),
            Slider("scale", f"scale, {unit}".strip(", "), scales[0].item(), scales[-1].item(), value=scales[7].item(), step=step),
            Toggle("closed_form", "show the closed-form answer", False),
        ],
        title="Climb the hill of likelihood",
        alt="Left, a histogram with a Gaussian curve over it; right, a map of the mean log-likelihood over mean and scale.",
    )
