"""The one pattern of every explorer: named controls, a pure render(values), and a place that shows the picture at once.

    Panel(render, [Slider("k", "pixels known", 0, 784), Choice("model", "model", ["nade", "made"])], title=…, alt=…)

`render(**values)` returns an array (H, W) or (H, W, 3), a Pillow image, or a matplotlib figure, the same figure each time, whose
artists it updates. All of them go as PNG into an image widget of fixed size. While the kernel is busy, the page holds events
back and sends only the last one.
"""

from __future__ import annotations

import asyncio
import base64
import html
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from course_lib import plots
from course_lib.explore.kit import cells, layout
from course_lib.explore.kit.canvas import Canvas, Pick
from course_lib.explore.kit.controls import Button, Choice, Control, Slider, Text, Toggle

__all__ = ["Button", "Canvas", "Choice", "Panel", "Pick", "Slider", "Text", "Toggle"]

PICTURE_SIDE = 336  # pixels: small arrays are enlarged to about this
CLOSED = "this panel was closed when its cell ran again; use the panel that the cell shows now"
GAP = 12  # pixels between the parts of a still
VIEW = "application/vnd.jupyter.widget-view+json"
# The still is an output of its own, right after the live panel; it hides while that panel is alive on the page.
HIDES_ITS_STILL = ".jp-OutputArea-child:has(.course-panel-{id}) + .jp-OutputArea-child {{display: none}}"


class Panel:
    """An explorer: controls beside a picture. It shows itself as the last expression of a cell.

    Args:
        render: a pure function; it gets the value of every control by name. It is called once here, so that an error at the
            first values is an error of the cell.
        controls: in the order shown; their names are render's arguments.
        title: over the panel.
        alt: one sentence that says what the picture shows, for those who cannot see it.
        scale: enlargement of arrays: each pixel becomes a square of this many pixels; None enlarges small arrays to about 336.
        stages: for a render of more than 100 ms: of the same values, the pictures on the way, which are shown one after the
            other as progress; the last of them is what render returns.

    Raises ValueError when two controls have one name, or when the title, alt or a label is empty.
    """

    def __init__(
        self, render: Callable[..., Any], controls: Sequence[Control], *, title: str, alt: str, scale: int | None = None,
        stages: Callable[..., Iterator[Any]] | None = None,
    ):  # fmt: skip
        names = [control.name for control in controls]
        if len(set(names)) < len(names):
            raise ValueError(f"the controls' names must differ; got {names}")
        if not title.strip() or not alt.strip() or not all(control.label.strip() for control in controls):
            raise ValueError("a panel needs a title, a text alternative (alt) and a label on every control")
        self.render, self.controls, self.title, self.alt, self.scale = render, list(controls), title, alt, scale
        self.stages = stages
        self.values = {control.name: control.first for control in controls}
        self._waiting, self._made_in = False, cells.place()
        self._png, self._size = self.encode(self.render(**self.values))
        self.widget = self._build()  # the live panel; a box of ipywidgets takes it, and then leaves no still

    def encode(self, picture: Any) -> tuple[bytes, tuple[int, int]]:
        """PNG bytes of what render returned, and their (width, height) in pixels."""
        if isinstance(picture, Figure):
            width, height = picture.canvas.get_width_height()
            png = plots.png_bytes(picture, quick=True)
            picture.set_layout_engine("none")  # one layout is enough: axes that stand still are drawn in half the time
            return png, (width, height)
        if not isinstance(picture, Image.Image):
            height, width = plots.as_uint8(picture).shape[:2]
            picture = plots.to_image(picture, self.scale or max(1, PICTURE_SIDE // max(height, width)))
        return plots.png_bytes(picture, quick=True), picture.size

    def sweep(self) -> Iterator[dict[str, Any]]:
        """Values that cover the whole range of every control: each control alone, all at one end, and all choices combined."""
        start = {control.name: control.first for control in self.controls}
        ranges = {control.name: control.values() for control in self.controls}
        for name, values in ranges.items():
            yield from ({**start, name: value} for value in values)
        for end in (0, -1):
            yield {name: values[end] for name, values in ranges.items()}
        discrete = {control.name: control.values() for control in self.controls if isinstance(control, (Choice, Toggle))}
        for together in itertools.islice(itertools.product(*discrete.values()), 64):
            yield {**start, **dict(zip(discrete, together, strict=True))}

    def set(self, **values: Any) -> None:
        """Set controls to these values, as a student would. ValueError for a name that no control has."""
        for name, value in values.items():
            if name not in self.values:
                raise ValueError(f"there is no control {name!r}; expected one of {sorted(self.values)}")
            self.handle(name).value = value

    def handle(self, name: str) -> ipywidgets.Widget:
        """The widget of one control."""
        return self._handles[name]

    def _build(self) -> ipywidgets.Widget:
        self.picture = ipywidgets.Image(value=self._png, format="png", layout=layout.fixed(*self._size))
        self.error = ipywidgets.HTML("")
        self.error.add_class("course-error")
        self._handles: dict[str, ipywidgets.Widget] = {}
        widgets: dict[str, list[ipywidgets.Widget]] = {}
        for control in self.controls:
            self._handles[control.name], widgets[control.name] = control.build()
            self._handles[control.name].observe(self._moved, names="value")
        self._update_surfaces()
        words = f"<div class='course-alt'>The picture: {html.escape(self.alt)}</div>"  # the image widget itself takes no text
        title = f"<div class='course-title' role='heading' aria-level='4'>{html.escape(self.title)}</div>"
        heading = ipywidgets.HTML()
        panel = ipywidgets.VBox([heading, layout.row(self.controls, widgets, self.error, self.picture, self._size[0])])
        panel.add_class("course-panel").add_class(f"course-panel-{panel.model_id}")
        heading.value = f"{layout.CSS}<style>{HIDES_ITS_STILL.format(id=panel.model_id)}</style>{title}{words}"
        return panel

    def _update_surfaces(self) -> None:
        """Lay the picture that belongs to the present values under each drawing surface."""
        for control in self.controls:
            if isinstance(control, (Canvas, Pick)):
                control.update(self._handles[control.name], self.values)

    def _moved(self, _) -> None:
        """A control moved. In a running kernel, all waiting moves are read first; then the picture is drawn once."""
        self.values = {name: handle.value for name, handle in self._handles.items()}
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._show()
            return
        if not self._waiting:
            self._waiting = True
            loop.call_soon(self._show)

    def _show(self) -> None:
        if self.render is _closed:  # a move that came just before
            return
        self._waiting, failed = False, None
        for part in (self._show_picture, self._update_surfaces):  # the picture first: it is smaller, and the student waits for it
            try:
                part()
            except Exception as error:  # the error is shown beside the picture; the last good picture stays
                failed = failed or error
        said = f"<span role='alert'>{type(failed).__name__}: {html.escape(str(failed))}</span>" if failed else ""
        if self.error.value != said:
            self.error.value = said

    def _show_picture(self) -> None:
        for picture in self.stages(**self.values) if self.stages else [self.render(**self.values)]:
            self._show_one(picture)

    def _show_one(self, picture: Any) -> None:
        self._png, size = self.encode(picture)
        if size != self._size:
            self._size = size
            self.picture.layout = layout.fixed(*size)
        self.picture.value = self._png

    def _still(self) -> tuple[bytes, tuple[int, int]]:
        """PNG bytes and size of what stays in the saved notebook: the drawing surfaces, then the picture, side by side."""
        parts = [control.still(self.values) for control in self.controls if isinstance(control, (Canvas, Pick))]
        parts.append(Image.open(io.BytesIO(self._png)))
        if len(parts) == 1:
            return plots.png_bytes(parts[0]), self._size
        width, height = sum(part.width for part in parts) + GAP * (len(parts) - 1), max(part.height for part in parts)
        sheet, left = Image.new("RGB", (width, height), "white"), 0
        for part in parts:
            sheet.paste(part, (left, 0))
            left += part.width + GAP
        return plots.png_bytes(sheet), sheet.size

    def close(self) -> None:
        """Take the live panel off the page and let go of all that it holds; the panel cannot be used afterwards.

        The notebook's `Out` keeps every panel that a cell has shown: this one keeps nothing but its title.
        """
        if self.render is not _closed:
            cells.close(self.widget)
        self.render, self.stages, self.controls, self.values, self._handles = _closed, None, [], {}, {}
        self.widget, self.picture, self.error, self._png = None, None, None, b""

    def _ipython_display_(self) -> None:
        """Show the live panel and, as an output of its own, the still. A reader without a kernel sees the still alone.

        When a cell runs again, this closes the panel that the cell showed before. A closed panel shows one line that says so.
        """
        if self.render is _closed:
            print(CLOSED)
            return
        cells.show(self, self._made_in)
        bundle, metadata = self._repr_mimebundle_()
        display({VIEW: bundle.pop(VIEW)}, raw=True)
        display(bundle, metadata=metadata, raw=True)

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and the still picture that stays in the saved notebook; text where neither can be shown."""
        if self.render is _closed:
            return {"text/plain": CLOSED}, {}
        still, (width, height) = self._still()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        bundle = {
            VIEW: view,
            "image/png": base64.b64encode(still).decode(),
            "text/plain": f"{self.title}: {self.alt}",
        }
        return bundle, {"image/png": {"alt": self.alt, "width": width, "height": height}}


def _closed(**values: Any) -> None:
    raise ValueError(CLOSED)
