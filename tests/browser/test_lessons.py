"""Every lesson in JupyterLab: all cells run without an error, and every explorer answers to its controls."""

import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from lab import ROOT, Lab, chromium

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
def test_a_lesson_runs_and_its_explorers_move(lab, name):
    lesson = lab.open(name)
    try:
        assert lesson.run_all() == []
        for panel in lesson.panels():
            moved = []
            for control in panel.controls():
                before = panel.picture()
                panel.move(control)
                moved.append(panel.wait_for_change(before))
                assert panel.error == "", f"{panel.title}: {panel.error}"
            assert any(moved), f"no control of {panel.title!r} changed its picture"
            assert panel.covered(), f"a drawing surface of {panel.title!r} shows no picture"
            assert panel.stretch() == pytest.approx(1, abs=0.02)
    finally:
        lesson.close()
