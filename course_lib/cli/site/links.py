"""The links of a built site: each leads to a file and an anchor that are there, and nothing is loaded from another host."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}


class _Reader(HTMLParser):
    """The anchors, the links and the loaded files of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append(given[LOADED[tag]])


def check(folder: Path) -> tuple[int, list[str]]:
    """How many links within the site there are, and what is wrong with some, one line each: "07_nade.html: … is not there"."""
    pages = {path: _Reader() for path in sorted(folder.rglob("*.html"))}
    for path, reader in pages.items():
        reader.feed(path.read_text(encoding="utf-8"))
    count, faults = 0, []
    for path, reader in pages.items():
        doubled = sorted({anchor for anchor in reader.anchors if reader.anchors.count(anchor) > 1})
        faults += [f"{path.name}: the anchor {anchor!r} is there twice" for anchor in doubled]
        faults += [f"{path.name}: {target} is loaded from another host" for target in reader.loaded if urlsplit(target).netloc]
        inside = [
            target for target in (*reader.links, *reader.loaded) if not urlsplit(target).scheme and not urlsplit(target).netloc
        ]
        count += len(inside)
        faults += [f"{path.name}: {fault}" for target in inside for fault in _faults(target, path, pages)]
    return count, faults


def _faults(target: str, page: Path, pages: dict[Path, _Reader]) -> Iterator[str]:
    parts = urlsplit(target)
    there = page.parent / unquote(parts.path) if parts.path else page
    if not there.is_file():
        yield f"{target} is not there"
    elif parts.fragment and there.suffix == ".html" and unquote(parts.fragment) not in pages[there].anchors:
        yield f"{target} names an anchor that is not there"
