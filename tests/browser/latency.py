"""How long from a slider's key to the changed pixels, in milliseconds: the median over many moves in headless Chromium.

    python tests/browser/latency.py NOTEBOOK "title of the explorer" [--slider LABEL] [--moves 40] [--budget lesson]

Measured in the page itself: from the keydown event to the moment when the new picture has been decoded.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from lab import Lab
from playwright.sync_api import TimeoutError

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


def measure(notebook: Path, title: str, *, slider: str | None = None, moves: int = 40, budget: str = "lesson") -> list[float]:
    """Milliseconds of each move of a slider (the first when no label is given) of the explorer `title`."""
    with Lab(notebook.parent, budget=budget) as lab:
        lesson = lab.open(notebook.name)
        if errors := lesson.run_all():
            raise RuntimeError(f"{notebook.name} does not run: {errors}")
        panel = lesson.panel(title)
        control = panel.control(slider) if slider else panel.root.locator(".widget-slider").first
        panel.press(control, "Home")
        lesson.page.wait_for_timeout(1000)
        panel.image.evaluate(WATCH)
        handle, key = control.locator(".noUi-handle").first, "ArrowRight"
        missed = 0
        while (number := len(lesson.page.evaluate("() => window.courseTimes"))) < moves:
            now, low, high = (handle.get_attribute(f"aria-value{name}") for name in ("now", "min", "max"))
            key = "ArrowLeft" if now == high else "ArrowRight" if now == low else key  # to and fro on a short slider
            panel.press(control, key)
            try:
                lesson.page.wait_for_function(f"() => window.courseTimes.length > {number}", timeout=5_000)
                missed = 0
            except TimeoutError as error:  # beyond some point the same picture may be right: then back
                missed += 1
                if missed == 3:
                    raise RuntimeError(f"{title}: three moves in a row changed no picture") from error
                key = "ArrowLeft" if missed == 1 else key
            lesson.page.wait_for_timeout(30)
        return lesson.page.evaluate("() => window.courseTimes")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("notebook", type=Path)
    reader.add_argument("title")
    reader.add_argument("--slider")
    reader.add_argument("--moves", type=int, default=40)
    reader.add_argument("--budget", default="lesson")
    given = reader.parse_args()
    times = measure(given.notebook.resolve(), given.title, slider=given.slider, moves=given.moves, budget=given.budget)
    print(
        f"{given.title}: median {statistics.median(times):.0f} ms, from {min(times):.0f} to {max(times):.0f}, {len(times)} moves"
    )


if __name__ == "__main__":
    main()
