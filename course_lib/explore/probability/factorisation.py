"""Explorers of lesson 03: draw a factorisation of 3 × 3 patches, and see which model is best for a given number of patches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider, Toggle
from course_lib.explore.probability.patch_diagram import PatchDiagram
from course_lib.metrics.likelihood import mean_with_error
from course_lib.models.inputs import check_binary, check_order
from course_lib.models.probability.enumeration import all_states
from course_lib.models.probability.tables import BayesianNetwork, FullTable, IndependentTable, MarkovTable

SHAPE, SIDE, D = (1, 3, 3), 3, 9
ORDERS = {
    "row by row": list(range(D)),
    "column by column": [0, 3, 6, 1, 4, 7, 2, 5, 8],
    "snake": [0, 1, 2, 5, 4, 3, 6, 7, 8],
}
MEMORIES = {"nothing": 0, "the 1 before it": 1, "the 2 before it": 2, "the 3 before it": 3, "all before it": 8}
NEIGHBOURS = {"left": (0, -1), "above": (-1, 0), "above_left": (-1, -1), "above_right": (-1, 1)}  # (row, column) steps
SMOOTHINGS = (0.0, 0.1, 1.0)


def parents_of(order: Sequence[int], memory: int, neighbours: Sequence[str] = ()) -> list[list[int]]:
    """For each of the 9 pixels, the pixels it looks at: the last `memory` before it in the order, and its earlier neighbours.

    neighbours: names from NEIGHBOURS. Raises ValueError when `order` is no order of the 9 pixels.
    """
    order = check_order(order, D)
    parents: list[list[int]] = [[] for _ in range(D)]
    for k, d in enumerate(order):
        near = set(order[max(0, k - memory) : k])
        for step in neighbours:
            row, column = d // SIDE + NEIGHBOURS[step][0], d % SIDE + NEIGHBOURS[step][1]
            if 0 <= row < SIDE and 0 <= column < SIDE and SIDE * row + column in order[:k]:
                near.add(SIDE * row + column)
        parents[d] = sorted(near, key=order.index)
    return parents


def _state_of(x: Tensor) -> Tensor:
    """The index, among the 512 possible patches, of each patch of x (N, 1, 3, 3): (N,) integers."""
    return (check_binary(x, SHAPE).flatten(1) @ 2.0 ** torch.arange(D - 1, -1, -1)).long()


class _Patches:
    """Training and test patches as counts of the 512 possible patches, so that a model is fitted and tested in a millisecond."""

    def __init__(self, train: Tensor, test: Tensor):
        self.states = all_states(D).reshape(-1, *SHAPE)
        self.train, self.test = _state_of(train), _state_of(test)

    def counts(self, chosen: Tensor) -> Tensor:
        """How often each state occurs among these, (512,)."""
        return torch.bincount(chosen, minlength=2**D)

    def fit(self, model, smoothing: float, counts: Tensor):
        """The model, its tables filled from these counts of training states."""
        return model.estimate(self.states, smoothing=smoothing, counts=counts)

    def nats(self, model) -> Tensor:
        """-log p of every state, (512,)."""
        return -model.log_prob(self.states)


def _mean(nats: Tensor, counts: Tensor) -> Tensor:
    """The mean of nats (512,) weighted by counts (512,). A patch that never occurs does not count, even with infinite nats."""
    return torch.where(counts > 0, counts * nats, 0.0).sum() / counts.sum()


@explorer
def draw_factorisation(train: Tensor, test: Tensor, *, smoothing: float = 1.0) -> Panel:
    """Choose which pixels each pixel looks at: the diagram, the number of parameters, the held-out nats, and samples.

    train, test: binary patches (N, 1, 3, 3).
    """
    patches = _Patches(train, test)
    known = {
        "independent": IndependentTable(event_shape=SHAPE),
        "Markov": MarkovTable(event_shape=SHAPE),
        "full table": FullTable(event_shape=SHAPE),
    }
    counts, test_counts = patches.counts(patches.train), patches.counts(patches.test)
    nats = {name: _mean(patches.nats(patches.fit(model, smoothing, counts)), test_counts).item() for name, model in known.items()}
    made = plots.figure("", rows=2, columns=2, size=(5.4, 5.0))
    diagram, bars, drawn, real = made.axes
    lengths = bars.barh(range(4), [*nats.values(), 0.0], color=[plots.SKY] * 3 + [plots.ORANGE], height=0.65)
    bars.set_yticks(range(4), [*nats, "yours"])
    bars.set(xlim=(0.0, 1.05 * max(6.0, *nats.values())), xlabel="held-out nats per patch\n(less is better)")
    for place, value in enumerate(nats.values()):
        bars.text(0.1, place, f"{value:.2f}", va="center")
    label = bars.text(0.1, 3, "", va="center", weight="bold")
    shown = [axes.imshow(plots.tile(torch.zeros(64, 3, 3), 8), cmap="gray", vmin=0, vmax=255) for axes in (drawn, real)]
    for axes, title in ((drawn, "drawn from your model"), (real, "real patches")):
        axes.set_axis_off()
        axes.set_title(title, fontsize=10)
    shown[1].set_data(plots.tile(test[:64, 0], 8))
    arrows = PatchDiagram(diagram)
    made.hold_still(arrows.curves, arrows.heads, diagram.set_title("parameters"), lengths[3], label, shown[0])

    def render(order: str, memory: str, left: bool, above: bool, above_left: bool, above_right: bool, again: int):
        switched = [left, above, above_left, above_right]
        near = [step for step, on in zip(NEIGHBOURS, switched, strict=True) if on]
        parents = parents_of(ORDERS[order], MEMORIES[memory], near)
        model = patches.fit(BayesianNetwork(event_shape=SHAPE, parents=parents, order=ORDERS[order]), smoothing, counts)
        cost = mean_with_error(patches.nats(model)[patches.test])
        arrows.show(parents)
        diagram.set_title(f"{model.parameter_count} parameters")
        lengths[3].set_width(cost.mean)
        label.set_text(f"{cost.mean:.2f} ± {cost.standard_error:.2f}")
        shown[0].set_data(plots.tile(model.sample(64, generator=runtime.generator(again))[:, 0], 8))
        made.alt = (
            f"A factorisation of nine pixels with {model.parameter_count} parameters, {cost.mean:.2f} held-out nats per patch, "
            "and 64 patches drawn from it beside 64 real ones."
        )
        return made

    return Panel(
        render,
        [
            Choice("order", "order", list(ORDERS), value="row by row"),
            Choice("memory", "each pixel looks at", list(MEMORIES), value="the 1 before it"),
            Toggle("left", "and at the left", False),
            Toggle("above", "above", False),
            Toggle("above_left", "above left", False),
            Toggle("above_right", "above right", False),
            Button("again", "draw again"),
        ],
        title="Draw the factorisation",
        alt="The diagram of a factorisation of nine pixels, its held-out nats beside known models, and patches drawn from it.",
    )


def size_curves(patches: _Patches, sizes: Sequence[int], models: Mapping[str, object], repeats: int) -> dict[str, Tensor]:
    """Mean nats over `repeats` random training sets: "held out" and "training", each (smoothings, models, sizes)."""
    curves = {name: torch.zeros(len(SMOOTHINGS), len(models), len(sizes)) for name in ("held out", "training")}
    tests = patches.counts(patches.test)
    for repeat in range(repeats):
        shuffled = patches.train[torch.randperm(len(patches.train), generator=runtime.generator(repeat))]
        for k, size in enumerate(sizes):
            counts = patches.counts(shuffled[:size])
            for (s, smoothing), (m, model) in itertools.product(enumerate(SMOOTHINGS), enumerate(models.values())):
                nats = patches.nats(patches.fit(model, smoothing, counts))
                curves["held out"][s, m, k] += _mean(nats, tests) / repeats
                curves["training"][s, m, k] += _mean(nats, counts) / repeats
    return curves


@explorer
def training_size(train: Tensor, test: Tensor, *, repeats: int = 8) -> Panel:
    """Held-out nats of four models against the number of training patches: where does the table overtake?

    train, test: binary patches (N, 1, 3, 3). Curves are means over `repeats` random training sets of each size.
    """
    patches = _Patches(train, test)
    doublings = int(math.log2(len(train) / 10))
    if doublings < 1:
        raise ValueError(f"there are {len(train)} training patches; expected at least 20")
    sizes = [10 * 2**k for k in range(doublings + 1)]
    models = {
        "independent (9 parameters)": IndependentTable(event_shape=SHAPE),
        "Markov (17)": MarkovTable(event_shape=SHAPE),
        "memory of 3 (55)": MarkovTable(event_shape=SHAPE, memory=3),
        "full table (511)": FullTable(event_shape=SHAPE),
    }
    curves = size_curves(patches, sizes, models, repeats)
    made = plots.figure("", xlabel="training patches", ylabel="nats per patch (less is better)", size=(5.4, 4.6))
    axes = made.axes[0]
    axes.set(xscale="log", xlim=(0.9 * sizes[0], 1.1 * sizes[-1]), ylim=(2.0, 7.5))
    looks = list(zip((plots.BLUE, plots.ORANGE, plots.GREEN, plots.VERMILION), "o^sD", models, strict=True))
    lines = [axes.plot(sizes, sizes, color=c, marker=m, markersize=4, label=name)[0] for c, m, name in looks]
    dashed = [axes.plot(sizes, sizes, color=c, linestyle=":", linewidth=1.2)[0] for c, _, _ in looks]
    dots = axes.scatter([0] * 4, [0] * 4, s=90, c=[c for c, _, _ in looks], edgecolors="black", zorder=4)
    here = axes.axvline(sizes[0], color="0.4", linewidth=1)
    overtakes = axes.axvline(sizes[0], color=plots.VERMILION, linewidth=1.2, linestyle="--")
    word = axes.text(0, 7.35, "", color=plots.VERMILION, va="top", fontsize=9)
    legend = made.legend(
        handles=lines, loc="outside lower left", title="held-out nats; training, when shown: dotted", alignment="left"
    )
    made.draw_without_rendering()
    ends = [entry.get_window_extent().transformed(made.transFigure.inverted()) for entry in legend.get_texts()]
    values = [made.text(end.x1, end.y0, "", va="bottom", fontsize=legend.get_texts()[0].get_fontsize()) for end in ends]
    made.hold_still(here, overtakes, *lines, *dashed, dots, word, *values, axes.set_title("With the best"))

    def render(doublings: int, smoothing: float, training: bool):
        s, size = SMOOTHINGS.index(smoothing), sizes[doublings]
        held, own = curves["held out"][s], curves["training"][s]  # (models, sizes) each
        for m, (line, dash) in enumerate(zip(lines, dashed, strict=True)):
            line.set_ydata(held[m])
            dash.set_ydata(own[m])
            dash.set_visible(training)
        at = held[:, doublings]
        dots.set_offsets(torch.stack([torch.full((4,), float(size)), at], 1))
        here.set_xdata([size, size])
        wins = (held[3] < held[1]).nonzero().flatten().tolist()
        overtakes.set_visible(bool(wins))
        word.set_text(" table overtakes Markov" if wins else "")
        if wins:
            overtakes.set_xdata([sizes[wins[0]]] * 2)
            word.set_x(sizes[wins[0]])
        for text, value in zip(values, at.tolist(), strict=True):
            text.set_text(f": {value:.2f}" if math.isfinite(value) else ": ∞")
        best = f"the best is: {list(models)[int(at.argmin())]}" if at.isfinite().any() else "all four are infinite"
        axes.set_title(f"With {size:,} patches {best}")
        made.alt = f"Held-out nats of four models against training patches; with {size:,} {best}."
        return made

    return Panel(
        render,
        [
            Slider("doublings", "training patches: 10 × 2 to the", 0, doublings, value=min(4, doublings), step=1),
            Choice("smoothing", "pseudo-count", list(SMOOTHINGS), value=0.0),
            Toggle("training", "show training nats too", False),
        ],
        title="How many patches can which model use?",
        alt="Held-out nats of four models against the number of training patches, with a marker at the number chosen.",
    )
