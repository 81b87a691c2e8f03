"""The reading site: what becomes of a notebook's cells, what is refused, and which links are wrong."""

import base64
import re
import sys

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from torch import nn

from course_lib.cli import main, rendered
from course_lib.cli.lessons import Lesson, find
from course_lib.cli.site import building, explorers, links, networks, pages

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (64).to_bytes(4, "big") + (48).to_bytes(4, "big")).decode()
STATUS = '<div role="status"><b>{} 98.1 {}</b></div>'


def shown(html=None, png=None, **about):
    data = {"text/html": html} if html else {"image/png": png}
    return new_output("display_data", data, metadata={"image/png": about} if png else {})


@pytest.fixture
def lesson(tmp_path):
    """A small lesson with one cell of each kind."""
    notes = {"slideshow": {"slide_type": "notes"}}
    solution = new_code_cell("answer = 42", metadata={"tags": ["solution"]}, outputs=[shown(STATUS.format("✓", "right"))])
    cells = [
        new_markdown_cell("# 98 · A trial\n\n**Does it *work*?** See [there](99_other.ipynb) and [gone](97_gone.ipynb)."),
        new_code_cell("budget = None", metadata={"tags": ["parameters"]}),
        new_markdown_cell("## Twice\n\nwords about $\\mathcal N(0, 1)$ and kittens"),
        new_markdown_cell("## Twice"),
        new_code_cell("return_me = ...", outputs=[shown(STATUS.format("○", "not tried"))]),
        solution,
        new_code_cell("figure", outputs=[shown(png=PNG, alt='bars, "high"')]),
        new_code_cell("explore()", outputs=[shown(png=PNG, alt="a still", width=32, height=24)]),
        new_markdown_cell("<details><summary>For the speaker</summary>\n\nsay it\n\n</details>", metadata=notes),
    ]  # fmt: skip
    path = tmp_path / "98_trial.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return Lesson("98", "trial", path)


def test_cells_of_a_lesson(lesson):
    page = pages.page(lesson, {"98_trial", "99_other"})
    assert (page.name, page.question) == ("A trial", "Does it <em>work</em>?")
    assert 'href="99_other.html"' in page.body
    assert "97_gone" not in page.body
    assert "gone" in page.body
    assert page.contents == [("twice", "Twice"), ("twice-2", "Twice")]
    assert re.search(r'<details class="solution">.*42.*98\.1 right.*?</details>', page.body, re.DOTALL)
    assert "not tried" not in page.body
    assert '<details class="parameters">' in page.body
    assert re.search(r'<div class="note"><details>\s*<summary>For the speaker</summary>', page.body)
    assert '<img src="figures/98-1.png" alt="bars, &quot;high&quot;" width="64" height="48" loading="lazy">' in page.body
    assert 'alt="a still" width="32" height="24"' in page.body
    assert page.body.count('class="still"') == 1
    assert "<math" in page.body
    assert "𝒩" in page.body
    assert "$" not in page.body
    assert set(page.figures) == {"figures/98-1.png", "figures/98-2.png"}


def test_words_to_search_stand_under_their_heading(lesson):
    found = {anchor: text for anchor, _, text in pages.page(lesson, set()).sections}
    assert "kittens" in found["twice"]
    assert "kittens" not in found["twice-2"]
    assert "42" in found["twice-2"]


def test_a_live_explorer_without_its_still_is_named(monkeypatch, lesson):
    live = explorers.Live("plane", "Lost", "", "plane", "98", ("nowhere",))
    monkeypatch.setattr(pages, "LIVE", (live,))
    with pytest.raises(ValueError, match="no still for the live explorer 'Lost'"):
        pages.page(lesson, set())


def test_a_live_explorer_takes_the_place_of_its_still(monkeypatch, lesson):
    live = explorers.Live("plane", "Found", "", "plane", "98", ("explore",))
    monkeypatch.setattr(pages, "LIVE", (live,))
    page = pages.page(lesson, set())
    assert page.live == [live]
    assert re.search(r'<section class="live plane" id="explorer-plane".*<noscript><figure class="still">', page.body)


@pytest.mark.parametrize("live", explorers.LIVE, ids=lambda live: live.title)
def test_what_lives_has_its_files(live):
    assets = building.resources("course_lib.cli.site") / "assets"
    assert (assets / live.script).is_file()
    assert live.source in explorers.MAKERS
    assert find(live.lesson)


def test_a_folder_with_other_things_is_left_alone(tmp_path, lesson, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["site", "00", "--out", str(tmp_path)]) == 2
    assert "is no site that this command made" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_site_is_replaced_as_a_whole(tmp_path, lesson, capsys):
    out = tmp_path / "deep" / "site"
    assert building.build([lesson], out) == 0
    (out / "old.html").write_text("<a href='nowhere.html'>")
    assert building.build([lesson], out) == 0
    assert not (out / "old.html").exists()
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 lessons, 2 figures, 0 live explorers, ")
    assert [path.name for path in out.parent.iterdir()] == ["site"]


def test_a_missing_package_is_one_line(monkeypatch, tmp_path, capsys):
    for name in [name for name in sys.modules if name.startswith("course_lib.cli.site")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main(["site", "00", "--out", str(tmp_path / "site")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "jinja2" in said
    assert "pip install" in said


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="other.html">', "other.html is not there"),
        ('<a href="#there">', "names an anchor that is not there"),
        ('<i id="a"></i><b id="a"></b>', "the anchor 'a' is there twice"),
        ('<script src="https://example.org/x.js"></script>', "is loaded from another host"),
        ('<img src="//example.org/x.png">', "is loaded from another host"),
        ('<img src="lost.png">', "lost.png is not there"),
    ],
)
def test_a_wrong_link_is_found(tmp_path, html, fault):
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    _, faults = links.check(tmp_path)
    assert len(faults) == 1
    assert fault in faults[0]


def test_right_links_are_counted(tmp_path):
    text = '<a href="#ä">x</a><a href="page.html#%C3%A4">y</a><a href="https://example.org">z</a><i id="ä"></i>'
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert links.check(tmp_path) == (2, [])


def test_weights_are_half_precision_bytes():
    values = torch.tensor([0.0, -1.5, 65504.0, 6e-8, 0.1])
    read = np.frombuffer(base64.b64decode(networks.halves(values)), "<f2")
    assert torch.equal(torch.tensor(read), values.half())


@pytest.mark.parametrize("value", [70_000.0, float("nan")])
def test_a_weight_that_half_precision_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="65504"):
        networks.halves(torch.tensor([value]))


@pytest.mark.parametrize(
    "layer",
    [
        nn.GELU(),
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(2, 2, (1, 3)),
        nn.Conv2d(2, 2, 3, dilation=2),
        nn.Upsample(scale_factor=1.5),
    ],
    ids=str,
)
def test_a_layer_that_a_page_cannot_run_is_refused(layer):
    with pytest.raises(ValueError, match="a page cannot run"):
        networks.network_description(layer)


def luminance(colour):
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return sum(
        share * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
        for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
    )  # WCAG 2.1


def test_code_stands_out_from_its_ground():
    css = (building.resources("course_lib.cli.site") / "assets" / "site.css").read_text(encoding="utf-8")
    grounds = [luminance(colour) for colour in re.findall(r"--raised: #(\w+)", css)]
    assert len(grounds) == 2
    for style, ground in zip(building.CODE, grounds, strict=True):
        inks = re.findall(r"^\.code \.(\w+) \{ color: #(\w+)", rendered.code_css(style), re.MULTILINE)
        assert len(inks) > 20
        for kind, ink in inks:
            low, high = sorted((luminance(ink), ground))
            assert kind == "w" or (high + 0.05) / (low + 0.05) >= 4.5, f"{style}: .{kind} is #{ink}"  # w: white space
