"""The film of two critics: fake points, the critic's estimate beside exact transport, and its weights, moment by moment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider
from course_lib.metrics.inputs import check_rows
from course_lib.runtime import check_index
from course_lib.training.films import Recording

SIZE = (9.6, 5.6)  # inches


def curve(film: Recording, what: str, seed: int) -> np.ndarray:
    """ "estimate" or "transport" of one seed at every moment of a film, (F,)."""
    return np.array(film.scalars[f"{what}/{seed}"], float)


def tracks(film: Recording, seeds: int) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The moments of a film (F,), the exact distances (seeds, F) and the critics' estimates (seeds, F)."""
    return film.steps, *(np.stack([curve(film, what, seed) for seed in range(seeds)]) for what in ("transport", "estimate"))


def weight_shares(film: Recording) -> tuple[np.ndarray, np.ndarray]:
    """The middles (K,) of the bins of the critic's weights, and the shares in them at every moment, (F, K)."""
    names = [name for name in film.scalars if name.startswith("weights/")]
    middles = np.array([float(name.partition("/")[2]) for name in names])
    return middles, np.array([film.scalars[name] for name in names], float).T


@explorer
def critic_film(films: Mapping[str, Recording], real: Tensor, *, seeds: int) -> Panel:
    """Several trainings of points in the plane side by side, with what their critics say.

    Args:
        films: setting -> a film of the recipes of lesson 17 (training/recipes/critics.py), all of the same moments.
        real: (N, 2), points of the data.
        seeds: how many networks each film shows; row i of a frame belongs to network i mod seeds.
    """
    shown, seeds = list(films.values()), check_index(seeds, "seeds", least=1)
    real = check_rows(real, "real", columns=2, fix="points of the plane")
    reach = max(abs(real).max().item(), 1.0) * 1.25
    top = max(curve(film, what, seed).max() for film in shown for what in ("estimate", "transport") for seed in range(seeds))
    low = min(0.0, *(curve(film, "estimate", seed).min() for film in shown for seed in range(seeds)))
    made = plots.figure("", rows=len(films), columns=3, size=SIZE, width_ratios=[2, 3, 3])
    rows = [made.axes[3 * row : 3 * row + 3] for row in range(len(films))]
    moving = []
    for (name, film), (plane, lines, bars) in zip(films.items(), rows, strict=True):
        plane.scatter(*real.T.numpy(), s=2, color="0.75")
        plane.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=name, xticks=[], yticks=[])
        lines.set(xlim=(0, film.steps[-1]), ylim=(low, 1.05 * top), ylabel="distance", title="exact (green), critic (black)")
        middles, shares = weight_shares(film)
        bars.set(
            xlim=(middles[0] - 0.02, middles[-1] + 0.02), ylim=(0, 1.05 * shares[1:].max()), title="critic's weights (seed 0)"
        )
        bars.set_ylabel("share")
        dots = plane.scatter(*film.frames[0].T.numpy()[:, :1], s=5, color=plots.VERMILION)
        steps = np.array(film.steps)
        drawn = [lines.plot(steps, 0 * steps, color=colour, linewidth=2)[0] for colour in (plots.GREEN, plots.BLACK)]
        marker = lines.plot([0, 0], [low, 1.05 * top], color=plots.ORANGE, linewidth=1.5)[0]
        boxes = bars.bar(middles, shares[0], width=0.9 * (middles[1] - middles[0]), color=plots.BLUE)
        moving.append((film, shares, dots, drawn, marker, boxes))
    rows[-1][1].set_xlabel("moves of the generator")
    rows[-1][2].set_xlabel("weight")
    made.hold_still(*(artist for _, _, dots, drawn, marker, boxes in moving for artist in (dots, *drawn, marker, *boxes)))

    def render(moment: int, seed: int):
        said = []
        for film, shares, dots, drawn, marker, boxes in moving:
            dots.set_offsets(film.frames[moment, seed::seeds].numpy())
            for line, what in zip(drawn, ("transport", "estimate"), strict=True):
                line.set_ydata(curve(film, what, seed))
            marker.set_xdata([film.steps[moment]] * 2)
            for box, share in zip(boxes, shares[moment], strict=True):
                box.set_height(share)
            exact, guess = (curve(film, what, seed)[moment] for what in ("transport", "estimate"))
            said.append(f"exact {exact:.2f}, critic {guess:.2f}")
        made.alt = f"After {shown[0].steps[moment]} moves: " + "; ".join(
            f"{name}: {words}" for name, words in zip(films, said, strict=True)
        )
        return made

    controls = [
        Slider("moment", "moment of the training", 0, len(shown[0].steps) - 1, value=len(shown[0].steps) - 1, play=200),
        Slider("seed", "seed", 0, seeds - 1, value=0),
    ]
    alt = "For each setting: fake points over real ones, the exact distance and the critic's estimate over the training, weights."
    return Panel(render, controls, title="What a critic's loss says", alt=alt)
