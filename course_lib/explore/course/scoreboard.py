"""The scoreboard as a table that sorts and filters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Choice, Panel, Toggle
from course_lib.explore.kit.sheet import font
from course_lib.training.scores.lines import COLUMNS, Line, ordered, text

ROW, HEAD, SIZE = 21, 26, 13  # screen pixels: a line, the headings, the letters
VIEWS: dict[str, dict[str, int]] = {  # view -> column -> its width
    "likelihood": {"title": 290, "pixels": 56, "nats": 130, "bits": 126, "kind": 66, "paper": 118, "source": 240},
    "pictures": {"title": 300, "pixels": 56, "fid_grey": 96, "fid_binary": 100, "precision": 76, "recall": 64, "way": 240},
    "cost": {"title": 300, "family": 110, "seconds": 80, "parameters": 90, "minutes": 104, "device": 110},
}
WORDS = {"title": "model", "pixels": "pixels", "family": "family", "kind": "kind", "paper": "in the paper", "source": "source",
         "way": "how it draws", "device": "trained on"}  # fmt: skip
TINTS = {"exact": plots.BLUE, "bound": plots.ORANGE, "estimate": plots.VERMILION, "cannot": "#777777"}
ALL = "all"


@explorer
def scoreboard(lines: Sequence[Line], *, sort: str = "nats", kinds: bool = True) -> Panel:
    """All models in one table: sort by a column, keep a family, a kind or one sort of pixels.

    Args:
        lines: of training/scores/lines.py, main ones and further readings.
        sort: the column sorted by at first. kinds: whether the kind of each likelihood is told at first.
    """

    def render(sort: str, view: str, family: str, kind: str, pixels: str, told: bool, every: bool, worst: bool) -> Image.Image:
        kept = [
            line for line in lines if (every or not line.how)
            and family in (ALL, line.family) and kind in (ALL, line.kind) and pixels in (ALL, line.pixels)
        ]  # fmt: skip
        return _sheet(ordered(kept, sort, worst_first=worst), view, sort, told)

    for line in lines:  # letters are slow to draw: every line is drawn once, here
        for view in VIEWS:
            _row(line, view, True), _row(line, view, False)
    labels = {column.label: name for name, column in COLUMNS.items()}
    families, found = (
        [ALL, *dict.fromkeys(getattr(line, word) for line in lines if getattr(line, word))] for word in ("family", "kind")
    )
    return Panel(
        render,
        [
            Choice("sort", "sort by", labels, value=sort),
            Choice("view", "columns", list(VIEWS)),
            Choice("family", "family", families),
            Choice("kind", "kind of likelihood", found),
            Choice("pixels", "pixels", [ALL, "binary", "grey"]),
            Toggle("told", "tell exact (=), bound (≤) and estimate (≈) apart", value=kinds),
            Toggle("every", "every reading: also ELBO, reverse, one step", value=False),
            Toggle("worst", "worst first", value=False),
        ],
        title="The scoreboard",
        alt="A table of all models, one line each, with their numbers, sorted by one column.",
    )


def _sheet(lines: Sequence[Line], view: str, sort: str, told: bool) -> Image.Image:
    """The headings and the lines below one another; every second line is shaded."""
    widths = VIEWS[view]
    whole = Image.new("RGB", (sum(widths.values()), HEAD + max(2, len(lines)) * ROW), "white")
    whole.paste(_heading(view, sort), (0, 0))
    for place, line in enumerate(lines):
        whole.paste(_row(line, view, told), (0, HEAD + place * ROW))
    return whole


@lru_cache(maxsize=64)
def _heading(view: str, sort: str) -> Image.Image:
    head = Image.new("RGB", (sum(VIEWS[view].values()), HEAD), "#DDDDDD")
    pen, left = ImageDraw.Draw(head), 0
    for column, width in VIEWS[view].items():
        words = WORDS.get(column) or COLUMNS[column].label
        pen.text((left + 4, 5), f"{words} ▾" if column == sort else words, fill="black", font=font(SIZE, "DejaVu Sans"))
        left += width
    return head


def _row(line: Line, view: str, told: bool) -> Image.Image:
    return _drawn(
        line.title, tuple(_cell(line, column, told) for column in VIEWS[view]), view, line.kind if told else "", bool(line.how)
    )


def _cell(line: Line, column: str, told: bool) -> str:
    """What stands in one cell. Without the kinds told, a bound looks like an exact number."""
    if column in COLUMNS:
        said = text(line, column)
        return said if told else said.lstrip("=≤≈ ")
    if column == "way":
        return line.words["how"] if line.digits else ""
    if column == "kind":
        return line.kind if told else ""
    return getattr(line, column, None) or line.words.get(column, "")


@lru_cache(maxsize=1_024)
def _drawn(title: str, cells: tuple[str, ...], view: str, kind: str, further: bool) -> Image.Image:
    """One line. The number of a likelihood has the colour of its kind; a further reading is set in, in grey."""
    widths = VIEWS[view]
    row = Image.new("RGB", (sum(widths.values()), ROW), "white")
    pen, left = ImageDraw.Draw(row), 0
    pen.line((0, ROW - 1, row.width, ROW - 1), fill="#E4E4E4")
    for (column, width), words in zip(widths.items(), cells, strict=True):
        tint = TINTS.get(kind, "black") if column in ("nats", "bits", "kind") else "#555555" if further else "black"
        shown = words
        while shown and pen.textlength(shown, font(SIZE, "DejaVu Sans")) > width - 8 - 12 * (further and column == "title"):
            shown = shown[:-2].rstrip(" ,…") + "…"
        pen.text((left + 4 + 12 * (further and column == "title"), 2), shown, fill=tint, font=font(SIZE, "DejaVu Sans"))
        left += width
    return row
