"""Maps of what a pixel may see of the pixels before it, and of how much it moves with each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from torch import Tensor

from course_lib.plots.figures import LessonFigure, figure
from course_lib.plots.given import drawing
from course_lib.plots.style import BLACK, ORANGE, SKY, VERMILION

KINDS = {"later": "#e1e1e1", "earlier, not seen": ORANGE, "seen": SKY, "the pixel": VERMILION}


@drawing
def what_is_seen(fields: Mapping[str, Tensor], pixel: tuple[int, int], *, title: str, alt: str) -> LessonFigure:
    """Receptive fields side by side: blue is seen, orange came before and is not seen. fields: name -> booleans (H, W)."""
    made = figure(f"{title}\n", columns=len(fields), size=(11.0, 4.0), alt=alt, sharey=True)
    for axes, (name, field) in zip(list(made.axes), fields.items(), strict=True):
        H, W = field.shape
        earlier = (np.arange(H * W) < pixel[0] * W + pixel[1]).reshape(H, W)
        kind = np.where(field.numpy(), 2, np.where(earlier, 1, 0))
        kind[pixel] = 3
        axes.imshow(kind, cmap=ListedColormap(list(KINDS.values())), vmin=0, vmax=3)
        axes.set_title(f"{name}: {int(field.sum())} of {int(earlier.sum())}", fontsize=11)
        axes.set(xlabel="column", ylabel="row" if axes is made.axes[0] else "")
    names = list(KINDS)
    handles = [made.axes[0].plot([], [], "s", color=KINDS[name], markersize=9, label=name)[0] for name in reversed(names)]
    made.legend(handles=handles, loc="outside lower center", ncols=4)
    return made


@drawing
def influences(moved: Mapping[str, Tensor], fields: Mapping[str, Tensor], *, title: str, alt: str) -> LessonFigure:
    """How much a pixel's logit moves with each pixel (H, W), in powers of ten; the receptive field (H, W) is outlined."""
    made = figure(title, columns=len(moved), size=(11.0, 3.4), alt=alt, sharey=True)
    panels = list(made.axes)
    for axes, (name, values) in zip(panels, moved.items(), strict=True):
        shades = axes.imshow(values.clamp(min=1e-9).log10().numpy(), cmap="cividis", vmin=-9, vmax=0)
        axes.contour(fields[name].numpy().astype(float), levels=[0.5], colors=[VERMILION], linewidths=1.8)
        axes.set_title(name, fontsize=11)
        axes.set(xlabel="column", ylabel="row" if axes is panels[0] else "")
    made.colorbar(shades, ax=panels, label="log10 of |gradient|")
    return made


@drawing
def ink_by_row(ink: Mapping[str, Tensor], rows: range, *, title: str, alt: str) -> LessonFigure:
    """The probability of ink in one column of a blank picture, row by row, on a logarithmic axis. ink: name -> (rows,)."""
    made = figure(title, xlabel="row", ylabel="p(ink)", size=(9.0, 3.6), alt=alt)
    axes = made.axes[0]
    styles = [("-", BLACK), ("--", ORANGE), ("-.", SKY), (":", VERMILION)]
    for (name, values), (style, colour) in zip(ink.items(), styles, strict=False):
        axes.plot(list(rows), values.numpy(), style, color=colour, linewidth=2.4, label=name)
    axes.set(yscale="log", xticks=list(rows)[::2])
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return made


@drawing
def masks_and_recurrences() -> LessonFigure:
    """What one layer lets a pixel take: the masks A and B, and from where the two LSTMs take their states."""
    made = figure(
        "One layer: what a pixel (orange-red) takes from its neighbours (blue)\n", columns=4, size=(11.0, 3.4),
        alt="Four grids with one pixel each. Mask A: the rows above, and the pixels on its left. Mask B: these and the pixel "
        "itself. Row LSTM: arrows from three pixels of the row above. Diagonal BiLSTM: arrows from the left and the upper pixel.",
    )  # fmt: skip
    masks = {
        "mask A, first layer": ([(0, column) for column in range(3)] + [(1, 0)], False),
        "mask B, later layers": ([(0, column) for column in range(3)] + [(1, 0), (1, 1)], False),
        "Row LSTM: states": ([(0, column) for column in range(3)], True),
        "Diagonal LSTM: states": ([(0, 1), (1, 0)], True),
    }
    for axes, (name, (places, arrows)) in zip(list(made.axes), masks.items(), strict=True):
        axes.set(title=name, xlim=(-0.55, 2.55), ylim=(2.55, -0.55), aspect="equal")
        axes.set_axis_off()
        for row in range(3):
            for column in range(3):
                later = (row, column) > (1, 1)
                fill = SKY if (row, column) in places else "#d9d9d9" if later else "white"
                axes.add_patch(_cell(column, row, fill))
                if later and row == 1:
                    axes.text(column, row, "future", ha="center", va="center", fontsize=11)
        axes.add_patch(_cell(1, 1, SKY if (1, 1) in places else "white", VERMILION))
        for row, column in places if arrows else ():
            axes.annotate("", (1, 1), (column, row), arrowprops={"arrowstyle": "-|>", "color": BLACK, "linewidth": 2})
    return made


def _cell(column: float, row: float, fill: str, edge: str = BLACK) -> Rectangle:
    own = edge != BLACK
    return Rectangle(
        (column - 0.5, row - 0.5), 1, 1, facecolor=fill, edgecolor=edge, linewidth=3.5 if own else 1, zorder=2 if own else 1
    )


@drawing
def numbered_neighbours(places: Sequence[tuple[int, int]], *, title: str, alt: str) -> LessonFigure:
    """The earlier neighbours of a pixel (orange-red) in the order in which they are taken.

    places: rows down, columns right from the pixel.
    """
    made = figure(title, size=(5.6, 3.4), alt=alt)
    axes = made.axes[0]
    up, wide = -min(row for row, _ in places), max(abs(column) for _, column in places)
    axes.set(xlim=(-wide - 0.55, wide + 0.55), ylim=(0.55, -up - 0.55), aspect="equal")
    axes.set_axis_off()
    for row in range(-up, 1):
        for column in range(-wide, wide + 1):
            axes.add_patch(_cell(column, row, "#d9d9d9" if (row, column) > (0, 0) else "white"))
    for number, (row, column) in enumerate(places, 1):
        axes.add_patch(_cell(column, row, SKY))
        axes.text(column, row, str(number), ha="center", va="center", fontsize=13)
    axes.add_patch(_cell(0, 0, "white", VERMILION))
    return made
