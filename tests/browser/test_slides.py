"""Still slides in the browser: every slide of a lesson fits 1280 × 720, with no network, no solution and no silent figure."""

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from lab import QUIET_CHROMIUM, chromium
from playwright.sync_api import sync_playwright

from course_lib.cli import slides
from course_lib.cli.lessons import find

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium here: apt-get install chromium to run the browser tests")
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


def test_every_slide_of_a_lesson_fits_and_asks_for_no_network(page, tmp_path):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    lesson = find("07")
    path = tmp_path / "07.html"
    path.write_text(slides.page(nbformat.read(lesson.path, as_version=4), lesson.title), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("() => window.courseSlides")
    looked = page.evaluate(LOOK)
    assert len(looked) > 15
    assert [number for number, (fits, _, inside) in enumerate(looked, 1) if not (fits and inside)] == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.evaluate("() => courseSlides.open(0)")
    page.keyboard.press("End")
    assert page.locator("#count").inner_text() == f"{len(looked)} / {len(looked)}"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator(".slide.now").get_attribute("id") == "slide-2"
