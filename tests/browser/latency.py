"""How long from a slider's key to the changed pixels, in milliseconds: the median over many moves in headless Chromium.

    python tests/browser/latency.py NOTEBOOK "title of the explorer" [--slider LABEL] [--moves 40] [--budget lesson]
    python tests/browser/latency.py NOTEBOOK… --table FILE [--moves 12]     # all explorers of these lessons, as a table

Measured in the page itself: from the keydown event to the moment when the new picture has been decoded.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from lab import Lab, Lesson
from panels import LivePanel
from playwright.sync_api import Locator, TimeoutError

SLIDER = ".widget-slider"

WATCH = """(image) => {
    window.courseTimes = [];
    window.coursePressed = null;
    document.addEventListener('keydown', () => { window.coursePressed = performance.now(); }, true);
    new MutationObserver(async () => {
        const pressed = window.coursePressed;
        if (pressed === null) return;
        window.coursePressed = null;
        await image.decode();
        window.courseTimes.push(performance.now() - pressed);
    }).observe(image, { attributes: true, attributeFilter: ['src'] }); }"""


HEAD = """# How fast the explorers are

Milliseconds from a key pressed on an explorer's first slider to the new picture, in JupyterLab in headless Chromium with the
budget `smoke`. Made by `python tests/browser/latency.py notebooks/*.ipynb --table FILE`; another machine, or another load, gives
other numbers. Explorers without a slider (they are clicked, drawn on or chosen from) are not in the table.

| lesson | explorer | median (ms) | slowest (ms) | moves |
|---|---|---|---|---|
"""


def measure(notebook: Path, title: str, *, slider: str | None = None, moves: int = 40, budget: str = "lesson") -> list[float]:
    """Milliseconds of each move of a slider (the first when no label is given) of the explorer `title`."""
    with Lab(notebook.parent, budget=budget) as lab:
        lesson = _run(lab, notebook)
        panel = lesson.panel(title)
        times = _times(lesson, panel, panel.control(slider) if slider else _first(panel), moves)
    if not times:
        raise RuntimeError(f"{title}: three moves in a row changed no picture")
    return times


def table(notebooks: list[Path], *, moves: int, budget: str = "smoke") -> str:
    """A table in Markdown with the first slider of every explorer of these lessons, which lie in one folder."""
    lines = []
    with Lab(notebooks[0].parent, budget=budget) as lab:
        for notebook in notebooks:
            lesson = _run(lab, notebook)
            for panel in lesson.panels():
                if panel.root.locator(SLIDER).count():
                    times = _times(lesson, panel, _first(panel), moves)
                    found = f"{statistics.median(times):.0f} | {max(times):.0f}" if times else "no change | –"
                    lines.append(f"| {notebook.name[:2]} | {panel.title} | {found} | {len(times)} |")
                    print(lines[-1], flush=True)
            lesson.close()
    return HEAD + "\n".join(lines) + "\n"


def _run(lab: Lab, notebook: Path) -> Lesson:
    lesson = lab.open(notebook.name)
    if errors := lesson.run_all():
        raise RuntimeError(f"{notebook.name} does not run: {errors}")
    return lesson


def _first(panel: LivePanel) -> Locator:
    return panel.root.locator(SLIDER).first


def _times(lesson: Lesson, panel: LivePanel, control: Locator, moves: int) -> list[float]:
    """Milliseconds of each move of this slider; fewer than `moves` where three moves in a row change no picture."""
    panel.press(control, "Home")
    lesson.page.wait_for_timeout(1000)
    panel.image.evaluate(WATCH)
    handle, key, missed = control.locator(".noUi-handle").first, "ArrowRight", 0
    while (number := len(lesson.page.evaluate("() => window.courseTimes"))) < moves and missed < 3:
        now, low, high = (handle.get_attribute(f"aria-value{name}") for name in ("now", "min", "max"))
        key = "ArrowLeft" if now == high else "ArrowRight" if now == low else key  # to and fro on a short slider
        panel.press(control, key)
        try:
            lesson.page.wait_for_function(f"() => window.courseTimes.length > {number}", timeout=5_000)
            missed = 0
        except TimeoutError:  # beyond some point the same picture may be right: then back
            missed += 1
            key = "ArrowLeft" if missed == 1 else key
        lesson.page.wait_for_timeout(30)
    return lesson.page.evaluate("() => window.courseTimes")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("notebook", type=Path, nargs="+", help="one lesson and the title of its explorer; with --table lessons")
    reader.add_argument("--table", type=Path, help="file for a table of all explorers of the lessons")
    reader.add_argument("--slider")
    reader.add_argument("--moves", type=int, default=40)
    reader.add_argument("--budget")
    given = reader.parse_args()
    if given.table:
        found = table([path.resolve() for path in given.notebook], moves=given.moves, budget=given.budget or "smoke")
        given.table.write_text(found, encoding="utf-8")
        return
    notebook, title = given.notebook[0], str(given.notebook[1])
    times = measure(notebook.resolve(), title, slider=given.slider, moves=given.moves, budget=given.budget or "lesson")
    print(f"{title}: median {statistics.median(times):.0f} ms, from {min(times):.0f} to {max(times):.0f}, {len(times)} moves")


if __name__ == "__main__":
    main()
