"""A saved lesson as a page: its text with contents and anchors, its figures as files, its live explorers, words to search."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from course_lib.cli import rendered
from course_lib.cli.lessons import Lesson
from course_lib.cli.site.explorers import LIVE, Live

LESSON_LINK = re.compile(r'<a href="(\d\d_\w+)\.ipynb(#[^"]*)?">(.*?)</a>', re.DOTALL)
HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
SECTION = re.compile(r'<h[1-6] id="([^"]+)">(.*?)</h[1-6]>', re.DOTALL)
UNTRIED = re.compile(r'^<div role="status"[^>]*><b>○')  # the answer of a check to a blank, which a reader did not leave
UNREAD = re.compile(r"<(math|figure|script|noscript)\b.*?</\1>", re.DOTALL)


@dataclass
class Page:
    """A lesson of the site.

    contents: (anchor, text) of the headings of level 2. sections: (anchor, heading, text), what a search looks through.
    figures: file name -> PNG. live: the explorers that run in the page.
    """

    lesson: Lesson
    title: str
    question: str
    body: str = ""
    contents: list[tuple[str, str]] = field(default_factory=list)
    sections: list[tuple[str, str, str]] = field(default_factory=list)
    figures: dict[str, bytes] = field(default_factory=dict)
    live: list[Live] = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"{self.lesson}.html"

    @property
    def name(self) -> str:
        """The title without its number."""
        return self.title.removeprefix(f"{self.lesson.number} · ")


def page(lesson: Lesson, present: Collection[str]) -> Page:
    """The page of a saved lesson. ValueError when a live explorer finds no still whose place it could take.

    present: the lessons of this site, such as "07_nade"; a link to another lesson becomes plain text.
    """
    notebook = nbformat.read(lesson.path, as_version=4)
    made = Page(lesson, lesson.title, _question(notebook))
    parts = [_cell(cell, made) for cell in notebook.cells]
    missing = [live.title for live in LIVE if live.lesson == lesson.number and live not in made.live]
    if missing:
        raise ValueError(
            f"lesson {lesson.number} shows no still for the live explorer {missing[0]!r}; expected a cell that calls one of "
            f"{next(live.calls for live in LIVE if live.title == missing[0])}: run the lesson, or correct LIVE in explorers.py"
        )
    text = LESSON_LINK.sub(lambda link: _link(link, present), "\n".join(parts))
    made.body = _with_anchors(text, made)
    made.sections = list(_sections(made.body))
    return made


def live_section(live: Live, still: str = "", lesson: str = "") -> str:
    """The element that the explorer's script fills. still: shown where scripts do not run. lesson: HTML, where to read more."""
    anchor, heading = live.anchor, f"{live.anchor}-title"
    return (
        f'<section class="live {live.name}" id="{anchor}" data-explorer="{live.name}" data-source="{live.source}" '
        f'aria-labelledby="{heading}"><div class="about"><strong id="{heading}">{html.escape(live.title)}</strong> '
        f"<span>{html.escape(live.about)} {lesson}</span></div><noscript>{still}</noscript></section>"
    )


def _question(notebook: NotebookNode) -> str:
    """The lesson's question: the first bold words of its first cell, as HTML."""
    found = re.search(r"\*\*(.+?)\*\*", notebook.cells[0].source, re.DOTALL)
    return rendered.markdown(found[1]).strip().removeprefix("<p>").removesuffix("</p>") if found else ""


def _link(link: re.Match[str], present: Collection[str]) -> str:
    return f'<a href="{link[1]}.html{link[2] or ""}">{link[3]}</a>' if link[1] in present else link[3]


def _cell(cell: NotebookNode, page: Page) -> str:
    if cell.cell_type == "markdown":
        text = rendered.markdown(cell.source)
        return f'<div class="note">{text}</div>' if cell.metadata.get("slideshow", {}).get("slide_type") == "notes" else text
    tags = cell.metadata.get("tags", [])
    shown = rendered.code(cell.source) + "".join(_output(output, cell, page) for output in cell.outputs)
    for tag, summary in (("solution", "Solution"), ("parameters", "Parameters")):
        if tag in tags:
            return f'<details class="{tag}"><summary>{summary}</summary>{shown}</details>'
    return f'<div class="cell">{shown}</div>'


def _output(output: NotebookNode, cell: NotebookNode, page: Page) -> str:
    data = output.get("data", {})
    if UNTRIED.match(data.get("text/html", "")):
        return ""
    if "image/png" not in data:
        return rendered.output(output)
    figure, about = _figure(data["image/png"], output.get("metadata", {}).get("image/png", {}), page)
    if "width" not in about:  # no explorer's still
        return f"<figure>{figure}</figure>"
    live = next((live for live in LIVE if live.lesson == page.lesson.number and _calls(cell.source, live)), None)
    still = f'<figure class="still">{figure}<figcaption>A still of an explorer. Run the lesson to move it.</figcaption></figure>'
    if live is None or live in page.live:
        return still
    page.live.append(live)
    return live_section(live, still)


def _calls(source: str, live: Live) -> bool:
    """Whether a line of a cell begins with a call of one of the functions whose still this explorer replaces."""
    return any(re.search(rf"^(?:\w+\.)?{call}\(", source, re.MULTILINE) for call in live.calls)


def _figure(png: str, about: dict[str, object], page: Page) -> tuple[str, dict[str, object]]:
    """A figure as a file beside the page, and as an image that links to it."""
    name = f"figures/{page.lesson.number}-{len(page.figures) + 1}.png"
    page.figures[name] = base64.b64decode(png)
    wide, high = (int.from_bytes(page.figures[name][at : at + 4], "big") for at in (16, 20))  # as the PNG's header says
    size = {"width": about.get("width", wide), "height": about.get("height", high)}
    sides = " ".join(f'{side}="{round(float(value))}"' for side, value in size.items())
    alt = html.escape(str(about.get("alt", "")), quote=True)
    return f'<a href="{name}"><img src="{name}" alt="{alt}" {sides} loading="lazy"></a>', about


def _with_anchors(body: str, page: Page) -> str:
    """The body with an anchor for each heading; those of level 2 go into the contents."""
    used: set[str] = set()

    def anchored(match: re.Match[str]) -> str:
        level, text = match[1], _plain(match[2])
        anchor = stem = re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section"
        number = 1
        while anchor in used:
            number += 1
            anchor = f"{stem}-{number}"
        used.add(anchor)
        if level == "2":
            page.contents.append((anchor, match[2]))
        return f'<h{level} id="{anchor}">{match[2]}</h{level}>'

    return HEADING.sub(anchored, body)


def _sections(body: str) -> Iterator[tuple[str, str, str]]:
    parts: Sequence[str] = SECTION.split(body)
    for anchor, heading, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        yield anchor, _plain(heading), _plain(UNREAD.sub(" ", text))


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"</(?:p|li|div|td|th|h\d)>", " ", text))).split())
