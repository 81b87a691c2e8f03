"""Still slides of all lessons: divided by the slide types, without solutions, with every figure's text alternative."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.cli import slides
from course_lib.cli.lessons import lessons


def cell(text, kind=None, make=new_markdown_cell, **metadata):
    return make(text, metadata=metadata | ({"slideshow": {"slide_type": kind}} if kind else {}))


def test_cells_are_divided_by_their_slide_types():
    kinds = ["slide", None, "fragment", None, "skip", "notes", "subslide", "fragment", "fragment"]
    found = slides.divided([cell(str(place), kind) for place, kind in enumerate(kinds)])
    steps = [[(step, shown.source) for step, shown in slide.cells] for slide in found]
    assert steps == [[(0, "0"), (0, "1"), (1, "2"), (1, "3")], [(0, "6"), (1, "7"), (2, "8")]]
    assert [[note.source for note in slide.notes] for slide in found] == [["5"], []]


@pytest.mark.parametrize("lesson", lessons(), ids=str)
def test_no_solution_shows_and_every_figure_keeps_its_text(lesson):
    notebook = nbformat.read(lesson.path, as_version=4)
    page = slides.page(notebook, lesson.title)
    for solution in (each for each in notebook.cells if "solution" in each.metadata.get("tags", [])):
        (first, *_) = solution.source.splitlines()
        assert slides.rendered.code(solution.source) not in page, first
    images = re.findall(r"<img [^>]*>", page)
    shown = [
        output
        for each in notebook.cells
        if each.metadata.get("slideshow", {}).get("slide_type") != "skip" and "solution" not in each.metadata.get("tags", [])
        for output in each.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert 0 < len(images) <= len(shown)
    assert all(re.search(r'alt="[^"]{10,}"', image[:2000]) for image in images)
    assert "http" not in re.sub(r'<a href="[^"]*"|xmlns="[^"]*"|<pre.*?</pre>|>[^<]*<', "", page, flags=re.DOTALL)


def test_notes_are_for_the_speaker_alone():
    notes = "<details><summary>For the speaker</summary>\n\nWait.\n\n</details>"
    notebook = nbformat.v4.new_notebook(cells=[cell("# A", "slide"), cell(notes, "notes"), new_code_cell("1 + 1")])
    page = slides.page(notebook, "A")
    assert '<aside class="notes"' in page
    assert "<details open>" in page
    assert ".notes { display: none; }" in page
