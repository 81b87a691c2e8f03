"""`course slides`: still copies of the lessons as slides, each one HTML file that needs neither a kernel nor a network."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib import files
from course_lib.cli import rendered
from course_lib.cli.lessons import Lesson
from course_lib.cli.release import student_copy

HERE = Path(__file__).parent
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
<style>
{style}
</style>
</head>
<body>
<main>
{slides}
</main>
<nav aria-label="slides"><button id="back" type="button" aria-label="back">‹</button><span id="count"></span>
<button id="on" type="button" aria-label="on">›</button>
<button id="speaker" type="button" title="notes for the speaker (key N)">notes</button></nav>
<script>
{script}
</script>
</body>
</html>
"""


@dataclass
class Slide:
    """The cells of one slide, each with the step at which it appears, and its notes for the speaker."""

    cells: list[tuple[int, NotebookNode]] = field(default_factory=list)
    notes: list[NotebookNode] = field(default_factory=list)


def write(lessons: Sequence[Lesson], out: Path) -> int:
    """Write the slides of these lessons into a folder, say where, and return 0. Slides that lie there are replaced."""
    for lesson in lessons:
        with files.whole_file(out / f"{lesson}.html") as path:
            path.write_text(page(nbformat.read(lesson.path, as_version=4), lesson.title), encoding="utf-8", newline="\n")
    print(f"slides of {len(lessons)} lessons in {out}")
    return 0


def page(notebook: NotebookNode, title: str) -> str:
    """All slides of a lesson as one HTML page, without solutions."""
    shown = "\n".join(
        _section(number, slide) for number, slide in enumerate(divided(student_copy(notebook, notes=True).cells), 1)
    )
    style, script = ((HERE / f"slides.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return PAGE.format(title=html.escape(title), style=f"{style}{rendered.code_css()}", slides=shown, script=script)


def divided(cells: Sequence[NotebookNode]) -> list[Slide]:
    """The slides that the cells' slide types ask for; a subslide is a slide of its own."""
    slides: list[Slide] = []
    step = 0
    for cell in cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind == "skip":
            continue
        if not slides or kind in ("slide", "subslide"):
            slides.append(Slide())
            step = 0
        if kind == "notes":
            slides[-1].notes.append(cell)
            continue
        step += kind == "fragment"
        slides[-1].cells.append((step, cell))
    return slides


def _section(number: int, slide: Slide) -> str:
    return "\n".join(_lines(number, slide))


def _lines(number: int, slide: Slide) -> Iterator[str]:
    yield f'<section class="slide" id="slide-{number}" aria-label="slide {number}"><div class="inner">'
    for step, cell in slide.cells:
        both = cell.cell_type == "code" and any("image/png" in output.get("data", {}) for output in cell.outputs)
        classes = "cell" + " both" * both + " fragment" * (step > 0)
        yield f'<div class="{classes}" data-step="{step}">{_cell(cell)}</div>'
    yield "</div>"
    if slide.notes:
        notes = "".join(rendered.markdown(cell.source.replace("<details>", "<details open>")) for cell in slide.notes)
        yield f'<aside class="notes" aria-label="notes for the speaker">{notes}</aside>'
    yield "</section>"


def _cell(cell: NotebookNode) -> str:
    if cell.cell_type != "code":
        return rendered.markdown(cell.source)
    shown = "".join(rendered.output(output) for output in cell.outputs)
    return rendered.code(cell.source) + (f'<div class="outputs">{shown}</div>' if shown else "")
