"""Explorers of hierarchical models: draw one level anew and keep the rest, for continuous latents and for discrete codes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import GAP, font
from course_lib.models.latent import HierarchicalVAE, VectorQuantised
from course_lib.models.sequence import SequenceModel
from course_lib.runtime import check_index

WORDS = 140  # pixels for the words before a row


def mixed(own: Tensor, fresh: Tensor, share: float) -> Tensor:
    """Noise between `own` (share 0) and `fresh` (share 1). It stays standard normal: the squares of the weights add up to 1."""
    return (1 - share**2) ** 0.5 * own + share * fresh


@torch.no_grad()
def one_level_anew(model: HierarchicalVAE, noise: Sequence[Tensor], level: int, fresh: Sequence[Tensor], share: float) -> Tensor:
    """Mean pictures (n, *event_shape) when fresh noise is mixed into one level, and all other levels keep their noise.

    The latents below that level change with it, because they depend on it; their noise stays the same.

    Args:
        noise: the noise of one picture, (1, latents[l]) for each level l.
        fresh: n draws for each level l, (n, latents[l]). share: of the fresh noise, from 0 to 1.
    """
    n = len(fresh[level])
    parts = [own.expand(n, -1) if i != level else mixed(own, fresh[i], share) for i, own in enumerate(noise)]
    return model.decode(model.from_noise(tuple(parts))[0]).mean


@explorer
def resample_a_level(model: HierarchicalVAE, x: Tensor, *, shown: int = 8, seed: int = 0) -> Panel:
    """One row per level: the noise of that level moves to fresh noise; the other levels keep the noise of the picture.

    Args:
        model: with several levels, of binary images.
        x: pictures (B, C, H, W) to begin with.
        shown: draws in a row. seed: of the first draws; each click on "other noise" adds 1.
    """

    @lru_cache(maxsize=32)
    def own(which: int) -> tuple[tuple[Tensor, ...], Image.Image]:
        with torch.no_grad():
            z, _ = model.infer(x[which : which + 1], generator=runtime.generator(seed))
            noise = model.noise_of(z)
            pair = [x[which], model.decode(z[0]).mean[0]]
        return noise, plots.to_image(plots.tile(torch.stack(pair), columns=1), 4)

    @lru_cache(maxsize=32)
    def fresh(again: int) -> tuple[Tensor, ...]:
        return model.noise(shown, runtime.generator(seed + 1 + again))

    def render(share: float, which: int, again: int) -> Image.Image:
        noise, pair = own(which)
        rows = [one_level_anew(model, noise, level, fresh(again), share) for level in reversed(range(model.depth))]
        sheet = plots.to_image(plots.tile(torch.cat(rows), columns=shown), 3)
        left = pair.width + 2 * GAP
        whole = Image.new("RGB", (left + WORDS + sheet.width, max(pair.height + 20, sheet.height) + GAP), "white")
        whole.paste(pair, (GAP, 20))
        whole.paste(sheet, (left + WORDS, 0))
        pen = ImageDraw.Draw(whole)
        pen.text((GAP, 1), "a digit, rebuilt", fill="black", font=font(14))
        for row, level in enumerate(reversed(range(model.depth))):
            top = (row + 0.35) * sheet.height / model.depth
            place = {model.depth - 1: ", the top", 0: ", the lowest"}.get(level, "")
            pen.text((left, top), f"z{level + 1} anew{place}", fill="black", font=font(14))
            pen.text((left, top + 19), f"{model.latents[level]} numbers", fill="#555555", font=font(13))
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
    """`draws` versions of each row of symbols (B, T): the first `keep` symbols stay, the prior writes the rest: (B, draws, T)."""
    many = symbols.repeat_interleave(draws, 0)  # (B draws, T)
    noise = prior.noise(len(many), runtime.generator(seed))
    start = torch.full((len(many),), keep)
    return prior.sample_from_noise(noise, many, start).view(len(symbols), draws, -1)


@explorer
def coarse_to_fine(coder: VectorQuantised, prior: SequenceModel, x: Tensor, *, draws: int = 8, seed: int = 0) -> Panel:
    """Keep the coarse symbols of a picture and let the prior write the finer ones: what each scale adds.

    Args:
        coder: with several scales. prior: of the coder's T symbols, coarse symbols first. x: pictures (B, C, H, W).
        draws: pictures written for each of x. seed: of the noise.
    """
    draws = check_index(draws, "draws", least=1)
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
