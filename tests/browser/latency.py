"""How long from a key press to the changed pixels of an explorer, in milliseconds, in headless Chromium.

    python tests/browser/latency.py notebooks/*.ipynb --table LATENCY.md          # all explorers of these lessons
    python tests/browser/latency.py notebooks/15_gans.ipynb --title "Be the generator" [--moves 40] [--budget lesson] [--marks]

Measured in the page itself, by panels.py: from the keydown event to the moment when the new picture has been decoded. The first
control whose keys change the picture is moved to and fro: sliders first, then surfaces to draw on or click, then the others.

--marks also says where the time goes. The page notes when messages pass; the kernel writes into each message when it made it.
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
# Notes of one move: milliseconds since 1970 at which something happened in the page or, in "made", in the kernel. A message is
# bytes with a table of offsets before it (v1.kernel.websocket.jupyter.org): channel, header, parent, metadata, content, buffers.
NOTES = """(image) => {
    const now = () => performance.timeOrigin + performance.now(), known = !!window.courseNotes, notes = window.courseNotes ??= [];
    new MutationObserver(async () => {
        await image.decode().catch(() => {});
        notes.push({ at: now(), way: 'decoded' });
    }).observe(image, { attributes: true, attributeFilter: ['src'] });
    if (known) return; // another explorer's move was noted before on this page
    const read = (data) => {
        const view = new DataView(data.buffer ?? data), place = (part) => Number(view.getBigUint64(8 * (part + 1), true));
        const part = (n) => JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, place(n), place(n + 1) - place(n))));
        const header = part(1), content = part(4);
        const what = content.execution_state ?? content.data?.method ?? header.msg_type;
        return { what, made: Date.parse(header.date), bytes: view.byteLength };
    };
    const note = (way, data) => { const at = now(); if (typeof data !== 'string') notes.push({ at, way, ...read(data) }); };
    const send = WebSocket.prototype.send, sockets = new WeakSet();
    WebSocket.prototype.send = function (data) {
        if (!sockets.has(this)) this.addEventListener('message', (event) => note('in', event.data));
        sockets.add(this);
        send.call(this, data);
        note('out', data);
    };
    window.addEventListener('keydown', (e) => notes.push({ at: performance.timeOrigin + e.timeStamp, way: 'key' }), true); }"""


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


def parts(notes: list[dict]) -> dict[str, float]:
    """Of one move: milliseconds of its parts, which follow one another, and the bytes of the message with the picture."""
    key, sent, busy, picture, decoded = (
        next(note for note in notes if all(note.get(name) == value for name, value in wanted.items()))
        for wanted in (
            {"way": "key"}, {"way": "out", "what": "update"}, {"way": "in", "what": "busy"}, {"way": "in", "what": "update"},
            {"way": "decoded"},
        )
    )  # fmt: skip
    return {
        "the page handles the key": sent["at"] - key["at"],
        "the way to the kernel": busy["made"] - sent["at"],
        "the kernel draws": picture["made"] - busy["made"],
        "the way to the page": picture["at"] - picture["made"],
        "the page shows it": decoded["at"] - picture["at"],
        "bytes": picture["bytes"],
    }


def marks(panel: LivePanel, moves: int) -> str:
    """The median of each part of a move of the first control, in words."""
    panel.image.evaluate(NOTES)
    control, found = preferred(panel.controls())[0], []
    for number in range(moves):
        panel.page.evaluate("() => { window.courseNotes.length = 0; }")
        if panel.step(control, number).milliseconds is not None:
            found.append(parts(panel.page.evaluate("() => window.courseNotes")))
    if not found:
        return "no small moves"
    medians = {name: statistics.median(part[name] for part in found) for name in found[0]}
    return ", ".join(f"{name} {value:.0f}" for name, value in medians.items())


def row(lesson: str, panel: LivePanel, moves: int) -> str:
    """One line of the table."""
    control, times = measure(panel, moves)
    found = f"{statistics.median(times):.0f} | {max(times):.0f}" if times else "no small moves | –"
    return f"| {lesson} | {panel.title} | {control} | {found} |"


def rows(notebooks: list[Path], *, title: str | None, moves: int, budget: str, with_marks: bool = False) -> list[str]:
    """The lines of all explorers (or of the one called `title`) of these lessons, which lie in one folder."""
    lines = []
    with Lab(notebooks[0].parent, budget=budget) as lab:
        for notebook in notebooks:
            lesson = _run(lab, notebook)
            for panel in [lesson.panel(title)] if title else lesson.panels():
                lines.append(row(notebook.name[:2], panel, moves))
                print(lines[-1], flush=True)
                if with_marks:
                    print(f"  {marks(panel, moves)}", flush=True)
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
    reader.add_argument("--marks", action="store_true", help="print the parts of a move of an explorer's first control, too")
    given = reader.parse_args()
    paths = [path.resolve() for path in given.notebooks]
    lines = rows(paths, title=given.title, moves=given.moves, budget=given.budget, with_marks=given.marks)
    if given.table:
        head = HEAD.format(machine=machine(), budget=given.budget, moves=given.moves)
        given.table.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
