"""Figures of latent variables: densities on the line, decoded planes, the aggregate posterior, levels of a hierarchy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.images import tile
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, PALETTE, SKY, VERMILION


@drawing
def on_the_line(
    z: Tensor, densities: Mapping[str, Tensor], bound: float, evidence: float, *, title: str, alt: str
) -> LessonFigure:
    """Densities over a line of latents z (N,), and beside them log p(x) as the ELBO and the gap above it, in nats."""
    made = figure(title, columns=2, size=(10.5, 4.0), alt=alt, width_ratios=(3, 1))
    left, right = made.axes
    for (name, values), (colour, style) in zip(densities.items(), ((BLACK, "--"), (BLUE, "-"), (ORANGE, "-.")), strict=True):
        left.plot(z.numpy(), values.numpy(), style, color=colour, linewidth=2.4, label=name)
    left.set(xlabel="z", ylabel="density", xlim=(z.min().item(), z.max().item()))
    left.legend()
    low = bound - 4 * (evidence - bound)
    right.bar([0], [bound - low], bottom=low, color=SKY, width=0.6)
    right.bar([0], [evidence - bound], bottom=bound, color=VERMILION, width=0.6)
    right.axhline(evidence, color=BLACK, linewidth=1.5)
    right.text(0, (low + bound) / 2, f"ELBO\n{bound:.3f}", ha="center", va="center")
    right.text(0, (bound + evidence) / 2, f"gap {evidence - bound:.3f}", ha="center", va="center", color="white")
    right.set(xticks=[], xlim=(-0.5, 0.5), ylabel="nats", ylim=(low, evidence + 0.4 * (evidence - bound)))
    right.set_title(f"log p(x) {evidence:.3f}", fontsize=11)
    return made


@drawing
def decoded_plane(pictures: Tensor, span: tuple[float, float], *, title: str, alt: str) -> LessonFigure:
    """What a decoder makes of a grid of codes. pictures (n², 1, H, W), row by row from the top, where z₂ is largest.

    span: the lowest and the highest value of both latents.
    """
    made = figure(title, xlabel="z₁", ylabel="z₂", size=(6.2, 6.4), alt=alt)
    sheet = tile(pictures, int(len(pictures) ** 0.5), gap=0)
    made.axes[0].imshow(sheet, cmap="gray", vmin=0, vmax=255, extent=(*span, *span))
    return made


@drawing
def aggregate(z: Tensor, density: Tensor, *, title: str, alt: str) -> LessonFigure:
    """The density (n, n) of codes on a grid z (n, n, 2), with the prior's circles of one and two standard deviations."""
    made = figure(title, xlabel="z₁", ylabel="z₂", size=(5.6, 4.8), alt=alt)
    axes = made.axes[0]
    mesh = axes.pcolormesh(z[..., 0].numpy(), z[..., 1].numpy(), density.numpy(), vmax=density.flatten().quantile(0.99).item())
    turn = np.linspace(0, 2 * np.pi, 100)
    for radius in (1, 2):
        axes.plot(radius * np.cos(turn), radius * np.sin(turn), "--", color="white", linewidth=1.2)
    axes.set_aspect("equal")
    made.colorbar(mesh, label="density q(z)")
    return made


@drawing
def nats_by_latent(kl: Tensor, limit: float, *, title: str, alt: str) -> LessonFigure:
    """The mean KL (L,) of every latent in falling order; those above `limit` nats are coloured as alive."""
    made = figure(title, xlabel="latent variables, in falling order", ylabel="KL, nats", size=(9.0, 3.4), alt=alt)
    ordered = torch.sort(kl, descending=True).values
    alive = (ordered > limit).numpy()
    places = np.arange(len(ordered))
    for mask, colour, name in ((alive, GREEN, f"{alive.sum()} alive"), (~alive, VERMILION, f"{(~alive).sum()} dead")):
        made.axes[0].bar(places[mask], np.maximum(ordered.numpy()[mask], 0.01), color=colour, label=name)
    made.axes[0].legend()
    return made


@drawing
def shares_of_information(shares: Mapping[str, Tensor], factors: Sequence[str], *, title: str, alt: str) -> LessonFigure:
    """What each coordinate tells of each factor, one table per model. shares: name -> (L, factors), between 0 and 1."""
    made = figure(title, columns=len(shares), size=(11.0, 4.6), alt=alt)
    panels = list(made.axes)
    for axes, (name, table) in zip(panels, shares.items(), strict=True):
        shades = axes.imshow(table.numpy(), vmin=0, vmax=1, cmap="cividis", aspect="auto")
        axes.set(xticks=range(len(factors)), xticklabels=factors, ylabel="coordinate" if axes is panels[0] else "")
        axes.set(yticks=range(len(table)), yticklabels=[f"z{row + 1}" for row in range(len(table))], title=name)
        axes.tick_params(axis="x", rotation=25)
        for row, column in (table > 0.05).nonzero().tolist():
            share = table[row, column].item()
            axes.text(column, row, f"{share:.2f}", color=BLACK if share > 0.4 else "white", ha="center", va="center", fontsize=11)
    made.colorbar(shades, ax=panels, label="share of the factor's entropy")
    return made


@drawing
def by_beta(scores: Mapping[float, tuple[Tensor, Tensor, Tensor]], *, title: str, alt: str) -> LessonFigure:
    """MIG, error and −ELBO of several seeds for every β: a dot per seed, a bar at the mean. scores: β -> (MIG, error, −ELBO)."""
    made = figure(title, columns=3, size=(11.0, 4.0), alt=alt)
    left, middle, right = made.axes
    for place, (beta, (mig, error, elbo)) in enumerate(scores.items()):
        colour, mark = PALETTE[place], "osD^v"[place % 5]
        for axes, values in ((left, mig), (middle, error)):
            axes.plot([place] * len(values), values.numpy(), mark, color=colour)
            axes.plot([place - 0.25, place + 0.25], [values.mean().item()] * 2, color=colour)
        right.plot(elbo.numpy(), mig.numpy(), mark, color=colour, label=f"β = {beta}")
    for axes in (left, middle):
        axes.set(xlabel="β", xticks=range(len(scores)), xticklabels=list(scores))
    left.set_ylabel("MIG")
    middle.set_ylabel("error per value (of 1)")
    right.set(xlabel="−ELBO, nats", ylabel="MIG")
    right.legend()
    return made


@drawing
def levels_by_setting(costs: Mapping[str, Tensor], nats: Mapping[str, Tensor], *, title: str, alt: str) -> LessonFigure:
    """−ELBO and the nats of every level for several settings, a mark per seed.

    costs: setting -> (seeds,). nats: setting -> (seeds, levels); settings may differ in their number of levels.
    """
    made = figure(title, columns=2, size=(11.0, 4.4), alt=alt, sharey=True)
    left, right = made.axes
    places = range(len(costs))[::-1]
    for place, cost in zip(places, costs.values(), strict=True):
        left.plot(cost.numpy(), [place] * len(cost), "o", color=BLUE, alpha=0.7)
    styles = ((GREEN, "o"), (ORANGE, "s"), (VERMILION, "^"))
    for place, table in zip(places, nats.values(), strict=True):
        for level, (colour, mark) in zip(range(table.shape[1]), styles, strict=False):
            right.plot(table[:, level].numpy(), [place + 0.2 * (1 - level)] * len(table), mark, color=colour, alpha=0.7)
    for level, (colour, mark) in enumerate(styles, 1):
        right.plot([], [], mark, color=colour, label=f"z{level}")
    left.set(yticks=list(places), yticklabels=list(costs), xlabel="−ELBO, nats (left is better)")
    right.set(xlabel="nats that the level adds")
    right.legend()
    return made


@drawing
def codebook_use(used: Mapping[str, Tensor], *, title: str, alt: str) -> LessonFigure:
    """How often each entry of a codebook is chosen, in falling order. used: name -> shares (K,), which sum to 1."""
    made = figure(title, columns=len(used), size=(10.0, 3.2), alt=alt, sharey=True)
    for axes, (name, shares) in zip(list(made.axes), used.items(), strict=True):
        ordered = torch.sort(shares, descending=True).values.numpy()
        axes.bar(range(len(ordered)), ordered, color=BLUE)
        axes.axhline(1 / len(ordered), color=BLACK, linestyle="--", linewidth=1.2)
        axes.set(title=name, xlabel="entries, in falling order", ylabel="share of choices" if axes is made.axes[0] else "")
    return made
