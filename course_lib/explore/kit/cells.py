"""Which cell of a notebook makes which panels: a cell that runs again closes the panels that it made before.

A panel that nobody shows any more would keep its widgets, its models and its data until the kernel ends.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import ipywidgets
from IPython import get_ipython

Place = tuple[str, str]  # a cell, and one run of it

_shown: dict[str, tuple[str, list[weakref.ref[Any]]]] = {}  # cell -> its last run that showed panels, and these


def place() -> Place | None:
    """The cell that is running now, and the number of its run; None outside a notebook."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return None
    request = shell.get_parent() or {}
    cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
    run = request.get("header", {}).get("msg_id")
    return (cell, run) if cell and run else None


def show(panel: Any, made_in: Place | None) -> None:
    """Note that the running cell shows this panel, so that the cell's next run closes it.

    made_in: what `place()` was when the panel was made. A cell that shows the panel of another cell never closes it.
    """
    here = place()
    if here is None or here != made_in:
        return
    events = getattr(get_ipython(), "events", None)
    if events is not None and begin not in events.callbacks["pre_run_cell"]:
        events.register("pre_run_cell", begin)
    begin()
    cell, run = here
    _shown.setdefault(cell, (run, []))[1].append(weakref.ref(panel))


def begin(*_: Any) -> None:
    """Close what earlier runs of the running cell made and showed: before the cell runs, so that memory never holds both."""
    here = place()
    if here is None or here[0] not in _shown or _shown[here[0]][0] == here[1]:
        return
    for reference in _shown.pop(here[0])[1]:
        if (old := reference()) is not None:
            old.close()
    gc.collect()  # models and data lie in cycles of widgets and their observers


def close(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that belong to it: those inside it, and the layout and style of each."""
    widget.unobserve_all()
    for child in getattr(widget, "children", ()):
        close(child)
    for name in ("layout", "style"):
        if isinstance(part := getattr(widget, name, None), ipywidgets.Widget):
            part.close()
    widget.close()
