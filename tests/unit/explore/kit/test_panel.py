"""The panel: what it asks of its controls, what it shows, and what it does with an error."""

import asyncio
import base64
import io
import re
import sys
import types
import weakref
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from course_lib import plots
from course_lib.explore.kit import cells, layout
from course_lib.explore.kit.panel import Button, Canvas, Choice, Panel, Pick, Slider, Text, Toggle
from course_lib.explore.kit.player import Player

CONTROLS = [
    Slider("k", "pixels known", 0, 784, value=392),
    Slider("width", "width / cm", 0.0, 1.0, step=0.1),
    Choice("model", "model", ["nade", "made"]),
    Choice("many", "many", {f"number {index}": index for index in range(9)}, value=3),
    Toggle("hidden", "show hidden units"),
    Button("again", "draw again"),
    Text("line", "a line"),
    Canvas("mask", shape=(4, 6)),
    Pick("pixel", shape=(4, 6)),
]


def _render(**values):
    return np.full((4, 6), values["k"] / 784)


def _panel(render=_render, controls=CONTROLS, **given):
    return Panel(render, controls, **{"title": "A title", "alt": "What it shows.", **given})


def test_the_sweep_covers_every_control():
    panel = _panel()
    seen = list(panel.sweep())
    assert {values["model"] for values in seen} == {"nade", "made"}
    assert {values["many"] for values in seen} == set(range(9))
    assert {values["hidden"] for values in seen} == {False, True}
    pixels = sorted({values["k"] for values in seen})
    assert pixels[0] == 0
    assert pixels[-1] == 784
    assert 40 <= len(pixels) <= 52
    assert {values["width"] for values in seen} == {round(step / 10, 10) for step in range(11)}
    assert {values["mask"].sum() for values in seen} >= {0, 24}
    assert {(0, 0), (3, 5)} <= {values["pixel"] for values in seen}
    assert ("made", True) in {(values["model"], values["hidden"]) for values in seen}


def test_short_sliders_are_swept_whole():
    assert Slider("k", "k", 2, 9).values() == list(range(2, 10))
    assert Slider("k", "k", 0, 10, step=3).values() == [0, 3, 6, 9]


def test_a_play_button_moves_the_slider_in_the_page_and_keeps_no_value_of_its_own():
    panel = _panel(controls=[Slider("k", "pixels known", 0, 784, play=40)])
    column = panel.widget.children[1].children[0].children
    player = next(part for part in column if isinstance(part, Player))
    assert player.slider is panel.handle("k")
    assert player.interval == 40
    assert not {"value", "min", "max"} & set(player.keys)  # nothing to send when the slider moves


def _still(panel):
    return Image.open(io.BytesIO(base64.b64decode(panel._repr_mimebundle_()[0]["image/png"])))


def test_the_bundle_has_the_widget_the_still_and_words():
    panel = _panel(controls=CONTROLS[:7])
    bundle, metadata = panel._repr_mimebundle_()
    still = _still(panel)
    assert still.size == (6 * 56, 4 * 56) == (metadata["image/png"]["width"], metadata["image/png"]["height"])
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.widget.model_id
    assert "What it shows." in bundle["text/plain"]
    assert metadata["image/png"]["alt"] == "What it shows."


def test_the_still_holds_the_drawing_surfaces_as_they_are_now():
    panel = _panel(lambda k, mask, pixel: np.full((4, 6), k / 784), [CONTROLS[0], *CONTROLS[7:]])
    mask = np.zeros((4, 6), bool)
    mask[3, 0] = True
    panel.set(mask=mask, pixel=(1, 2))
    still = _still(panel)
    side = 252 // 6
    left = 2 * (6 * side + 12)
    assert still.size == (left + 6 * 56, 4 * 56)
    assert still.getpixel((left + 20, 20)) == (128, 128, 128)  # what render returned, at the right
    assert still.getpixel((side // 2, 3 * side + side // 2)) == (172, 119, 0)  # three quarters of plots.ORANGE over black
    assert still.getpixel((side // 2, side // 2)) == (0, 0, 0)
    square = [still.getpixel((6 * side + 12 + int(2.5 * side) + step, int(1.5 * side))) for step in (-side // 2 + 2, 0, side)]
    assert [pixel != (0, 0, 0) for pixel in square] == [True, False, False]


def test_moving_a_control_changes_the_picture_and_nothing_else_does():
    panel = _panel()
    before = panel.picture.value
    panel.set(k=0)
    assert panel.values["k"] == 0
    assert panel.picture.value != before
    panel.set(k=392)
    assert panel.picture.value == before


def test_a_button_counts_and_a_surface_gives_cells():
    panel = _panel()
    panel.handle("again").click()
    panel.handle("mask").mask = memoryview(bytes([1] + 23 * [0]))  # as the page sends it
    panel.handle("pixel").pixel = [2, 5]
    assert panel.values["again"] == 1
    assert panel.values["mask"].sum() == 1
    assert panel.values["pixel"] == (2, 5)
    panel.set(mask=np.ones((4, 6), bool), pixel=(0, 1))
    assert panel.handle("mask").mask == bytes(24 * [1])
    assert panel.handle("pixel").pixel == [0, 1]
    with pytest.raises(ValueError, match=r"shape \(4, 6\); got \(6, 4\)"):
        panel.set(mask=np.ones((6, 4), bool))


def test_the_background_of_a_surface_follows_the_other_controls():
    canvas = Canvas("mask", shape=(4, 6), background=lambda mask, k: np.full((2, 3), k / 784))
    panel = _panel(controls=[canvas, CONTROLS[0]])
    surface = panel.handle("mask")
    for k, grey in ((392, 128), (784, 255)):
        panel.set(k=k)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(surface.picture))), np.full((2, 3), grey))


def test_a_background_is_coded_anew_only_when_it_changed(monkeypatch):
    below = np.zeros((2, 3))
    panel = _panel(controls=[Canvas("mask", shape=(4, 6), background=lambda mask, k: below), CONTROLS[0]])
    coded, png_bytes = [], plots.png_bytes
    monkeypatch.setattr(plots, "png_bytes", lambda picture, **how: coded.append(np.shape(picture)) or png_bytes(picture, **how))
    panel.set(k=1)
    assert (2, 3) not in coded
    below[:] = 1.0  # the same array with other values
    panel.set(k=2)
    assert coded.count((2, 3)) == 1
    assert (np.asarray(Image.open(io.BytesIO(panel.handle("mask").picture))) == 255).all()


def test_an_error_is_read_beside_the_last_good_picture_and_goes_again():
    def render(k):
        if k == 5:
            raise ValueError("five <is> not allowed")
        return np.full((4, 6), k / 10)

    panel = _panel(render, [Slider("k", "k", 0, 10, value=1)])
    panel.set(k=2)
    good = panel.picture.value
    panel.set(k=5)
    assert "ValueError: five &lt;is&gt; not allowed" in panel.error.value
    assert panel.picture.value == good
    with pytest.raises(ValueError, match="five"):
        panel.render(k=5)
    panel.set(k=3)
    assert panel.error.value == ""
    assert panel.picture.value != good


def test_a_surface_goes_on_where_the_picture_fails():
    def render(k, place):
        if k == 5:
            raise ValueError("not five")
        return np.zeros((4, 6))

    pick = Pick("place", shape=(4, 6), background=lambda k, place: np.full((4, 6), k / 10))
    panel = _panel(render, [Slider("k", "k", 0, 10, value=1), pick])
    panel.set(k=5)
    assert "not five" in panel.error.value
    shown = np.asarray(Image.open(io.BytesIO(panel.handle("place").picture)))
    assert (shown == 128).all()


def test_in_a_running_kernel_what_piles_up_is_drawn_once():
    drawn = []
    panel = _panel(lambda k: drawn.append(k) or np.full((4, 6), k / 784), [Slider("k", "k", 0, 784)])

    async def pile():
        for k in range(10):
            panel.set(k=k)
        await asyncio.sleep(0.01)

    drawn.clear()
    asyncio.run(pile())
    assert drawn == [9]


def test_a_figure_is_drawn_by_its_own_canvas():
    figure = plots.figure("Title", xlabel="x", ylabel="y")
    (line,) = figure.axes[0].plot([0, 1], [0, 1])

    def render(k):
        line.set_ydata([0, k / 784])
        return figure

    panel = _panel(render, [Slider("k", "k", 0, 784)])
    before = panel.picture.value
    panel.set(k=784)
    assert panel.picture.value != before
    assert Image.open(io.BytesIO(panel.picture.value)).size == (500, 340)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: _panel(controls=[CONTROLS[0], CONTROLS[0]]), "names must differ"),
        (lambda: _panel(alt=" "), "text alternative"),
        (lambda: _panel(controls=[Slider("k", "", 0, 1)]), "label on every control"),
        (lambda: Slider("k", "k", 3, 3), "low < high"),
        (lambda: Slider("k", "k", 0, 3, value=9), "outside"),
        (lambda: Choice("c", "c", ["a"], value="b"), "not among"),
        (lambda: _panel().set(other=1), "no control 'other'"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_error_at_the_start_is_the_cells():
    with pytest.raises(ZeroDivisionError):
        _panel(lambda k: 1 / 0, [CONTROLS[0]])


def _contrast(one, other):
    """The contrast of two colours by the Web Content Accessibility Guidelines: from 1 to 21."""

    def luminance(colour):
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


THEMES = [
    Path(sys.prefix, f"share/jupyter/lab/themes/@jupyterlab/theme-{kind}-extension/index.css") for kind in ("light", "dark")
]


@pytest.mark.parametrize("theme", THEMES, ids=lambda path: path.parent.name)
def test_an_error_can_be_read_in_the_light_and_in_the_dark_theme(theme):
    def shown(value):
        """The colour behind a value of CSS, by the theme's own variables."""
        name, _, fallback = value.removeprefix("var(").removesuffix(")").partition(",")
        if not value.startswith("var("):
            return value
        found = re.search(rf"{name.strip()}:\s*([^;}}]+)", theme.read_text(encoding="utf-8"))
        return shown(found.group(1).strip() if found else fallback.strip())

    asked = re.search(r"\.course-error \{color: ([^;]+);", layout.CSS).group(1)
    assert _contrast(shown(asked), shown("var(--jp-layout-color0)")) >= 4.5


# the panel of a cell that runs again


class Shell:
    """The notebook's shell, as far as a panel asks for it; `run` runs a cell with a new message from the page."""

    def __init__(self, monkeypatch, *, named=True):
        self.count, self.named, self.request, self.outputs = 0, named, {}, []
        monkeypatch.setattr(cells, "get_ipython", lambda: self)
        monkeypatch.setattr(cells, "_shown", {})
        monkeypatch.setattr(
            "course_lib.explore.kit.panel.display", lambda data, metadata=None, raw=False: self.outputs.append(data)
        )

    def get_parent(self):
        return self.request

    def run(self, cell, *makers):
        self.count += 1
        metadata = {"cellId": cell} if self.named else {}
        self.request = {"header": {"msg_id": str(self.count)}, "metadata": metadata, "content": {"code": f"code of {cell}"}}
        self.outputs, made = [], [maker() for maker in makers]
        for panel in made:
            panel._ipython_display_()
        return made


@pytest.fixture(params=["cells have ids", "cells have none"])
def shell(request, monkeypatch):
    return Shell(monkeypatch, named=request.param == "cells have ids")


def widgets_alive():
    return len(ipywidgets.widgets.widget._instances)


def test_a_cell_that_runs_again_closes_its_panels_of_before_and_no_others(shell):
    def maker():
        return _panel(controls=CONTROLS)

    other = shell.run("b", maker)[0]
    first = shell.run("a", maker, maker)
    live = [panel.widget for panel in first]
    before = widgets_alive()
    for _ in range(5):
        last = shell.run("a", maker, maker)
        assert widgets_alive() == before
    assert other.widget.comm is not None
    assert all(panel.widget.comm is not None for panel in last)
    assert all(widget.comm is None for widget in live)
    with pytest.raises(ValueError, match="closed when its cell ran again"):
        first[0].render(k=1)


def test_a_closed_panel_that_is_shown_says_so_in_one_line(shell, capsys):
    old = shell.run("a", _panel)[0]
    shell.run("a", _panel)
    capsys.readouterr()
    old._ipython_display_()
    said = "this panel was closed when its cell ran again; use the panel that the cell shows now"
    assert capsys.readouterr().out == f"{said}\n"
    assert old._repr_mimebundle_() == ({"text/plain": said}, {})
    old.close()  # once more
    old._show()  # a move that came just before


def test_a_panel_shown_by_another_cell_stays_when_either_runs_again(shell):
    kept = shell.run("a", _panel)[0]
    for _ in range(2):
        shell.run("b", lambda: kept)
    assert kept.widget.comm is not None
    shell.run("c", _panel)
    assert kept.widget.comm is not None


def test_what_a_closed_panel_held_is_free(shell):
    def maker():
        data = np.zeros((4, 6))
        panel = _panel(lambda k: data, CONTROLS[:1])
        held.append([weakref.ref(part) for part in (data, panel.picture, panel.widget)])  # the panel itself stays in `Out`
        return panel

    held, out = [], []
    for _ in range(3):
        out += shell.run("a", maker)
    assert [{reference() is None for reference in parts} for parts in held] == [{True}, {True}, {False}]


def test_the_panels_of_before_are_closed_before_the_cell_runs(shell):
    shell.events = types.SimpleNamespace(callbacks={"pre_run_cell": []})
    shell.events.register = lambda name, call: shell.events.callbacks[name].append(call)
    live = shell.run("a", _panel)[0].widget
    (begins,) = shell.events.callbacks["pre_run_cell"]
    closed = []
    shell.run("a", lambda: begins(None) or closed.append(live.comm is None) or _panel())
    assert closed == [True]
    shell.run("a", lambda: begins(None) or _panel(), lambda: begins(None) or _panel())  # twice in one run: only the first closes
    assert len(shell.events.callbacks["pre_run_cell"]) == 1


def test_the_still_is_an_output_of_its_own_that_hides_while_its_panel_is_alive(shell):
    panel = shell.run("a", _panel)[0]
    live, still = shell.outputs
    assert live == {
        "application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": panel.widget.model_id}
    }
    assert set(still) == {"image/png", "text/plain"}
    mark = f"course-panel-{panel.widget.model_id}"
    assert mark in panel.widget._dom_classes
    assert f".jp-OutputArea-child:has(.{mark}) + .jp-OutputArea-child {{display: none}}" in panel.widget.children[0].value


MANY = [Slider(name, name, 0, 9) for name in "abcde"]


@pytest.mark.parametrize(("sliders", "width", "expected"), [(MANY[:1], 300, 2), (MANY, 300, 3), (MANY, 800, 2)])
def test_controls_too_many_for_one_column_stand_in_a_second_one_or_below_a_wide_picture(sliders, width, expected):
    surface = Pick("place", "click", (20, 20), side=300)
    panel = Panel(lambda **_: np.zeros((200, width)), [*sliders, surface], title="t", alt="a", scale=1)
    first, *others, last = panel.widget.children[1].children
    assert len(others) + 2 == expected
    alone = panel.handle("place") in first.children and panel.handle(sliders[0].name) not in first.children
    assert alone == (len(sliders) > 1)
    if width == 800:
        last, below = last.children
        assert panel.handle("a") in below.children[0].children
        assert panel.error is below.children[-1]
    assert last is panel.picture


def test_a_column_is_as_wide_as_its_surface():
    wide, narrow = Pick("wide", "click", (30, 50), side=500), Pick("narrow", "click", (20, 20), side=300)
    panel = Panel(lambda **_: np.zeros((200, 300)), [wide, narrow], title="t", alt="a")
    most = panel.widget.children[1].children[0].layout.max_width
    assert int(most.removesuffix("px")) > panel.handle("wide").across == 500
