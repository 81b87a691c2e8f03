"""Figures of what models are good for: two diagrams, marks with error bars in groups, and an example priced pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from course_lib.plots.blocks import GOAL, LAYER, SEEN, STATE, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLUE, GREEN, ORANGE, VERMILION


@drawing
def semi_supervised() -> LessonFigure:
    """M2: x goes to a classifier and, with the class, to an encoder; class and code go to the decoder."""
    nodes = {
        "x": Node(0.0, 0.0, "$x$\n784", SEEN, 0.9, 0.8),
        "cls": Node(2.4, 1.2, "classifier", LAYER, 1.4, 0.7),
        "y": Node(4.9, 1.2, "$y$: 10 classes", STATE, high=1.7),
        "enc": Node(4.9, -1.1, "encoder", LAYER, 1.3, 0.7),
        "z": Node(7.4, -1.1, "$z$: 20", STATE, high=1.0),
        "dec": Node(9.3, 0.0, "decoder", LAYER, 1.3, 0.7),
        "p": Node(11.6, 0.0, "$p(x \\mid y, z)$\n784 coins", GOAL, 1.5, 0.8),
    }
    arrows = [
        Arrow("x", "cls", "784"), Arrow("cls", "y", "$q(y \\mid x)$"), Arrow("x", "enc"), Arrow("y", "enc"),
        Arrow("enc", "z", "$q(z \\mid x, y)$"), Arrow("y", "dec", "10"), Arrow("z", "dec", "20"), Arrow("dec", "p", "784"),
    ]  # fmt: skip
    return diagram(
        nodes,
        arrows,
        notes=[(1.6, 2.2, "of an unlabelled digit all 10 classes are tried, and weighted by $q(y \\mid x)$")],
        title="M2: the class is a hidden cause beside z, and its posterior is a classifier",
        alt="From x an arrow to a classifier and on to the class y; from x and y to an encoder and on to z; from y and z to a "
        "decoder and on to a distribution of x.",
    )


@drawing
def contrastive() -> LessonFigure:
    """Two views of one digit go through the same network; their projections are to be alike, those of other digits not."""
    nodes = {"x": Node(0.0, 0.0, "$x$\n28 × 28", SEEN, 1.1, 1.0)}
    arrows = []
    for name, up in (("one", 1.0), ("two", -1.0)):
        nodes[f"v{name}"] = Node(2.4, up, "a view\n28 × 28", VALUE, 1.2, 0.9)
        nodes[f"f{name}"] = Node(4.8, up, "3 convolutions", LAYER, 1.7, 0.7)
        nodes[f"h{name}"] = Node(7.2, up, "features: 64", STATE, high=1.4)
        nodes[f"g{name}"] = Node(9.6, up, "projection: 32", VALUE, 1.7, 0.7)
        arrows += [
            Arrow("x", f"v{name}"), Arrow(f"v{name}", f"f{name}", "784"), Arrow(f"f{name}", f"h{name}"),
            Arrow(f"h{name}", f"g{name}", "64"), Arrow(f"g{name}", "loss"),
        ]  # fmt: skip
    nodes["loss"] = Node(11.9, 0.0, "which two\nbelong together?", GOAL, 1.8, 0.9)
    return diagram(
        nodes,
        arrows,
        notes=[(1.2, 2.0, "turned, stretched, shifted"), (4.2, -2.0, "the same weights in both rows")],
        title="Contrastive features: what two views of a digit have in common, and other digits lack",
        alt="A digit, two changed views of it, each through the same convolutions to 64 features and a projection, and one loss.",
    )


@drawing
def marks(
    rows: Mapping[str, Mapping[str, Sequence[float]]], *, title: str, xlabel: str, alt: str, chance: float | None = None
) -> LessonFigure:
    """One row per name, one small mark per draw and a large one at the mean with two standard errors, for each group.

    rows: name -> {group: values over draws}. chance: a dashed line where guessing lies.
    """
    made = figure(title, xlabel=xlabel, size=(9.6, 0.9 + 0.62 * len(rows)), alt=alt)
    axes, groups = made.axes[0], list(dict.fromkeys(group for row in rows.values() for group in row))
    for place, row in enumerate(rows.values()):
        for group, values in row.items():
            at = groups.index(group)
            values, colour = np.asarray(values, float), (BLUE, VERMILION, GREEN, ORANGE)[at]
            height = -place + 0.16 * (len(groups) - 1) - 0.32 * at
            axes.plot(values, np.full(len(values), height), "|", color=colour, alpha=0.5, markersize=9)
            error = 2 * values.std(ddof=1) / np.sqrt(len(values))
            axes.errorbar(
                values.mean(), height, xerr=error, fmt="osD^"[at], color=colour, markersize=8, linewidth=2.5,
                label=group if place == next(k for k, r in enumerate(rows.values()) if group in r) else None,
            )  # fmt: skip
    if chance is not None:
        axes.axvline(chance, color="0.5", linestyle="--", linewidth=1)
    axes.set_yticks(-np.arange(len(rows)), list(rows), fontsize=12)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.tick_params(axis="x", labelsize=11)
    axes.xaxis.label.set_size(12)
    if len(groups) > 1:
        axes.legend(fontsize=11, loc="best")
    return made


@drawing
def nats_by_pixel(
    images: Tensor, nats: Sequence[tuple[str, Tensor]], *, names: Sequence[str], title: str, alt: str
) -> LessonFigure:
    """Images (N, 1, H, W) in the first row, and below them what each pixel needs under each model, on one colour scale.

    nats: (name of the model, -log p of each pixel (N, H, W)). names: one per image, above its column.
    """
    made = figure(
        title, rows=1 + len(nats), columns=len(images), size=(1.75 * len(images) + 1.2, 1.85 * (1 + len(nats)) + 0.5), alt=alt
    )
    grid = np.array(made.axes).reshape(1 + len(nats), len(images))
    top = max(values.quantile(0.995).item() for _, values in nats)
    for column, (name, image) in enumerate(zip(names, images, strict=True)):
        grid[0, column].imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
        grid[0, column].set_title(name, fontsize=11)
        for row, (_, values) in enumerate(nats, 1):
            shown = grid[row, column].imshow(values[column], cmap="viridis", vmin=0, vmax=top)
            grid[row, column].set_title(f"{values[column].sum():.0f} nats", fontsize=11)
    for axes, label in zip(grid[:, 0], ["image", *(name for name, _ in nats)], strict=True):
        axes.set_ylabel(label, fontsize=11)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    made.colorbar(shown, ax=list(grid[1:].flat), label="nats per pixel")
    return made


@drawing
def fading(
    curves: Mapping[str, Sequence[float]], expected: Mapping[str, Sequence[float]], *, title: str, ylabel: str, alt: str
) -> LessonFigure:
    """What is left, generation after generation: measured (points) and expected (lines), one colour per name."""
    made = figure(title, xlabel="generation", ylabel=ylabel, size=(9.6, 4.4), alt=alt)
    axes = made.axes[0]
    for (name, values), colour, mark in zip(curves.items(), (VERMILION, BLUE, GREEN, ORANGE), "osD^", strict=False):
        axes.plot(values, mark, color=colour, label=name, markersize=6)
        if name in expected:
            axes.plot(expected[name], "-", color=colour, linewidth=1.5)
    axes.tick_params(labelsize=11)
    axes.xaxis.label.set_size(12)
    axes.yaxis.label.set_size(12)
    axes.legend(fontsize=11)
    return made
