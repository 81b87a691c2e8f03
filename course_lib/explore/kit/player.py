"""A button that plays a slider: steps through its values in the page, from where it stands."""

from __future__ import annotations

from pathlib import Path

import anywidget
import ipywidgets
import traitlets


class Player(anywidget.AnyWidget):
    """Play and pause for `slider`, a step every `interval` milliseconds; at its end, play begins again."""

    _esm = Path(__file__).parent / "player.js"
    slider = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **ipywidgets.widget_serialization)
    interval = traitlets.Int(100).tag(sync=True)
