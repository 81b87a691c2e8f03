"""How long from a key press to the changed pixels of an explorer, in milliseconds, in headless Chromium.

    python tests/browser/latency.py notebooks/*.ipynb --table LATENCY.md          # all explorers of these lessons
    python tests/browser/latency.py notebooks/15_gans.ipynb --title "Be the generator" [--moves 40] [--budget lesson]

Measured in the page itself, by panels.py: from the keydown event to the moment when the new picture has been decoded. The first
control whose keys change the picture is moved to and fro: sliders first, then surfaces to draw on or click, then the others.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from pathlib import Path

from lab import Lab, Lesson
from panels import LivePanel, label, preferred

MOVES = 12
HEAD = """# How fast the explorers are

Milliseconds from a key pressed on an explorer's control to the new picture, in JupyterLab of `course lab` in headless Chromium.
The goal is 60 ms per move. The gallery and the scribble show their progress while they draw. Made by

    python tests/browser/latency.py notebooks/*.ipynb --table LATENCY.md

on {machine}, with the budget `{budget}`, {moves} moves of each explorer, and nothing else running. Another machine, or another
load, gives other numbers. `make test` moves every control of every explorer, by keyboard and by mouse, and prints its own table.

| lesson | explorer | control | median (ms) | slowest (ms) |
|---|---|---|---|---|
"""


def machine() -> str:
    """The cores and the processor of this machine, in words."""
    cores, names = len(os.sched_getaffinity(0)), Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{cores} cores ({model})"


def measure(panel: LivePanel, moves: int) -> tuple[str, list[float]]:
    """The label of the control that was moved, and the milliseconds of each move; no times where none changed the picture."""
    for control in preferred(panel.controls()):
        times = [panel.step(control, number).milliseconds for number in range(3)]
        if sum(time is not None for time in times) >= 2:
            times = [panel.step(control, number).milliseconds for number in range(moves)]
            return label(control), [time for time in times if time is not None]
    return "–", []


def row(lesson: str, panel: LivePanel, moves: int) -> str:
    """One line of the table."""
    control, times = measure(panel, moves)
    found = f"{statistics.median(times):.0f} | {max(times):.0f}" if times else "no small moves | –"
    return f"| {lesson} | {panel.title} | {control} | {found} |"


def rows(notebooks: list[Path], *, title: str | None, moves: int, budget: str) -> list[str]:
    """The lines of all explorers (or of the one called `title`) of these lessons, which lie in one folder."""
    lines = []
    with Lab(notebooks[0].parent, budget=budget) as lab:
        for notebook in notebooks:
            lesson = _run(lab, notebook)
            for panel in [lesson.panel(title)] if title else lesson.panels():
                lines.append(row(notebook.name[:2], panel, moves))
                print(lines[-1], flush=True)
            lesson.leave()
    return lines


def _run(lab: Lab, notebook: Path) -> Lesson:
    lesson = lab.open_here(notebook.name)
    if errors := lesson.run_all():
        raise RuntimeError(f"{notebook.name} does not run: {errors}")
    return lesson


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("notebooks", type=Path, nargs="+")
    reader.add_argument("--table", type=Path, help="the file to write")
    reader.add_argument("--title", help="of one explorer")
    reader.add_argument("--moves", type=int, default=MOVES)
    reader.add_argument("--budget", default="smoke")
    given = reader.parse_args()
    paths = [path.resolve() for path in given.notebooks]
    lines = rows(paths, title=given.title, moves=given.moves, budget=given.budget)
    if given.table:
        head = HEAD.format(machine=machine(), budget=given.budget, moves=given.moves)
        given.table.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
