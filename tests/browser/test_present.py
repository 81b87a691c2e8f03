"""A lesson as live slides, under a hub's prefix: large, alive, without its solution; its explorer is accessible."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from axe_playwright_python.sync_playwright import Axe
from lab import Lab, chromium
from panels import LivePanel

from course_lib.cli import present
from course_lib.cli.lessons import Lesson

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: apt-get install chromium to run the browser tests")
PANEL = """from course_lib.explore.kit.canvas import Canvas
from course_lib.explore.kit.panel import Choice, Panel, Slider, Toggle
import numpy as np
controls = [Slider("k", "how bright", 0, 10, play=100), Choice("side", "side", ["left", "right"]), Toggle("t", "twice")]
def render(k, side, t, cells): return np.full((20, 30), k / 10)
Panel(render, [*controls, Canvas("cells", "draw here")], title="A panel", alt="grey")"""
TALL = "\n".join(["import matplotlib.pyplot as plt", *(f"x{k} = {k}" for k in range(9)), "plt.subplots(figsize=(6, 8));"])
LONG = TALL.replace("6, 8", "8, 8") + f"\n_ = {'a' * 120!r}"
BROAD = "\n".join(["import matplotlib.pyplot as plt", *(f"x{k} = {k}" for k in range(28)), "plt.subplots(figsize=(14, 7));"])
FORMULA = f"${' + '.join(f'x_{{{k}}}' for k in range(30))}$"
LAID = """() => { const { node } = courseTalk.notebook, shown = (what) => node.querySelector(`.course-shown ${what}`);
    const code = shown('.cm-editor')?.getBoundingClientRect(), figure = shown('img')?.getBoundingClientRect();
    return courseTalk.fitted === courseTalk.heights() && code && figure && figure.left >= code.right && code.left >= 20
        && figure.right <= 1280 && figure.bottom <= 700 && node.scrollHeight <= 721
        && Number(node.style.getPropertyValue('--course-zoom')) >= 0.85
        && shown('.cm-scroller').scrollWidth <= shown('.cm-scroller').clientWidth + 1; }"""
WHOLE = """() => { const text = courseTalk.notebook.node.querySelector('.course-shown .jp-RenderedMarkdown');
    return courseTalk.fitted === courseTalk.heights() && text?.querySelector('mjx-container, math')
        && text.scrollWidth <= text.clientWidth + 1; }"""
STATE = """() => [courseTalk.slides.length, document.querySelectorAll('.course-shown').length,
    Number(courseTalk.notebook.node.style.getPropertyValue('--course-zoom'))]"""


def slide(make, text, kind, *tags):
    return make(text, metadata={"slideshow": {"slide_type": kind}, "tags": list(tags)})


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "notebooks" / "90_short.ipynb"
    path.parent.mkdir()
    cells = [
        slide(new_markdown_cell, "# A talk", "slide"),
        slide(new_code_cell, PANEL, "subslide"),
        slide(new_code_cell, TALL, "subslide"),
        slide(new_code_cell, LONG, "subslide"),
        slide(new_code_cell, BROAD, "subslide"),
        slide(new_markdown_cell, FORMULA, "subslide"),
        slide(new_code_cell, "answer = ...", "subslide", "exercise"),
        slide(new_code_cell, "answer = 'the solution'", "skip", "solution"),
        slide(new_markdown_cell, "<details><summary>For the speaker</summary>\n\nSlowly.\n\n</details>", "notes"),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return Lesson("90", "short", path)


def test_a_lesson_is_presented_alive_under_a_prefix(lesson):
    before = lesson.path.read_bytes()
    with (
        present.stage(lesson) as folder,
        Lab(folder / "notebooks", options=present.options(folder), prefix="/user/a/") as lab,
    ):
        opened = lab.open(lesson.path.name, way="doc", size=(1280, 720))
        page = opened.page
        page.wait_for_function("() => window.courseTalkReady", timeout=120_000)
        assert page.evaluate(STATE) == [7, 1, 1.7]
        assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0, "something must be clicked away"
        assert not page.locator(".jp-NotebookPanel-toolbar").is_visible()
        page.keyboard.press("ArrowRight")
        panel = LivePanel(page, page.locator(".course-panel"))
        slider = panel.control("how bright")
        for key in ("End", "Home"):
            assert panel.changes(lambda key=key: panel.press(slider, key))[0], f"the key {key} changes nothing"
        assert panel.changes(lambda: panel.drag(slider, 0.9))[0], "the mouse changes nothing"
        assert panel.image.get_attribute("alt") == "grey"
        found = Axe().run(page, context=".course-panel").response["violations"]
        serious = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
        assert serious == []
        assert "the solution" not in page.content()
        page.evaluate("() => document.activeElement.blur()")
        # a tall figure, one beside a long line, a broad one; and a wide formula
        for laid in (LAID, LAID, LAID.replace("0.85", "0.78"), WHOLE):
            page.keyboard.press("ArrowRight")
            page.wait_for_function(laid, timeout=10_000)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.locator(".course-present-bar span").inner_text() == "7 / 7"
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        opened.close()
    assert lesson.path.read_bytes() == before
