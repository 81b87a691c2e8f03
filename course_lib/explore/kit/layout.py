"""Where the parts of a panel stand: controls beside the picture, so that a page of 1280 by 720 pixels shows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets

from course_lib.explore.kit.canvas import Canvas, Pick, Surface
from course_lib.explore.kit.controls import Button, Control, Slider, Toggle

TALL = 540  # pixels: a column of controls that is higher does not fit into the page
WIDE = 500  # pixels: below a wider picture, there is room for controls
AT_SIDES = 18  # pixels at both sides of a surface together: its border, the widget's margin and the column's padding
AROUND = 165  # pixels above and below a picture: JupyterLab's bars, and the panel's title and frame
CSS = """<style>
.course-panel {border: 1px solid var(--jp-border-color2, #ccc); border-radius: 6px; padding: 4px 8px;
  width: fit-content; max-width: 100%}
.course-panel .course-title {font-weight: 600; font-size: 110%; line-height: 1.3}
.course-panel :is(button, input, select, canvas, [role=slider], .widget-readout):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #0072b2) !important; outline-offset: 1px}
.course-panel .widget-checkbox, .course-panel .widget-checkbox .widget-label-basic {
  white-space: normal; height: auto; line-height: 1.3}
.course-panel .widget-inline-hbox {flex-wrap: wrap; height: auto}
.course-panel .widget-inline-hbox > .widget-label {
  flex: 1 0 100%; width: 100%; max-width: none; text-align: left;
  white-space: normal; height: auto; line-height: 1.3; overflow: visible; margin-bottom: 2px}
.course-panel .course-error {color: var(--jp-error-color1, #a33c00); max-width: 44ch; overflow-wrap: anywhere; line-height: 1.3}
.course-panel .course-error .widget-html-content {white-space: normal}
.course-panel .course-alt {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
.course-panel .jupyter-button {margin-top: 4px}
@media (min-width: 1000px) { /* the picture shrinks rather than fall below its controls */
  .course-panel > .widget-hbox {flex-wrap: nowrap !important}
  .course-panel > .widget-hbox > .widget-vbox:not(.course-stack) {flex-shrink: 0}
}
</style>"""


def row(
    controls: Sequence[Control], widgets: Mapping[str, list[ipywidgets.Widget]], error: ipywidgets.Widget,
    picture: ipywidgets.Image, width: int,
) -> ipywidgets.HBox:  # fmt: skip
    """The controls in a column, and the picture beside it.

    Where that column would be too high, the surfaces to draw on or to click stand in it alone. The other controls then stand
    below a wide picture, or in a column of their own.

    Args:
        widgets: of each control, by its name. error: the line for an error. picture: at first `width` pixels wide.
    """
    surfaces = [part for one in controls if isinstance(one, (Canvas, Pick)) for part in widgets[one.name]]
    groups = [widgets[one.name] for one in controls if not isinstance(one, (Canvas, Pick))]
    others = [part for group in groups for part in group]
    if not surfaces or not others or sum(map(_height, controls)) <= TALL:
        parts = [_column([part for one in controls for part in widgets[one.name]] + [error]), picture]
    elif width <= WIDE:
        parts = [_column(surfaces), _column([*others, error]), picture]
    else:
        together = [ipywidgets.VBox(group) for group in groups]  # a play button stays below its slider
        below = ipywidgets.Box([*together, error], layout={"flex_flow": "row wrap", "align_items": "flex-start"})
        stack = ipywidgets.VBox([picture, below], layout={"min_width": "320px", "flex": "0 1 auto"})
        parts = [_column(surfaces), stack.add_class("course-stack")]
    return ipywidgets.HBox(parts, layout={"flex_flow": "row wrap", "align_items": "flex-start"})


def fixed(width: int, height: int) -> ipywidgets.Layout:
    """A layout that never stretches the picture. The whole of it shrinks on a narrow page, by up to a quarter on a low one."""
    fits = f"max({0.75 * width:.0f}px, (100vh - {AROUND}px) * {width / height:.3f})"
    most, least = f"min(100%, {fits})", f"{min(width, 320)}px"
    return ipywidgets.Layout(width=f"{width}px", height="auto", min_width=least, max_width=most, flex="0 1 auto")


def _column(parts: Sequence[ipywidgets.Widget]) -> ipywidgets.VBox:
    surfaces = [part.across + AT_SIDES for part in parts if isinstance(part, Surface)]
    return ipywidgets.VBox(parts, layout={"max_width": f"{max([420, *surfaces])}px", "padding": "0 12px 0 0"})


def _height(control: Control) -> int:
    """About how many pixels of the page a control takes, with its label."""
    if isinstance(control, (Canvas, Pick)):
        longest = max(control.shape)
        tools = 60 if isinstance(control, Canvas) else 26
        return control.shape[0] * max(1, round(control.side / longest)) + tools
    if isinstance(control, Slider):
        return 57 if control.play is None else 92
    return {Toggle: 32, Button: 36}.get(type(control), 66)
