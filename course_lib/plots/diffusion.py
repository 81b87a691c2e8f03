"""Figures of diffusion: where particles end, quality by the number of evaluations, and what guidance does to three measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from course_lib.distributions import Gaussian
from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.networks import networks
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION

LOOKS = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (VERMILION, ":", "^"))  # one per curve


@drawing
def clouds(
    panels: Mapping[str, Tensor], points: Tensor | None = None, *, title: str, alt: str, paths: Mapping[str, Tensor] | None = None
) -> LessonFigure:
    """Samples (n, 2) of several kinds, one panel each, over the training points (N, 2) where there are some.

    paths: for the same names, places (T, m, 2) of some particles on their way, drawn as lines.
    """
    made = figure(
        title,
        columns=len(panels),
        size=(min(3.9 * len(panels), 11.8), 4.4 if len(panels) < 4 else 3.9),
        alt=alt,
        sharex=True,
        sharey=True,
    )
    for axes, (name, samples) in zip(list(made.axes), panels.items(), strict=True):
        for path in paths[name].transpose(0, 1).cpu().numpy() if paths and name in paths else ():
            axes.plot(*path.T, color=SKY, linewidth=1.0, zorder=1)
        axes.plot(*samples.T.cpu().numpy(), ".", color=VERMILION, markersize=5, alpha=0.6, label="samples", zorder=2)
        if points is not None:
            axes.plot(
                *points.T.cpu().numpy(), "x", color=BLACK, markersize=6, markeredgewidth=1.5, label="training points", zorder=3
            )
        axes.set_title(name, fontsize=11.5)
        axes.set(xlabel="x₁", ylabel="x₂" if axes is made.axes[0] else "", aspect="equal")
        axes.tick_params(labelsize=11)
    if points is not None:
        made.legend(*made.axes[0].get_legend_handles_labels(), fontsize=11.5, loc="outside lower center", ncols=2)
    return made


@drawing
def by_evaluations(rows: Mapping[str, Mapping[str, Any]], real: Mapping[str, float], *, title: str, alt: str) -> LessonFigure:
    """Fréchet distance and recognised share over evaluations of the network, one curve per sampler.

    rows: sampler -> {"evaluations": …, "fid": …, "percent_recognised": …}. real: the same two numbers of real digits.
    """
    made = figure(title, columns=2, size=(11.0, 4.2), alt=alt)
    measures = {"fid": "Fréchet distance (less is better)", "percent_recognised": "recognised, %"}
    for axes, (measure, words) in zip(made.axes, measures.items(), strict=True):
        for (name, row), (colour, line, mark) in zip(rows.items(), LOOKS, strict=False):
            axes.plot(row["evaluations"], row[measure], line, marker=mark, color=colour, label=name)
        axes.axhline(real[measure], color=GREEN, linewidth=1.5, linestyle="-.", label="real digits")
        axes.set_xscale("log")
        axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axes.minorticks_off()
        axes.set_xlabel("evaluations of the network per digit", fontsize=12)
        axes.set_title(words, fontsize=12)
        axes.tick_params(labelsize=11)
    made.axes[0].set_yscale("log")
    made.axes[0].set_yticks([3, 10, 30, 100, 300], ["3", "10", "30", "100", "300"])
    made.axes[0].minorticks_off()
    made.axes[1].legend(fontsize=11.5)
    return made


@drawing
def guidance(row: Mapping[str, Any], real: Mapping[str, float], *, title: str, alt: str) -> LessonFigure:
    """Three measures over the guidance w, one panel each, with that of real digits.

    row: {"dial": …, "percent_recognised": …, "within_class_variance": …, "fid": …}. real: one number for each measure.
    """
    made = figure(title, columns=3, size=(11.8, 4.0), alt=alt)
    words = {
        "percent_recognised": "recognised, %",
        "within_class_variance": "variance within a class",
        "fid": "Fréchet distance",
    }
    for axes, (measure, name), (colour, _, mark) in zip(made.axes, words.items(), LOOKS, strict=True):
        axes.plot(row["dial"], row[measure], "-", marker=mark, color=colour)
        axes.axhline(real[measure], color=GREEN, linewidth=1.5, linestyle="-.")
        axes.annotate(
            "real digits", (8, real[measure]), xytext=(0, 5), textcoords="offset points", ha="right", color=GREEN, fontsize=11
        )
        axes.set_xlabel("guidance w", fontsize=12)
        axes.set_title(name, fontsize=12)
        axes.set_xticks([0, 1, 2, 4, 6, 8])
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=11)
    return made


@drawing
def bells(gaussians: Mapping[str, tuple[float, float]], *, title: str, alt: str) -> LessonFigure:
    """The densities of some Gaussians. gaussians: name -> (mean, deviation)."""
    made = figure(title, xlabel="x", ylabel="density", size=(8.4, 3.8), alt=alt)
    low, high = (pick(m + sign * 3 * d for m, d in gaussians.values()) for pick, sign in ((min, -1), (max, 1)))
    places = torch.linspace(low, high, 400)
    for (name, (mean, deviation)), (colour, line, _) in zip(gaussians.items(), LOOKS, strict=False):
        density = Gaussian(torch.tensor(mean), torch.tensor(deviation).log()).log_prob(places).exp()
        made.axes[0].plot(places, density, line, color=colour, linewidth=2.5, label=name)
    made.axes[0].legend(fontsize=11.5)
    return made


@drawing
def two_networks() -> LessonFigure:
    """The U-Net of digits, the vector that tells its blocks the time and the class, and the dense network of codes."""
    rows = {
        "flow-mnist": [
            "1\n28×28", "four pixels to\nfour channels", "4\n14×14", "*conv 3×3,\nresidual block", "48\n14×14",
            "*conv, stride 2,\n2 res. blocks", "96\n7×7", "*2× larger, skip,\nres. block", "48\n14×14",
            "*conv 3×3,\nto pixels", "1\n28×28",
        ],
        "what every block is told": [
            "time t", "*cos and sin,\n2 dense layers", "128", "*+ row of class\nor null row", "128",
        ],
        "latent-flow-mnist": ["24\ncodes", "*dense", "256", "*3 residual\nblocks, told", "256", "*dense", "24"],
    }  # fmt: skip
    alt = "Three rows of boxes: the U-Net from a noisy image to a velocity, the vector of time and class, the network of codes."
    return networks(rows, title="Two networks of velocities", alt=alt, size=(11.8, 5.4))
