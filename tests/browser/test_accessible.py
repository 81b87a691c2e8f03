"""A whole lesson in JupyterLab, light and dark: axe finds nothing serious, and the keyboard reaches every control.

Left out of axe's run is what JupyterLab makes itself: its code editors, the button that folds a heading, and the list of cells.
"""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from axe_playwright_python.sync_playwright import Axe
from lab import Lab, chromium
from panels import label

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: apt-get install chromium to run the browser tests")
LESSON = "07_nade.ipynb"  # its explorers have sliders, a play button, choices of both looks, buttons and a canvas
REPORTS = """from IPython.display import display
from course_lib.checks.verdict import Verdict
for status in ("right", "wrong", "not tried", "raised"):
    display(Verdict("90.1", status, "what was found", "which slip this looks like", "a note"))
from course_lib.cli.doctor import Report
from course_lib.cli.first_look import Finding
from course_lib.checks.progress import progress
from course_lib.explore.course.course_map import course_map
found = tuple(Finding("disk", "full", status, "make room") for status in ("ok", "note", "wrong"))
display(course_map("."), progress(), Report(found))"""
CHECKBOX = """from course_lib.explore.kit.panel import Panel, Pick, Text, Toggle
import numpy as np
def render(told, words, place): return np.full((20, 30), (told + len(words) % 3 + place[0]) / 40)
long = "tell exact numbers, bounds and estimates apart in every line"
Panel(render, [Toggle("told", long), Text("words", "words"), Pick("place")], title="Other controls", alt="grey")"""
FOLDED = "<details><summary>For the speaker</summary>\n\nSlowly, with `code` and a [link](#top).\n\n</details>"
CONTEXT = {"include": [[".jp-Notebook"]], "exclude": [[".cm-editor"], [".jp-collapseHeadingButton"]]}
OPTIONS = {"rules": {"aria-required-children": {"enabled": False}}}  # of the list of cells, which holds an empty place for more
REACHED = """panel => {  // what the keyboard reaches inside an explorer
    const found = [...panel.querySelectorAll('button, input, select, canvas, [tabindex], [contenteditable=true]')];
    return found.filter(one => one.getAttribute('tabindex') !== '-1' && !one.disabled && one.getClientRects().length).length; }"""
FOCUSED = """() => { const one = document.activeElement, look = getComputedStyle(one);
    one.dataset.reached = '';
    return [one.closest('.course-panel')?.querySelector('.course-title').textContent ?? '', one.className || one.tagName,
            look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2]; }"""
WAS_REACHED = "control => control.matches('[data-reached]') || !!control.querySelector('[data-reached]')"
TOOLBAR = 12  # more than the buttons of a cell
CUT = """() => [...document.querySelectorAll(".course-panel :is(.widget-label, .widget-label-basic, button)")]
    .filter(one => one.clientWidth > 2 && one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"""


@pytest.fixture(scope="module")
def lesson():
    with Lab() as lab:
        path = lab.folder / LESSON
        notebook = nbformat.read(path, 4)
        notebook.cells += [new_code_cell(REPORTS), new_code_cell(CHECKBOX), new_markdown_cell(FOLDED)]
        nbformat.write(notebook, path)
        opened = lab.open(LESSON, size=(1280, 720))
        assert opened.run_all() == []
        opened.page.evaluate("() => document.querySelectorAll('.jp-Notebook details').forEach(box => { box.open = true; })")
        yield opened


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_axe_finds_nothing_serious(lesson, theme):
    page = lesson.page
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_function(f"() => document.body.dataset.jpThemeName === '{theme}'")
    page.wait_for_timeout(1000)  # its colours come after its name
    found = Axe().run(page, context=CONTEXT, options=OPTIONS).response
    assert any(rule["id"] == "color-contrast" for rule in found["passes"])
    serious = [
        (rule["id"], len(rule["nodes"]), rule["nodes"][0]["target"], rule["nodes"][0]["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def tab(page):
    """Press Tab: the title of the explorer that has the focus now ("" outside), the element, and whether its outline shows."""
    page.keyboard.press("Tab")
    return page.evaluate(FOCUSED)


def test_every_control_is_reached_by_keyboard_and_its_focus_is_seen(lesson):
    for panel in lesson.panels():
        expected = panel.root.evaluate(REACHED)
        panel.root.locator("button, input, select, canvas, [role=slider], [contenteditable=true]").first.focus()
        lesson.page.keyboard.press("Shift+Tab")
        for _ in range(TOOLBAR):  # the buttons of a cell, which come and go with the focus, may stand before the explorer
            title, element, outlined = tab(lesson.page)
            if title == panel.title:
                break
        for number in range(expected):
            assert title == panel.title, f"{element} comes before all controls of {panel.title!r} were reached"
            assert outlined, f"the focus of {element} in {title!r} is not seen"
            if number + 1 < expected:
                title, element, outlined = tab(lesson.page)
        assert [label(control) for control in panel.controls() if not control.evaluate(WAS_REACHED)] == []


def test_no_label_is_cut(lesson):
    assert lesson.page.evaluate(CUT) == []


def test_controls_and_picture_are_in_view_together(lesson):
    page = lesson.page.locator(".jp-Notebook .jp-WindowedPanel-outer").bounding_box()
    for panel in lesson.panels():
        assert panel.root.bounding_box()["height"] <= page["height"], panel.title
        controls, picture = (panel.root.locator(part).first.bounding_box() for part in (".widget-hbox > .widget-vbox", "img"))
        assert picture["x"] >= controls["x"] + controls["width"] - 1, f"the picture of {panel.title!r} is not beside its controls"
