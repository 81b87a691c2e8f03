"""Still slides in the browser: every slide of every lesson fits 1280 × 720, in letters that can be read, with no network."""

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from lab import QUIET_CHROMIUM, chromium
from playwright.sync_api import sync_playwright

from course_lib.cli import slides
from course_lib.cli.lessons import find, lessons

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: apt-get install chromium to run the browser tests")
SMALLEST = 0.62  # the last zoom of slides.js: there, the letters of a text have 14 of 720 pixels
LOOK = """() => Array.from({ length: courseSlides.count }, (_, index) => {
    const fits = courseSlides.open(index), slide = document.querySelectorAll('.slide')[index];
    const zoom = Number(slide.querySelector('.inner').style.getPropertyValue('--zoom'));
    return [fits === 'true', zoom, slide.scrollWidth <= 1280 && slide.scrollHeight <= 720]; })"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=QUIET_CHROMIUM)
        yield browser.new_page(viewport={"width": 1280, "height": 720})
        browser.close()


def opened(page, lesson, folder):
    """Open the slides of a lesson; the number of slides, and every address that the page asked for."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    path = folder / f"{lesson.number}.html"
    path.write_text(slides.page(nbformat.read(lesson.path, as_version=4), lesson.title), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("() => window.courseSlides")
    return page.evaluate("() => courseSlides.count"), asked


@pytest.mark.parametrize("lesson", lessons(), ids=str)
def test_every_slide_of_a_lesson_fits_and_asks_for_no_network(page, lesson, tmp_path):
    count, asked = opened(page, lesson, tmp_path)
    looked = page.evaluate(LOOK)
    assert len(looked) == count > 10
    assert [number for number, (fits, _, inside) in enumerate(looked, 1) if not (fits and inside)] == []
    assert [(number, zoom) for number, (_, zoom, _) in enumerate(looked, 1) if zoom <= SMALLEST] == [], "divide these slides"
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_keys_move_from_slide_to_slide(page, tmp_path):
    count, _ = opened(page, find("07"), tmp_path)
    page.keyboard.press("End")
    assert page.locator("#count").inner_text() == f"{count} / {count}"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator(".slide.now").get_attribute("id") == "slide-2"
