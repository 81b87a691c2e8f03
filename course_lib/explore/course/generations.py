"""Models that learn from the samples of models: a line, a ring, and digits, over thirty generations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.datasets import toys
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Slider
from course_lib.explore.kit.plane import FINE, HIGH, WIDE, Plot, finished
from course_lib.explore.kit.sheet import font
from course_lib.metrics.divergence import count_modes
from course_lib.metrics.inputs import check_finite
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.training.generations import Gaussians, Plan, expected_variances, generations, group_runs

SCHEMES = {
    "own samples only": (0.0, False),
    "a tenth real": (0.1, False),
    "half real": (0.5, False),
    "keep everything": (0.0, True),
}
MODES, RADIUS, SCALE = 8, 1.0, 0.08
RUNS, SHOWN, POINTS, ROOM = 200, 12, 200, 26
LINE, RING, DIGITS = "a line", "a ring", "digits"


@dataclass(frozen=True)
class Story:
    """What one plan led to. left: per generation, what the left picture shows. variances: of all, as shares of the true one.

    medians: of the runs, where there are several. words: per generation, the read-out.
    """

    left: list[np.ndarray]
    variances: list[float]
    medians: list[float] | None
    words: list[str]


def line(plan: Plan, count: int) -> Story:
    """RUNS independent Gaussians on a line, refitted `count` times."""
    draw = runtime.generator(0)
    found = generations(Gaussians.fit, lambda n: torch.randn(n, RUNS, 1, generator=draw), plan, count=count, generator=draw)
    spread = torch.stack([model.variance for model in found])  # (count + 1, RUNS)
    left = [torch.cat([model.mean, model.factor[:, :, 0]], 1)[:SHOWN].numpy() for model in found]
    words = [f"{int((row < 0.05).sum())} of {RUNS} runs have less than 5 % of the variance left" for row in spread]
    return Story(left, spread.mean(1).tolist(), spread.median(1).values.tolist(), words)


def ring(plan: Plan, count: int, steps: int = 3) -> Story:
    """A mixture of as many Gaussians as the ring has modes: each begins at the one before, and takes `steps` of EM."""
    draw, centres = runtime.generator(0), toys.ring_centres(modes=MODES, radius=RADIUS)

    def real(n: int) -> Tensor:
        return toys.ring(n, modes=MODES, radius=RADIUS, scale=SCALE, generator=draw)

    def fit(x: Tensor, before: GaussianMixture | None) -> GaussianMixture:
        model = GaussianMixture(event_shape=(2,), components=MODES, covariance="spherical", min_variance=1e-5)
        if before is None:
            model.set_components(probs=torch.full((MODES,), 1 / MODES), mean=centres, covariance=torch.full((MODES, 1), SCALE**2))
        else:
            model.load_state_dict(before.state_dict())
        for _ in range(steps):
            model.em_step(x)
        return model

    found = generations(fit, real, plan, count=count, generator=draw)
    left = [model.sample(POINTS, generator=runtime.generator(1)).float() for model in found]
    total = RADIUS**2 + 2 * SCALE**2
    variances = [_total_variance(model) / total for model in found]
    served = [
        count_modes(x, centres, SCALE).served
        for x in (model.sample(800, generator=runtime.generator(2)).float() for model in found)
    ]
    words = [f"{count} of {MODES} modes get at least a fifth of their due" for count in served]
    return Story([x.numpy() for x in left], variances, None, words)


def digits(plan: Plan, count: int, codes: Tensor, decode: Callable[[Tensor], Tensor]) -> Story:
    """One Gaussian per class of codes (N, K, d), refitted; the left pictures decode the same noise in each generation."""
    found = group_runs(codes, plan, count=count, seeds=[0])[0]
    noise = torch.randn(4, *codes.shape[1:], generator=runtime.generator(1))
    left = [plots.tile(decode(model.of_noise(noise).flatten(0, 1)).clamp(0, 1), columns=codes.shape[1], gap=2) for model in found]
    truth = Gaussians.fit(codes).variance.sum()
    variances = [(model.variance.sum() / truth).item() for model in found]
    return Story(left, variances, None, ["the same noise in every generation"] * len(found))


@explorer
def own_samples(
    codes: Tensor, decode: Callable[[Tensor], Tensor], *, sizes: Sequence[int] = (20, 100, 500), count: int = 30
) -> Panel:
    """Play the generations of a line, a ring and digits, for several numbers of examples and several plans.

    Args:
        codes: of digits, (N, K, d): N examples of each of K classes. decode: codes (B, d) -> images (B, 1, H, W) about [0, 1].
        sizes: the numbers of examples per generation; of digits, per class. count: generations after the first.
    """
    if codes.ndim != 3:
        raise ValueError(f"codes have shape {tuple(codes.shape)}; expected (N, K, d): N examples of each of K classes")
    codes = check_finite(codes.float(), "codes")
    makers = {LINE: line, RING: ring, DIGITS: lambda plan, count: digits(plan, count, codes, decode)}
    plans = {(n, scheme): Plan(n, *settings) for n in sizes for scheme, settings in SCHEMES.items()}
    stories = {(kind, *key): make(plan, count) for kind, make in makers.items() for key, plan in plans.items()}
    exact = {key: expected_variances(plan, count) for key, plan in plans.items()}

    def render(kind: str, generation: int, n: int, scheme: str) -> Image.Image:
        story = stories[kind, n, scheme]
        sheet = Image.new("RGB", (2 * WIDE * FINE, (HIGH + ROOM) * FINE), "white")
        _left(sheet, kind, story.left[generation], generation)
        _right(sheet, story, exact[n, scheme], generation)
        words = f"expected {exact[n, scheme][generation]:.3f}, here {story.variances[generation]:.3f}; {story.words[generation]}"
        ImageDraw.Draw(sheet).text((46 * FINE, (HIGH - 2) * FINE), words, fill="black", font=font(13 * FINE))
        return finished(sheet)

    controls = [
        Choice("kind", "data", list(makers), value=DIGITS),
        Slider("generation", "generation", 0, count, value=count, step=1, play=250),
        Choice("n", "examples", list(sizes), value=sizes[0]),
        Choice("scheme", "learns from", list(SCHEMES)),
    ]
    alt = (
        "Left, what the model of this generation draws; right, the share of the variance that is left, falling over generations."
    )
    return Panel(render, controls, title="Models of models: what is left after so many generations", alt=alt)


def _total_variance(model: GaussianMixture) -> float:
    mean = model.probs @ model.mean
    square = (model.probs[:, None] * (model.mean.square() + model.covariances().diagonal(dim1=1, dim2=2))).sum()
    return (square - mean.square().sum()).item()


def _left(sheet: Image.Image, kind: str, shown: np.ndarray, generation: int) -> None:
    if kind == DIGITS:
        picture = Image.fromarray(shown).convert("RGB")
        scale = (WIDE - 60) * FINE / picture.width
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.NEAREST)
        ImageDraw.Draw(sheet).text(
            (46 * FINE, 4 * FINE), f"samples of generation {generation}", fill="black", font=font(13 * FINE)
        )
        sheet.paste(picture, (46 * FINE, 34 * FINE))
        return
    if kind == RING:
        plot = Plot(
            sheet, 0, ((-1.5, 1.5), (-1.5, 1.5)), f"samples of generation {generation} (blue), true modes (black)", ("x₁", "")
        )
        plot.dots(shown, plots.BLUE, 2)
        plot.dots(toys.ring_centres(modes=MODES, radius=RADIUS).numpy(), plots.BLACK, 3)
    else:
        plot = Plot(sheet, 0, ((-4.0, 4.0), (0.0, 1.2)), f"{SHOWN} runs (blue) and the truth (black)", ("x", "density"))
        x = np.linspace(-4, 4, 161)
        for mean, scale in [*shown.tolist(), (0.0, 1.0)]:
            density = np.exp(-0.5 * ((x - mean) / max(scale, 1e-3)) ** 2) / max(scale, 1e-3) / np.sqrt(2 * np.pi)
            true = (mean, scale) == (0.0, 1.0)
            plot.line(np.stack([x, density.clip(max=1.3)], 1), plots.BLACK if true else plots.SKY, 2 if true else 1)
    plot.done()


def _right(sheet: Image.Image, story: Story, exact: Sequence[float], generation: int) -> None:
    at = np.arange(len(exact))
    seen = "mean (blue), median (orange-red)" if story.medians else "this run (blue)"
    plot = Plot(sheet, 1, ((0, len(exact) - 1), (0.0, 1.2)), f"expected (black), {seen}", ("generation", "variance left"))
    for values, colour, width in ((exact, plots.BLACK, 3), (story.variances, plots.BLUE, 2), (story.medians, plots.VERMILION, 2)):
        if values is not None:
            plot.line(np.stack([at, np.clip(values, 0, 1.2)], 1), colour, width)
    plot.line(np.array([[generation, 0.0], [generation, 1.2]]), "#bbbbbb", 1)
    plot.dots(np.array([[generation, min(story.variances[generation], 1.2)]]), plots.BLUE, 5)
    plot.done()
