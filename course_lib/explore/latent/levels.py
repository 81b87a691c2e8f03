"""Explorers of models in levels: draw one level anew and keep the rest, for continuous latents and for discrete codes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.autoregressive.pixels import font
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.models.latent import HierarchicalVAE, VectorQuantised
from course_lib.models.sequence import SequenceModel

GAP, WORDS = 6, 118  # pixels: between tiles, and for the words before a row


def mixed(own: Tensor, fresh: Tensor, share: float) -> Tensor:
    """Noise between `own` (share 0) and `fresh` (share 1) that stays standard normal: the squares of the weights add to 1."""
    return (1 - share**2) ** 0.5 * own + share * fresh


@torch.no_grad()
def one_level_anew(model: HierarchicalVAE, noise: Sequence[Tensor], level: int, fresh: Sequence[Tensor], share: float) -> Tensor:
    """Mean pictures (n, *event_shape) when one level's noise is mixed with fresh noise, and all other levels keep theirs.

    noise: the own noise of one picture, (1, latents[l]) for each level. fresh: n draws of every level's, (n, latents[l]). What
    lies below the level follows it, by its own old noise.
    """
    n = len(fresh[level])
    parts = [own.expand(n, -1) if i != level else mixed(own, fresh[i], share) for i, own in enumerate(noise)]
    return model.decode(model.from_noise(tuple(parts))[0]).mean


def resample_a_level(model: HierarchicalVAE, x: Tensor, *, shown: int = 8, seed: int = 0) -> Panel:
    """A row for each level: that level's noise moves to something fresh, the other levels keep what the picture gave them.

    Args:
        model: with L levels, of binary images.
        x: pictures (B, C, H, W) to start from.
        shown: draws in a row. seed: of the first draws; "other noise" counts on from it.
    """

    @lru_cache(maxsize=32)
    def own(which: int) -> tuple[tuple[Tensor, ...], Image.Image]:
        with torch.no_grad():
            z, _ = model.infer(x[which : which + 1], generator=runtime.generator(seed))
            noise = model.noise_of(z)
            pair = [x[which], model.decode(z[0]).mean[0]]
        return noise, plots.to_image(plots.tile(torch.stack(pair), columns=1), 3)

    @lru_cache(maxsize=32)
    def fresh(again: int) -> tuple[Tensor, ...]:
        return model.noise(shown, runtime.generator(seed + 1 + again))

    def render(share: float, which: int, again: int) -> Image.Image:
        noise, pair = own(which)
        rows = [one_level_anew(model, noise, level, fresh(again), share) for level in reversed(range(model.depth))]
        sheet = plots.to_image(plots.tile(torch.cat(rows), columns=shown), 2)
        left = pair.width + 2 * GAP
        whole = Image.new("RGB", (left + WORDS + sheet.width, max(pair.height + 20, sheet.height) + GAP), "white")
        whole.paste(pair, (GAP, 20))
        whole.paste(sheet, (left + WORDS, 0))
        pen = ImageDraw.Draw(whole)
        pen.text((GAP, 2), "a digit, rebuilt", fill="black", font=font(12))
        for row, level in enumerate(reversed(range(model.depth))):
            top = (row + 0.35) * sheet.height / model.depth
            place = {model.depth - 1: ", the top", 0: ", the lowest"}.get(level, "")
            pen.text((left, top), f"z{level + 1} anew{place}", fill="black", font=font(12))
            pen.text((left, top + 16), f"{model.latents[level]} numbers", fill="#555555", font=font(11))
        return whole

    return Panel(
        render,
        [
            Slider("share", "from its own noise (0) to fresh noise (1)", 0.0, 1.0, value=1.0, step=0.02),
            Slider("which", "which digit", 0, len(x) - 1, value=0, step=1),
            Button("again", "other noise"),
        ],
        title="Draw one level anew, keep the rest",
        alt="A digit and its reconstruction; beside them for each level a row of digits with fresh noise in that level alone.",
    )


@torch.no_grad()
def rewritten(prior: SequenceModel, symbols: Tensor, keep: int, *, draws: int, seed: int = 0) -> Tensor:
    """Symbols (B, T) with the first `keep` kept and the rest written anew by the prior, (B, draws, T)."""
    many = symbols.repeat_interleave(draws, 0)  # (B draws, T)
    noise = prior.noise(len(many), runtime.generator(seed))
    start = torch.full((len(many),), keep)
    return prior.sample_from_noise(noise, many, start).view(len(symbols), draws, -1)


def coarse_to_fine(coder: VectorQuantised, prior: SequenceModel, x: Tensor, *, draws: int = 8, seed: int = 0) -> Panel:
    """Keep the coarse symbols of a picture, let the prior write the finer ones; see what each scale adds.

    Args:
        coder: with several scales. prior: over its T symbols, coarse first. x: pictures (B, C, H, W).
        draws: pictures written for each. seed: of the noise.
    """
    starts = [0, *torch.tensor(coder.sizes).cumsum(0).tolist()]
    with torch.no_grad():
        symbols = coder.code(x)  # (B, T)
        written = [rewritten(prior, symbols, keep, draws=draws, seed=seed) for keep in starts]
        painted = {
            (keep, scales): coder.paint(found.flatten(0, 1), scales).unflatten(0, (len(x), draws))
            for keep, found in enumerate(written)
            for scales in range(1, len(starts))
        }
        rebuilt = coder.paint(symbols)

    def render(keep: int, scales: int, which: int) -> Image.Image:
        pair = plots.to_image(plots.tile(torch.stack([x[which], rebuilt[which]]), columns=1), 3)
        sheet = plots.to_image(plots.tile(painted[keep, scales][which], columns=(draws + 1) // 2), 3)
        whole = Image.new("RGB", (pair.width + sheet.width + 3 * GAP, sheet.height + 24), "white")
        pen = ImageDraw.Draw(whole)
        pen.text((GAP, 4), "a face, rebuilt", "black", font(12))
        pen.text((pair.width + 2 * GAP, 4), f"{starts[keep]} of {starts[-1]} symbols kept, the rest written", "black", font(12))
        whole.paste(pair, (GAP, 24))
        whole.paste(sheet, (pair.width + 2 * GAP, 24))
        return whole

    words = {f"{count} symbols": place for place, count in enumerate(starts)}
    return Panel(
        lambda keep, scales, which: render(words[keep], scales, which),
        [
            Choice("keep", "kept of the face", list(words), value=f"{starts[1]} symbols"),
            Slider("scales", "maps painted, coarse to fine", 1, len(coder.scales), value=len(coder.scales), step=1),
            Slider("which", "which face", 0, len(x) - 1, value=0, step=1),
        ],
        title="Coarse to fine",
        alt="A drawn face and its reconstruction from symbols; beside them faces with its coarse symbols, the finer ones drawn.",
    )
