"""`course site`: the reading site, built from the saved notebooks without a kernel and without a network."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from course_lib.cli import rendered
from course_lib.cli.asked import AskedWrongly, Failed
from course_lib.cli.lessons import Lesson
from course_lib.cli.site import explorers, links
from course_lib.cli.site.explorers import LIVE, Live
from course_lib.cli.site.pages import Page, live_section, page
from course_lib.explore.course.course_map import PARTS

MARK = ".course-site"  # a file that tells a built site, which may be replaced, from another folder
ASSETS = ("networks.js", "kit.js", "site.js", "site.css")
CODE = ("default", "github-dark")  # pygments' styles in light and in dark
FRONT = ("drag-a-face", "one-bump", "morph", "plane")  # live on the first page, in this order; the first one is large


def build(lessons: Sequence[Lesson], out: Path) -> int:
    """Write the site of these lessons into the folder `out`, say what was done, and return 0.

    A site that was built there before is replaced as a whole. Raises AskedWrongly where the folder holds something else, and
    Failed where a link leads nowhere.
    """
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise AskedWrongly(f"{out} is there and is no site that this command made; name another folder")
    began = time.perf_counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        new = Path(temporary) / "site"
        pages = write(lessons, new)
        count, faults = links.check(new)
        if faults:
            raise Failed(f"{len(faults)} links of the site are wrong, the first is: {faults[0]}")
        if out.exists():
            out.rename(Path(temporary) / "before")  # removed with the temporary folder: nobody meets half of a site
        new.rename(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 2**20
    print(
        f"{len(pages)} lessons, {sum(len(each.figures) for each in pages)} figures, {sum(len(each.live) for each in pages)} live "
        f"explorers, {count} links checked, {size:.0f} MiB in {time.perf_counter() - began:.0f} s: {out / 'index.html'}"
    )
    return 0


def write(lessons: Sequence[Lesson], folder: Path) -> list[Page]:
    """Write the pages, their figures, scripts and data into an empty folder; the pages."""
    pages = [page(lesson, {str(each) for each in lessons}) for lesson in lessons]
    front = [live for name in FRONT for live in LIVE if live.name == name and any(live in each.live for each in pages)]
    front = [live for place, live in enumerate(front) if live.name not in [other.name for other in front[:place]]]
    for name in ("figures", "data", "assets"):
        (folder / name).mkdir(parents=True)
    (folder / MARK).touch()
    _write_assets(folder, {live for each in pages for live in each.live}, pages)
    templates = Environment(
        loader=PackageLoader("course_lib.cli.site", "assets"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    shared = {"parts": _parts(pages), "pages": pages}
    for place, each in enumerate(pages):
        beside = {"before": pages[place - 1] if place else None, "after": pages[place + 1] if place + 1 < len(pages) else None}
        text = templates.get_template("lesson.html").render(page=each, live=each.live, **beside, **shared)
        (folder / each.file).write_text(text, encoding="utf-8", newline="\n")
        for name, png in each.figures.items():
            (folder / name).write_bytes(png)
    sections = [live_section(live, lesson=_more(live, pages)) for live in front]
    text = templates.get_template("front.html").render(page=None, live=front, sections=sections, **shared)
    (folder / "index.html").write_text(text, encoding="utf-8", newline="\n")
    return pages


def _more(live: Live, pages: Sequence[Page]) -> str:
    """A link to the place of this explorer in its lesson."""
    lesson = next(each for each in pages if live in each.live)
    return f'<a href="{lesson.file}#{live.anchor}">Lesson {lesson.lesson.number} explains it.</a>'


def _parts(pages: Sequence[Page]) -> dict[str, list[Page]]:
    """The parts of the course with their pages; a lesson outside of the map stands at the end."""
    known = {str(each.lesson): each for each in pages}
    parts = {part: [known.pop(name) for name in names if name in known] for part, names in PARTS.items()}
    return {part: found for part, found in {**parts, "More": list(known.values())}.items() if found}


def _write_assets(folder: Path, live: set[Live], pages: Sequence[Page]) -> None:
    source = resources("course_lib.cli.site") / "assets"
    for name in (*ASSETS, *sorted({each.script for each in live})):
        (folder / "assets" / name).write_bytes((source / name).read_bytes())
    colours = rendered.code_css(CODE[0], ".code") + rendered.code_css(CODE[1], "[data-theme=dark] .code")
    (folder / "assets" / "code.css").write_text(colours, encoding="utf-8")
    index = [[each.file, each.title, *section] for each in pages for section in each.sections]
    (folder / "data" / "search.js").write_text(
        f"window.courseIndex = {json.dumps(index, ensure_ascii=False)};\n", encoding="utf-8"
    )
    for name in sorted({each.source for each in live}):
        (folder / "data" / f"{name}.js").write_text(explorers.script(name), encoding="utf-8")
