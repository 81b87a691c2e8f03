"""An explorer in the page: its controls by label, moved as by hand, and its picture's bytes."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from playwright.sync_api import Locator, Page

BYTES = """async (image) => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    let text = ''; for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text); }"""
DONE = """async () => {  // a question asked twice: its answers come after whatever the kernel had to do before
    const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    await kernel.requestKernelInfo();
    await kernel.requestKernelInfo(); }"""
COVERED = """(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    .every((value, place) => place % 4 !== 3 || value === 255)"""
CONTROLS = (
    ".widget-slider, .widget-dropdown, .widget-toggle-buttons, .widget-checkbox, .widget-text, button.widget-button, .course-play"
)


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

    def picture(self) -> bytes:
        """The PNG that is shown now."""
        return base64.b64decode(self.image.evaluate(BYTES))

    def stretch(self) -> float:
        """How much wider the picture is shown than its own shape asks for: 1 when it is not distorted."""
        return self.image.evaluate("image => image.width / image.height / (image.naturalWidth / image.naturalHeight)")

    def covered(self) -> bool:
        """Whether a picture lies under the cells of every drawing surface, from corner to corner."""
        return all(surface.evaluate(COVERED) for surface in self.root.locator(".course-canvas").all())

    def wait_for_change(self, before: bytes, timeout: float = 2) -> bool:
        """True once the picture's bytes differ from `before`; False if not `timeout` s after the kernel is done."""
        self.page.wait_for_timeout(100)
        self.page.evaluate(DONE)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.picture() != before:
                return True
            time.sleep(0.05)
        return False

    def controls(self) -> list[Locator]:
        """Every control and drawing surface, in order."""
        return self.root.locator(f"{CONTROLS}, .course-canvas").all()

    def control(self, label: str) -> Locator:
        """The control with this label."""
        return self.root.locator(f"{CONTROLS}, .course-canvas[aria-label^='{label}']").filter(has_text=label).first

    def press(self, slider: Locator, key: str) -> None:
        """Move a slider by the keyboard: ArrowRight, ArrowLeft, Home, End."""
        slider.locator(".noUi-handle").first.press(key)

    def drag(self, slider: Locator, fraction: float) -> None:
        """Drag a slider's handle to a fraction of its length, by the mouse."""
        handle, track = slider.locator(".noUi-handle").first.bounding_box(), slider.locator(".noUi-base").bounding_box()
        self.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + fraction * track["width"], track["y"] + track["height"] / 2, steps=5)
        self.page.mouse.up()

    def draw(self, surface: Locator, points: list[tuple[float, float]]) -> None:
        """One stroke through points given as fractions (across, down) of the surface; one point is a click."""
        surface.scroll_into_view_if_needed()
        self.page.wait_for_timeout(500)  # pictures above may still push it down
        box = surface.bounding_box()
        places = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=5)
        self.page.mouse.up()

    def move(self, control: Locator) -> None:
        """Put any control to another value, as a hand would."""
        classes = control.get_attribute("class") or ""
        if "course-canvas" in classes:
            self.draw(control, [(0.2, 0.25), (0.8, 0.3), (0.7, 0.8)])
        elif "widget-slider" in classes:
            handle = control.locator(".noUi-handle").first
            at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            handle.press("Home" if at_end else "End")
        elif "widget-dropdown" in classes:
            chooser = control.locator("select")
            options = chooser.locator("option").count()
            chooser.select_option(index=(chooser.evaluate("chooser => chooser.selectedIndex") + 1) % options)
        elif "widget-toggle-buttons" in classes:
            control.locator("button:not(.mod-active)").first.click()
        elif "widget-checkbox" in classes:
            control.locator("input").click()
        elif "course-play" in classes:  # a step at once; then stand still
            control.click()
            control.click()
        elif "widget-text" in classes:
            control.locator("input").fill("other words")
        else:
            control.click()

    def screenshot(self, path: Path | str) -> None:
        self.root.screenshot(path=str(path))
