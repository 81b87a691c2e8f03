"""A button that plays a slider: steps through its values in the page, from where it stands."""

from __future__ import annotations

from pathlib import Path

import anywidget
import ipywidgets
import traitlets


class Player(anywidget.AnyWidget):
    """Plays and pauses `slider`, one step every `interval` milliseconds. From the end of the slider it begins again."""

    _esm = Path(__file__).parent / "player.js"
    slider = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **ipywidgets.widget_serialization)
    interval = traitlets.Int(100).tag(sync=True)
