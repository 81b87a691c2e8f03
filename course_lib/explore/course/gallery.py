"""The trained models of the course side by side, drawing from the same seed. It grows as models are added."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import datasets, plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider
from course_lib.explore.kit.sheet import font
from course_lib.models.protocols import GenerativeModel
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES

PAGE = 5  # models on a page, beside the real digits: two full rows
NOTHING_YET = "No trained model is here yet.\nIn a terminal, type\n\n    course train nade-mnist\n\nand run this cell again."
_SHEET, _CAPTION, _GAP = 234, 40, 12  # pixels: the side of a sheet, the words above it, the space around it
_COLUMNS = 3
_EACH = 16
_KEPT = 64  # sheets kept in memory, about 0.2 MB each
_REAL = "real digits"


def trained() -> dict[str, tuple[str, GenerativeModel]]:
    """Name -> (a few words, model), of the models at hand whose recipe says that the gallery shows them.

    A shipped model comes before the student's own of the same name.
    """
    shown = {name for name, recipe in RECIPES.items() if recipe.gallery}
    found: dict[str, tuple[str, GenerativeModel]] = {}
    for folder in _folders():
        for name in sorted({path.stem for path in folder.glob("*.json")} & shown - found.keys()):
            words = checkpoints.describe(name, folder).get("about", "")
            found[name] = (words, checkpoints.load(name, folder=folder))
    return found


def _folders() -> list[Path]:
    """Where checkpoints may lie: the clone's folder, and the student's own where there is one."""
    try:
        return [checkpoints.shipped_dir(), checkpoints.own_dir()]
    except OSError:
        return [checkpoints.shipped_dir()]


@explorer
def gallery(models: Mapping[str, tuple[str, GenerativeModel]] | None = None) -> Panel:
    """16 images from each model, drawn from one seed, beside 16 real digits. Without any model it says how to train one.

    All models are shown first; one may turn to pages of PAGE models, which are drawn sooner. A sheet once drawn is kept.

    models: name -> (a few words, model of images); `trained()` when None.
    """
    models = trained() if models is None else models
    digits = datasets.load("mnist", "test", binarisation="fixed").x
    names = list(models)
    pages = {"all": names}
    if len(names) > PAGE:
        firsts = range(0, len(names), PAGE)
        pages |= {f"{first + 1}–{min(first + PAGE, len(names))}": names[first : first + PAGE] for first in firsts}

    @lru_cache(maxsize=_KEPT)
    def sheet(name: str, draw_from: int) -> Image.Image:
        if name == _REAL:
            chosen = np.random.default_rng(draw_from).permutation(len(digits))[:_EACH]
            return _tile(name, "test set, black and white by a seeded draw", digits[chosen])
        words, model = models[name]
        return _tile(name, words, model.sample(_EACH, generator=runtime.generator(draw_from)))

    def render(seed: int, again: int, page: str = "all") -> Image.Image:
        tiles = [sheet(name, seed + 1_000 * again) for name in (_REAL, *pages[page])]
        return _together(tiles if models else [*tiles, _words(NOTHING_YET)])

    controls = [Slider("seed", "seed", 0, 99, value=0, live=False), Button("again", "draw again")]
    if len(pages) > 1:
        controls.append(Choice("page", "models", list(pages)))
    return Panel(render, controls, title="The gallery", alt=f"Sheets of 16 images each: {', '.join([_REAL, *names])}.")


def _tile(name: str, words: str, images: Tensor) -> Image.Image:
    """A sheet of images (N, C, H, W) under its name and a few words, which are cut where they are too long."""
    sheet = plots.tile(images.clamp(0, 1), columns=4, shade=96)  # Gaussian noise on images may leave [0, 1]
    tile = Image.new("RGB", (_SHEET, _SHEET + _CAPTION), "white")
    tile.paste(Image.fromarray(sheet).convert("RGB").resize((_SHEET, _SHEET), Image.Resampling.NEAREST), (0, _CAPTION))
    pen = ImageDraw.Draw(tile)
    pen.text((0, 0), name, fill="black", font=font(15))
    while words and pen.textlength(words, font(11)) > _SHEET:
        words = words[:-2].rstrip(" ,…") + "…"
    pen.text((0, 20), words, fill="#555555", font=font(11))
    return tile


def _words(text: str) -> Image.Image:
    """A tile with words in place of images."""
    tile = Image.new("RGB", (_SHEET, _SHEET + _CAPTION), "white")
    ImageDraw.Draw(tile).multiline_text((0, _CAPTION), text, fill="black", font=font(14), spacing=6)
    return tile


def _together(tiles: list[Image.Image]) -> Image.Image:
    """The tiles in rows of _COLUMNS on one white sheet."""
    width, height = _SHEET + _GAP, _SHEET + _CAPTION + _GAP
    columns = min(_COLUMNS, len(tiles))
    whole = Image.new("RGB", (columns * width + _GAP, -(-len(tiles) // columns) * height + _GAP), "white")
    for place, tile in enumerate(tiles):
        whole.paste(tile, (_GAP + place % columns * width, _GAP + place // columns * height))
    return whole
