"""An explorer in the page: its controls by label, moved as by hand, and how long each new picture took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import Locator, Page

# Times go from the first event in the explorer to the moment when the next picture has been decoded.
WATCH = """async (image) => {
    const read = async () => new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    if (!image.courseWatch) {
        const watch = image.courseWatch = { begun: null, times: [], read };
        const panel = image.closest('.course-panel');
        for (const kind of ['keydown', 'pointerdown']) // a surface takes its keys at the window
            window.addEventListener(kind, (e) => { if (panel.contains(e.target)) watch.begun ??= e.timeStamp; }, true);
        new MutationObserver(async () => {
            const begun = watch.begun;
            if (begun === null) return;
            watch.begun = null;
            await image.decode().catch(() => {}); // the next picture may come meanwhile
            watch.times.push(performance.now() - begun);
        }).observe(image, { attributes: true, attributeFilter: ['src'] });
    }
    Object.assign(image.courseWatch, { begun: null, times: [], before: await read() }); }"""
# A picture may come undisturbed. Then a question is asked three times: its answers come after all that the kernel had to do.
CHANGED = """async (image, patience) => {
    const pause = (milliseconds) => new Promise((again) => setTimeout(again, milliseconds));
    for (let turn = 0; turn < 20 && !image.courseWatch.times.length; turn++) await pause(10);
    const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    for (let turn = 0; turn < 3; turn++) await kernel.requestKernelInfo();
    const { before, read, times } = image.courseWatch, end = performance.now() + patience;
    do {
        const now = await read();
        if (now.length !== before.length || now.some((byte, place) => byte !== before[place])) {
            await image.decode().catch(() => {}); // the next picture may come meanwhile
            return [true, times.length ? times[0] : null];
        }
        await pause(50);
    } while (performance.now() < end);
    return [false, null]; }"""
COVERED = """(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    .every((value, place) => place % 4 !== 3 || value === 255)"""
WHOLE = """(canvas) => { const column = canvas.closest('.widget-vbox'); return column.scrollWidth <= column.clientWidth; }"""
CONTROLS = (
    ".widget-slider, .widget-dropdown, .widget-toggle-buttons, .widget-checkbox, .widget-text, button.widget-button, .course-play"
)
PATIENCE = 500  # milliseconds for a picture to appear once the kernel has nothing more to do
WAYS = ("keyboard", "mouse")
KEYBOARD_ALONE = ("dropdown", "text")  # the list of a drop-down opens outside the page


@dataclass(frozen=True)
class Move:
    """One move of a control: by keyboard or mouse, whether the picture changed, and after how many milliseconds."""

    control: str
    way: str
    changed: bool
    milliseconds: float | None


class LivePanel:
    """A panel on the page; `root` is its outer element."""

    def __init__(self, page: Page, root: Locator):
        self.page, self.root = page, root
        root.scroll_into_view_if_needed()
        self.image = root.locator("img").first
        self.image.wait_for()

    @property
    def title(self) -> str:
        return self.root.locator(".course-title").inner_text()

    @property
    def error(self) -> str:
        """The line beside the picture: empty when render did well."""
        return self.root.locator(".course-error").inner_text().strip()

    def stretch(self) -> float:
        """How much wider the picture is shown than its own shape asks for: 1 when it is not distorted."""
        return self.image.evaluate("image => image.width / image.height / (image.naturalWidth / image.naturalHeight)")

    def covered(self) -> bool:
        """Whether a picture lies under the cells of every drawing surface, from corner to corner."""
        return all(surface.evaluate(COVERED) for surface in self.root.locator(".course-canvas").all())

    def uncut(self) -> bool:
        """Whether every drawing surface stands in its column from side to side."""
        return all(surface.evaluate(WHOLE) for surface in self.root.locator(".course-canvas").all())

    def changes(self, move: Callable[[], None], *, patience: float = PATIENCE) -> tuple[bool, float | None]:
        """Whether this move changes the picture, and milliseconds from its first event to the new picture.

        The answer comes when the kernel has done all it had to do; without a change, `patience` milliseconds later.
        """
        self.image.evaluate(WATCH)
        move()
        changed, milliseconds = self.image.evaluate(CHANGED, patience)
        return changed, milliseconds

    def controls(self) -> list[Locator]:
        """Every control and drawing surface, in order."""
        return self.root.locator(f"{CONTROLS}, .course-canvas").all()

    @property
    def ways(self) -> set[str]:
        """By which ways its controls can be moved: all of them by keyboard, and most by mouse."""
        return {"keyboard"} | {"mouse" for control in self.controls() if _kind(control) not in KEYBOARD_ALONE}

    def control(self, label: str) -> Locator:
        """The control with this label."""
        return self.root.locator(f"{CONTROLS}, .course-canvas[aria-label^='{label}']").filter(has_text=label).first

    def try_out(self) -> Iterator[Move]:
        """Each control moved, by keyboard and by mouse in turn; then more of them, until both ways have changed the picture."""
        controls, done = self.controls(), set()
        for number, control in enumerate(controls):
            way = "mouse" if number % 2 and _kind(control) not in KEYBOARD_ALONE else "keyboard"
            words = control.locator("input").input_value() if _kind(control) == "text" else None
            move = self.move(control, way)
            done |= {way} if move.changed else set()
            yield move
            if words is not None:  # while an explorer refuses its words, the other controls change nothing
                self.changes(partial(control.locator("input").fill, words))
        for way in WAYS:
            for control in controls:
                if way not in done and not (way == "mouse" and _kind(control) in KEYBOARD_ALONE):
                    move = self.move(control, way)
                    done |= {way} if move.changed else set()
                    yield move

    def move(self, control: Locator, way: str) -> Move:
        """Put any control to another value, as a hand would by keyboard or mouse."""
        return Move(label(control), way, *self.changes(partial(getattr(self, f"_{_kind(control)}_by_{way}"), control)))

    def step(self, control: Locator, number: int) -> Move:
        """The small move of this number, of a row of moves to and fro by keyboard; controls without arrow keys just move."""
        kind = _kind(control)
        if kind not in ("slider", "canvas"):
            return self.move(control, "keyboard")
        target = control.locator(".noUi-handle").first if kind == "slider" else control
        now, low, high = (target.get_attribute(f"aria-value{name}") for name in ("now", "min", "max"))  # a surface has none
        at_an_end = now is not None and now in (low, high)
        backwards = now == high if at_an_end else number // 6 % 2 == 1  # six steps on, six back
        key = "ArrowLeft" if backwards else "ArrowRight"
        if "space" in (control.get_attribute("aria-label") or ""):  # a surface to paint on: first the place, then a dab
            target.press(key)
            key = "Space"
        return Move(label(control), "keyboard", *self.changes(partial(target.press, key)))

    def press(self, slider: Locator, key: str) -> None:
        """Move a slider by the keyboard: ArrowRight, ArrowLeft, Home, End."""
        slider.locator(".noUi-handle").first.press(key)

    def drag(self, slider: Locator, fraction: float) -> None:
        """Drag a slider's handle to a fraction of its length, by the mouse."""
        slider.scroll_into_view_if_needed()
        handle, track = slider.locator(".noUi-handle").first.bounding_box(), slider.locator(".noUi-base").bounding_box()
        self.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + fraction * track["width"], track["y"] + track["height"] / 2, steps=2)
        self.page.mouse.up()

    def draw(self, surface: Locator, points: list[tuple[float, float]]) -> None:
        """One stroke through points given as fractions (across, down) of the surface; one point is a click."""
        box = self._resting(surface)
        places = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=5)
        self.page.mouse.up()

    def _resting(self, surface: Locator) -> dict:
        """Where the surface is once it stands still: pictures above may push it down."""
        box = None
        while box is None or box != surface.bounding_box():
            surface.scroll_into_view_if_needed()
            box = surface.bounding_box()
            self.page.wait_for_timeout(100)
        return box

    def _slider_by_keyboard(self, slider: Locator) -> None:
        handle = slider.locator(".noUi-handle").first
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.press("Home" if at_end else "End")

    def _slider_by_mouse(self, slider: Locator) -> None:
        handle = slider.locator(".noUi-handle").first
        now, low, high = (float(handle.get_attribute(f"aria-value{name}")) for name in ("now", "min", "max"))
        self.drag(slider, 0.1 if now - low > (high - low) / 2 else 0.9)

    def _dropdown_by_keyboard(self, control: Locator) -> None:
        chooser = control.locator("select")
        last = chooser.evaluate("chooser => chooser.selectedIndex === chooser.options.length - 1")
        chooser.press("ArrowUp" if last else "ArrowDown")

    def _buttons_by_keyboard(self, control: Locator) -> None:
        control.locator("button:not(.mod-active)").first.press("Enter")

    def _buttons_by_mouse(self, control: Locator) -> None:
        control.locator("button:not(.mod-active)").first.click()

    def _checkbox_by_keyboard(self, control: Locator) -> None:
        control.locator("input").press("Space")

    def _checkbox_by_mouse(self, control: Locator) -> None:
        control.locator("input").click()

    def _text_by_keyboard(self, control: Locator) -> None:
        control.locator("input").select_text()
        self.page.keyboard.insert_text("other words")

    def _button_by_keyboard(self, control: Locator) -> None:
        control.press("Enter")

    def _button_by_mouse(self, control: Locator) -> None:
        control.click()

    def _play_by_keyboard(self, control: Locator) -> None:  # a step at once; then stand still
        control.press("Enter")
        control.press("Enter")

    def _play_by_mouse(self, control: Locator) -> None:
        control.click()
        control.click()

    def _canvas_by_keyboard(self, surface: Locator) -> None:
        for key in ("ArrowRight", "ArrowUp", "Space"):
            surface.press(key)

    def _canvas_by_mouse(self, surface: Locator) -> None:
        self.draw(surface, [(0.2, 0.25), (0.8, 0.3), (0.7, 0.8)])


def _kind(control: Locator) -> str:
    """The kind of a control: what its class says."""
    classes = control.get_attribute("class") or ""
    names = {
        "course-canvas": "canvas", "widget-slider": "slider", "widget-dropdown": "dropdown", "widget-toggle-buttons": "buttons",
        "widget-checkbox": "checkbox", "course-play": "play", "widget-text": "text",
    }  # fmt: skip
    return next((kind for name, kind in names.items() if name in classes), "button")


def preferred(controls: list[Locator]) -> list[Locator]:
    """Sliders first, then surfaces, then the other controls, each in the page's order."""
    order = {"slider": 0, "canvas": 1}
    return sorted(controls, key=lambda control: order.get(_kind(control), 2))


def label(control: Locator) -> str:
    """What a control is called, in one short line."""
    said = control.get_attribute("aria-label") or control.inner_text()
    return said.strip().split("\n")[0].split(". ")[0][:60]
