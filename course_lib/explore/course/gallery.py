"""Every trained model of the course side by side, drawing from the same seed; it grows as models land."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from course_lib import datasets, plots, runtime
from course_lib.explore.kit.panel import Button, Panel, Slider
from course_lib.models.protocols import GenerativeModel
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES

_SHEET, _CAPTION, _GAP = 234, 40, 12  # pixels: a sheet's side, the words above it, the space around
_COLUMNS = 3
_EACH = 16
NOTHING_YET = "No trained model is here yet.\nIn a terminal, type\n\n    course train nade-mnist\n\nand run this cell again."


def trained() -> dict[str, tuple[str, GenerativeModel]]:
    """The models of images that are at hand, ready: name -> (a few words, model). The shipped, then the student's own.

    Of models that differ in one choice alone, the one whose name begins the others' is taken: "fvsbn-mnist", and not
    "fvsbn-mnist-spiral"; of a study, the first.
    """
    found: dict[str, tuple[str, GenerativeModel]] = {}
    for folder in (checkpoints.shipped_dir(), checkpoints.own_dir()):
        for name in sorted(path.stem for path in folder.glob("*.json")):
            if name not in found:
                words = checkpoints.describe(name, folder).get("about", "")
                found[name] = (words, checkpoints.load(name, folder=folder))
    main = {name for name in found if not any(name.startswith(f"{other}-") for other in found)}
    studies: dict[str, str] = {}  # study -> the model that stands for it
    for name in sorted(main & set(RECIPES)):
        if RECIPES[name].study and studies.setdefault(RECIPES[name].study, name) != name:
            main.discard(name)
    return {name: (words, model) for name, (words, model) in found.items() if name in main and _draws_images(model)}


def gallery(models: Mapping[str, tuple[str, GenerativeModel]] | None = None) -> Panel:
    """16 images of each model from one seed, beside 16 real digits; with no model at hand it says how to get one.

    models: name -> (a few words, model); `trained()` when None.
    """
    models = trained() if models is None else models
    digits = datasets.load("mnist", "test", binarisation="fixed").x

    def render(seed: int, again: int) -> Image.Image:
        draw_from = seed + 1_000 * again
        chosen = np.random.default_rng(draw_from).permutation(len(digits))[:_EACH]
        tiles = [_tile("real digits", "test set, black and white by a seeded draw", digits[chosen])]
        for name, (words, model) in models.items():
            tiles.append(_tile(name, words, model.sample(_EACH, generator=runtime.generator(draw_from))))
        return _together(tiles if models else [*tiles, _words(NOTHING_YET)])

    controls = [Slider("seed", "seed", 0, 99, value=0, live=False), Button("again", "draw again")]
    names = ", ".join(["real digits", *models])
    return Panel(render, controls, title="The gallery", alt=f"Sheets of 16 black and white digits: {names}.")


def _draws_images(model: nn.Module) -> bool:
    return isinstance(model, GenerativeModel) and len(model.event_shape) == 3 and model.event_shape[0] in (1, 3)


def _tile(name: str, words: str, images) -> Image.Image:
    """A sheet of images under its name."""
    sheet = plots.tile(images.clamp(0, 1), columns=4, shade=96)  # what has Gaussian noise on it leaves [0, 1]
    tile = Image.new("RGB", (_SHEET, _SHEET + _CAPTION), "white")
    tile.paste(Image.fromarray(sheet).convert("RGB").resize((_SHEET, _SHEET), Image.Resampling.NEAREST), (0, _CAPTION))
    pen = ImageDraw.Draw(tile)
    pen.text((0, 0), name, fill="black", font=ImageFont.load_default(15))
    font = ImageFont.load_default(11)
    while words and pen.textlength(words, font) > _SHEET:
        words = words[:-2].rstrip(" ,…") + "…"
    pen.text((0, 20), words, fill="#555555", font=font)
    return tile


def _words(text: str) -> Image.Image:
    tile = Image.new("RGB", (_SHEET, _SHEET + _CAPTION), "white")
    ImageDraw.Draw(tile).multiline_text((0, _CAPTION), text, fill="black", font=ImageFont.load_default(14), spacing=6)
    return tile


def _together(tiles: list[Image.Image]) -> Image.Image:
    width, height = _SHEET + _GAP, _SHEET + _CAPTION + _GAP
    columns = min(_COLUMNS, len(tiles))
    whole = Image.new("RGB", (columns * width + _GAP, -(-len(tiles) // columns) * height + _GAP), "white")
    for place, tile in enumerate(tiles):
        whole.paste(tile, (_GAP + place % columns * width, _GAP + place // columns * height))
    return whole
