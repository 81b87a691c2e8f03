"""Every lesson in JupyterLab: all cells run without an error, and every explorer answers to its controls."""

import json

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from lab import ROOT, Lab, chromium

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))

pytestmark = pytest.mark.skipif(
    chromium() is None,
    reason="no Chromium here: apt-get install chromium (or set COURSE_CHROMIUM to its path) to run the browser tests",
)


@pytest.fixture(scope="module")
def lab():
    with Lab() as running:
        yield running


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_and_its_explorers_move(lab, name, record_property):
    """Each explorer by keyboard and by mouse; tests/times.py prints the recorded milliseconds per explorer."""
    lesson = lab.open_here(name)
    try:
        assert lesson.run_all() == []
        assert lesson.page.locator(".Toastify__toast").count() == 0, "a notice covers the lesson"
        for panel in lesson.panels():
            changed_by = set()
            for move in panel.try_out():
                changed_by |= {move.way} if move.changed else set()
                if move.milliseconds is not None:
                    record_property("latency", json.dumps([panel.title, move.way, round(move.milliseconds)]))
                assert panel.error == "", f"{panel.title}, {move}: {panel.error}"
            assert changed_by == panel.ways, f"the picture of {panel.title!r} changed by {changed_by or 'nothing'} alone"
            assert panel.covered(), f"a drawing surface of {panel.title!r} shows no picture"
            assert panel.uncut(), f"a drawing surface of {panel.title!r} is cut at the side"
            assert panel.stretch() == pytest.approx(1, abs=0.02)
        assert lesson.wrong == [], "the page wrote errors to its console"
    finally:
        lesson.leave()


SAVED = """from course_lib.explore.kit.panel import Panel, Slider
import numpy as np
Panel(lambda k: np.full((20, 30), k / 10), [Slider("k", "k", 0, 10)], title="A panel", alt="grey")"""
OUTPUTS = """() => Array.from(document.querySelectorAll('.jp-Notebook .jp-OutputArea-child')).map(child => [
    getComputedStyle(child).display !== 'none', child.querySelectorAll('.course-panel').length,
    child.querySelectorAll(':scope > .jp-RenderedImage img').length])"""


def test_a_saved_explorer_shows_its_still_when_it_is_opened_again(lab):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SAVED)], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "saved.ipynb")
    lesson = lab.open("saved.ipynb")
    for _ in range(2):  # run again, the cell shows one panel, as before
        assert lesson.run_all() == []
        lesson.page.locator(".course-panel img").wait_for()
        assert lesson.page.evaluate(OUTPUTS) == [[True, 1, 0], [False, 0, 1]]
    lesson.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lesson.close()
    lesson = lab.open("saved.ipynb")
    lesson.page.locator(".jp-RenderedImage img").wait_for()
    lesson.page.locator(".jp-OutputArea-output.jupyter-widgets").wait_for(state="attached")  # it says that it found no model
    assert lesson.page.evaluate(OUTPUTS) == [[False, 0, 0], [True, 0, 1]], "only the still shows"
    lesson.close()
