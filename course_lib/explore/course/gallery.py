"""The trained models of the course side by side, shuffled, their names behind *reveal*. It grows as models are added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import datasets, plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.given import MAY_BE_EMPTY
from course_lib.explore.kit.panel import Button, Choice, Panel, Slider, Toggle
from course_lib.explore.kit.sheet import font
from course_lib.files import DataFileError
from course_lib.models.latent import VAE
from course_lib.models.protocols import GenerativeModel
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES
from course_lib.training.scores import kinds

NOTHING_YET = "No trained model is here yet.\nIn a terminal, type\n\n    course train nade-mnist\n\nand run this cell again."
REAL, MIXED = "real, ", "one of each family"
COLUMNS, EACH, KEPT = 4, 16, 128  # sheets in a row; images on a sheet; sheets kept in memory, about 0.2 MB each
_SHEET, _GAP = 202, 10  # pixels: the side of a sheet, the space around it
_NAME, _LINE = 20, 13  # pixels above a sheet: its name or letter, and each line of the words below that


@dataclass(frozen=True)
class Exhibit:
    """What draws the images of one sheet. words: a few about it. draw: (n, generator) -> images (n, C, H, W) in [0, 1]."""

    words: str
    draw: Callable[[int, torch.Generator], Tensor]


Pages = Mapping[str, Mapping[str, Exhibit]]  # page -> name -> exhibit, in the order of the course, real images among them


def trained() -> dict[str, dict[str, Exhibit]]:
    """The pages of the gallery: the models at hand that draw images, by family in the order of the course, with real images.

    Models of digits stand on the page of their family; those of other images on the page of their data set. The first page has
    the last model of each family of digits. A shipped model comes before the student's own of the same name.
    """
    pages: dict[str, dict[str, Exhibit]] = {}
    for name, recipe in RECIPES.items():
        folder = next((folder for folder in _folders() if (folder / f"{name}.json").is_file()), None)
        if folder is None or not recipe.weights:  # a run of a study, one of many alike
            continue
        try:
            model, digits = checkpoints.load(name, folder=folder), recipe.data == "mnist"
        except DataFileError:  # `course doctor` names the damaged file; the others still draw
            continue
        draw = next(iter(kinds.draws_of(recipe, model).values()), None) if digits else _sampler(model)
        if draw is None:
            continue
        page = pages.setdefault(kinds.family_of(model) if digits else recipe.data.replace("_", "-"), {})
        pixels = kinds.pixels_of(recipe, model) if digits else _in_words(recipe.data, model)
        page.setdefault(f"{REAL}{pixels}", _real(recipe.data, pixels, tuple(model.event_shape)))
        page[name] = Exhibit(recipe.about, draw)
    return _with_first_page(pages)


def _in_words(data: str, model: object) -> str:
    """A data set of other images in words; close-ups, which come in two sizes, with the size of the model's."""
    *_, side = model.event_shape
    return f"close-ups, {side} × {side}" if data == "close_ups" else data.replace("_", "-")


def _with_first_page(pages: dict[str, dict[str, Exhibit]]) -> dict[str, dict[str, Exhibit]]:
    """The pages behind one that mixes the families of digits: the last model of each, and the real digits of both kinds."""
    mixed: dict[str, Exhibit] = {}
    for page in pages.values():
        names = [name for name in page if not name.startswith(REAL)]
        if any(name.endswith(("binary", "grey")) for name in page):
            mixed |= {name: exhibit for name, exhibit in page.items() if name.startswith(REAL)} | {names[-1]: page[names[-1]]}
    return ({MIXED: mixed} if len(mixed) > 2 else {}) | pages


def _sampler(model: object) -> Callable[[int, torch.Generator], Tensor] | None:
    """How a model of other images draws them; None where it draws none. A VAE with Gaussian noise gives the means of p(x | z)."""
    if not isinstance(model, GenerativeModel) or len(model.event_shape) != 3 or model.event_shape[0] not in (1, 3):
        return None
    if isinstance(model, VAE) and model.output == "gaussian":
        return lambda n, made: model.decode(model.prior().sample((n,), generator=made)).mean
    return lambda n, made: model.sample(n, generator=made)


def _real(data: str, pixels: str, shape: tuple[int, ...]) -> Exhibit:
    """Real test images of a data set; digits in these pixels, faces and close-ups in the size of `shape`."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        size = {"size": shape[-1]} if data in ("faces", "close_ups") else {}
        x = kinds.real_digits(pixels) if data == "mnist" else datasets.load(data, "test", **size).x
        begin = n if pixels == "binary" else 0  # two sheets of real digits must not show the same ones
        return x[torch.randperm(len(x), generator=generator)[begin : begin + n]]

    return Exhibit("images of the test set", draw)


def _folders() -> list[Path]:
    """Where checkpoints may lie: the clone's folder, and the student's own where there is one."""
    try:
        return [checkpoints.shipped_dir(), checkpoints.own_dir()]
    except OSError:
        return [checkpoints.shipped_dir()]


@explorer
def gallery(pages: Annotated[Pages, MAY_BE_EMPTY] | None = None) -> Panel:
    """Sheets of 16 images, one per model and one or two of real ones, in a shuffled order, with letters in place of names.

    `reveal` shows the names. A page draws its own models alone, one sheet after another; a sheet once drawn is kept. Without any
    model the panel says how to train one.

    pages: page -> name -> Exhibit; `trained()` when None.
    """
    pages = trained() if pages is None else pages

    @lru_cache(maxsize=KEPT)
    def drawn(page: str, name: str, seed: int) -> Image.Image:
        x = pages[page][name].draw(EACH, runtime.generator(seed))
        sheet = plots.tile(x.clamp(0, 1), columns=4, shade=96)  # Gaussian noise on images may leave [0, 1]
        return Image.fromarray(sheet).convert("RGB").resize((_SHEET, _SHEET), Image.Resampling.NEAREST)

    @lru_cache
    def room(page: str) -> int:
        return max(len(_broken(exhibit.words)) for exhibit in pages[page].values())

    def stages(seed: int, again: int, page: str = "", reveal: bool = False) -> Iterator[Image.Image]:
        if not pages:
            yield _together([_words(NOTHING_YET)], 1)
            return
        number, tiles = seed + 1_000 * again, []
        names = list(pages[page])
        for letter, place in enumerate(np.random.default_rng([number, len(names)]).permutation(len(names))):
            name = names[place]
            said = (name, pages[page][name].words) if reveal else (chr(ord("A") + letter), "")
            tiles.append(_tile(*said, drawn(page, name, number), room(page)))
            yield _together(tiles, len(names))

    def render(**values) -> Image.Image:
        *_, last = stages(**values)
        return last

    controls = [Slider("seed", "seed", 0, 99, value=0, live=False), Button("again", "draw again")]
    if pages:
        controls += [Choice("page", "sheets", list(pages)), Toggle("reveal", "reveal the names")]
    alt = "Sheets of 16 images each, with letters above them, or with names: " + "; ".join(pages) + "."
    return Panel(render, controls, title="The gallery", alt=alt, stages=stages)


@lru_cache(maxsize=KEPT)
def _broken(words: str) -> list[str]:
    """Words in lines that fit above a sheet."""
    lines: list[str] = []
    for word in words.replace("×", "x").split():  # these letters have no such sign
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(11).getlength(longer) <= _SHEET:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _tile(name: str, words: str, sheet: Image.Image, room: int) -> Image.Image:
    """A sheet of images under its name and a few words, with room for this many lines of them."""
    top = _NAME + _LINE * room + 4
    tile = Image.new("RGB", (_SHEET, _SHEET + top), "white")
    tile.paste(sheet, (0, top))
    pen = ImageDraw.Draw(tile)
    pen.text((0, 0), name.replace("×", "x"), fill="black", font=font(15))
    for number, line in enumerate(_broken(words)):
        pen.text((0, _NAME + _LINE * number), line, fill="#555555", font=font(11))
    return tile


def _words(text: str) -> Image.Image:
    """A tile with words in place of images."""
    tile = Image.new("RGB", (_SHEET + 60, _SHEET + 2 * _NAME), "white")
    ImageDraw.Draw(tile).multiline_text((0, 2 * _NAME), text, fill="black", font=font(14), spacing=6)
    return tile


def _together(tiles: list[Image.Image], expected: int) -> Image.Image:
    """The tiles in rows of COLUMNS on one white sheet with room for all; a bar says how many are there while some are missing."""
    width, height = tiles[0].width + _GAP, tiles[0].height + _GAP
    columns = min(COLUMNS, expected)
    whole = Image.new("RGB", (columns * width + _GAP, -(-expected // columns) * height + _GAP), "white")
    for place, tile in enumerate(tiles):
        whole.paste(tile, (_GAP + place % columns * width, _GAP + place // columns * height))
    if len(tiles) < expected:
        ImageDraw.Draw(whole).rectangle((0, 0, whole.width * len(tiles) // expected, 5), fill=plots.BLUE)
    return whole
