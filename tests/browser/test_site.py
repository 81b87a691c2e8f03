"""The reading site in a browser: every page, the live explorers by mouse and keyboard, and their pixels against torch's."""

import base64
import json

import filelock
import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install -e '.[test]'")

from lab import QUIET_CHROMIUM, chromium
from playwright.sync_api import sync_playwright

from course_lib.cli.lessons import lessons
from course_lib.cli.site import building, explorers, links, networks
from course_lib.explore.probability import divergences
from course_lib.models.latent import paths
from course_lib.nn.blocks import UPSAMPLINGS, decoder, encoder
from course_lib.nn.dense import dense
from course_lib.training import checkpoints

CLOSE = 1e-2  # of values from 0 to 1: a page's bytes and half-precision weights against torch
PAGES = ["index.html", *(f"{lesson}.html" for lesson in lessons())]
in_browser = pytest.mark.skipif(
    chromium() is None,
    reason="no Chromium here: apt-get install chromium (or set COURSE_CHROMIUM to its path) to run the browser tests",
)
PIXELS = """canvas => { const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let text = ''; for (const byte of bytes) text += String.fromCharCode(byte); return btoa(text); }"""
NETWORKS = {
    "silu": dense([5, 8, 8, 6], "silu"),
    "gated": dense([5, 8, 6], "gated"),
    "other curves": nn.Sequential(dense([5, 7], "tanh"), nn.Tanh(), nn.LeakyReLU(0.3), nn.Sigmoid()),
    "strided": nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *encoder("convolutional", (1, 8, 8), (3, 4), 5, hidden=(6,))),
    "odd sides": nn.Sequential(
        nn.Unflatten(1, (1, 5, 5)), nn.Conv2d(1, 2, 3, stride=2, bias=False), nn.ConvTranspose2d(2, 1, 3, padding=1), nn.Flatten()
    ),
    **{kind: decoder("convolutional", 5, (4, 3), (3, 8, 8), upsampling=kind, hidden=(6,)) for kind in UPSAMPLINGS},
}
INPUTS = {"strided": 64, "odd sides": 25}  # the others take 5 numbers
FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The site of all lessons, built once, for all processes of the tests."""
    folder = tmp_path_factory.getbasetemp().parent if worker_id != "master" else tmp_path_factory.getbasetemp()
    with filelock.FileLock(folder / "site.lock"):
        if not (folder / "site").exists():
            building.build(lessons(), folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), headless=True, args=QUIET_CHROMIUM)
        yield running
        running.close()


@pytest.fixture
def visit(browser, site):
    """visit(name, **options): a page of the site. At the end, nothing may have gone wrong in it, nor been asked of a host."""
    opened, wrong = [], []

    def open_page(name, width=1280, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
        opened.append(page)
        page.goto((site / name).as_uri())
        return page

    yield open_page
    for page in opened:
        page.close()
    assert not wrong


def pixels(page, canvas):
    """The colours of a canvas, (H, W, 3) from 0 to 1, after the frame that shows the last move."""
    page.evaluate(FRAME)
    size = canvas.evaluate("canvas => [canvas.height, canvas.width]")
    values = np.frombuffer(base64.b64decode(canvas.evaluate(PIXELS)), np.uint8).reshape(*size, 4)
    return values[..., :3] / 255


def drawn(model, z):
    """What torch makes of a code (L,): (H, W, 3) from 0 to 1."""
    with torch.no_grad():
        made = model.decode(torch.tensor(z, dtype=torch.float32)[None])
    mean = (made if isinstance(made, torch.Tensor) else made.mean)[0].clamp(0, 1)
    return mean.expand(3, -1, -1).permute(1, 2, 0).numpy()


def drag(page, canvas, start, end):
    """Drag on a canvas from one place to another, each (across, down) as shares of it, by the mouse."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    there, here = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (end, start))
    page.mouse.move(*here)
    page.mouse.down()
    page.mouse.move(*there, steps=4)
    page.mouse.up()


def values_of(live):
    """The values of the sliders of an explorer, in their order."""
    return [float(value) for value in live.locator("input[type=range]").evaluate_all("all => all.map(one => one.value)")]


def test_every_link_leads_somewhere(site):
    count, faults = links.check(site)
    assert faults == []
    assert count > 50 * len(PAGES)
    assert sorted(path.name for path in site.glob("*.html")) == sorted(PAGES)


def test_every_figure_has_its_words_and_no_solution_stands_open(site):
    for name in PAGES:
        text = (site / name).read_text(encoding="utf-8")
        assert 'alt=""' not in text, name
        assert "<details open" not in text, name


@in_browser
def test_every_page_opens_on_a_narrow_screen(visit):
    page = visit("index.html", width=390)
    for name in PAGES:
        page.goto(page.url.rsplit("/", 1)[0] + f"/{name}", wait_until="domcontentloaded")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{name} is {wide} pixels wide"


@in_browser
def test_layers_give_the_numbers_of_torch(visit):
    page = visit("index.html")
    for name, network in NETWORKS.items():
        z = torch.randn(1, INPUTS.get(name, 5), generator=torch.Generator().manual_seed(0))
        described = json.dumps({**networks.network_description(network), "shape": []})
        made = page.evaluate(f"z => Array.from(new course.Network({described}, z.length).run(z))", z[0].tolist())
        with torch.no_grad():
            expected = network(z).flatten()
        assert torch.allclose(torch.tensor(made), expected, rtol=CLOSE, atol=CLOSE / 2), name


@in_browser
def test_a_dragged_face_is_torchs(visit):
    known, model = explorers.data("faces"), checkpoints.load(explorers.FACES)
    page = visit("index.html")
    live = page.locator("#explorer-drag-a-face")
    face, z = live.locator("canvas"), np.array(known["codes"][0])
    used = [coordinate["index"] for coordinate in known["coordinates"]]

    def same():
        z[used] = values_of(live)
        return np.abs(pixels(page, face) - drawn(model, z)).max() <= CLOSE

    z[used] = np.array(known["codes"][0])[used]
    assert np.abs(pixels(page, face) - drawn(model, z)).max() <= CLOSE, "the first face"
    live.locator("input[type=range]").first.press("PageUp")
    first = values_of(live)
    drag(page, face, (0.3, 0.3), (0.5, 0.1))
    dragged = values_of(live)
    assert dragged[used.index(known["across"])] > first[used.index(known["across"])]
    assert dragged[used.index(known["up"])] > first[used.index(known["up"])]
    face.press("ArrowLeft")
    assert values_of(live)[used.index(known["across"])] < dragged[used.index(known["across"])]
    for slider in live.locator("input[type=range]").all():
        slider.press("End")
    assert same(), "all sliders at their ends"
    live.get_by_role("button", name="Another face").click()
    z = np.array(known["codes"][1])
    assert np.abs(pixels(page, face) - drawn(model, z)).max() <= CLOSE, "another face"


@in_browser
def test_a_morph_is_torchs(visit):
    known, model = explorers.data("faces"), checkpoints.load(explorers.FACES)
    page = visit("13_latent_space.html")
    live = page.locator("#explorer-morph")
    mixed, line, arc = live.locator("canvas.face").all()
    line.press("ArrowRight")
    live.locator("fieldset").first.locator("input").nth(2).check()
    live.locator("fieldset").last.locator("input").nth(4).check()
    a, b = (torch.tensor(known["codes"][place]) for place in (2, 4))
    (t,) = values_of(live)
    assert t == pytest.approx(0.55)
    for canvas, way in ((line, paths.lerp), (arc, paths.slerp)):
        assert np.abs(pixels(page, canvas) - drawn(model, way(a, b, t).tolist())).max() <= CLOSE
    x, y = (np.frombuffer(base64.b64decode(known["pictures"][place]), np.uint8) / 255 for place in (2, 4))
    shape = known["decoder"]["shape"]
    assert np.abs(pixels(page, mixed) - ((1 - t) * x + t * y).reshape(shape).transpose(1, 2, 0)).max() <= CLOSE
    arc.click(position={"x": 1, "y": 20})
    assert values_of(live)[0] < 0.05


@in_browser
@pytest.mark.parametrize(("name", "source"), [("11_autoencoders.html", "plane"), ("12_variational_autoencoders.html", "planes")])
def test_a_plane_is_torchs(visit, name, source):
    checkpoint = {"plane": "ae-mnist-2", "planes": "vae-plane-mnist-no-kl"}[source]
    known = explorers.data(source)["sets"][-1 if source == "plane" else 1]
    page = visit(name)
    live = page.locator("#explorer-plane")
    if source == "planes":
        live.get_by_label(known["name"]).check()
    plane, digit = live.locator("canvas.plane"), live.locator("canvas.digit")
    box = plane.bounding_box()
    plane.click(position={"x": 0.3 * box["width"], "y": 0.4 * box["height"]})
    plane.press("ArrowRight")
    page.evaluate(FRAME)
    z = [float(part) for part in live.locator(".said").inner_text().split("(")[1].split(")")[0].split(",")]
    low, high = np.array(known["low"]), np.array(known["high"])
    share = (np.array(z) - low) / (high - low)
    assert share == pytest.approx([0.3 + 1 / 60, 0.6], abs=0.01)
    shares = live.locator("input[type=range]")
    shares.first.press("Home")
    shares.last.press("End")
    assert np.abs(pixels(page, digit) - drawn(checkpoints.load(checkpoint), [low[0], high[1]])).max() <= CLOSE


@in_browser
def test_a_bump_has_the_librarys_divergences(visit):
    page = visit("02_distributions.html")
    live = page.locator("#explorer-one-bump")
    chart = live.locator("canvas")
    before = pixels(page, chart)
    drag(page, chart, (0.5, 0.4), (0.7, 0.2))
    chart.press("ArrowUp")
    assert np.abs(pixels(page, chart) - before).max() > 0.2
    mean, scale = values_of(live)
    assert mean > 2
    assert scale < 1
    expected = [
        f"{value:.2f} nats" for value in divergences.three(divergences.two_modes(), divergences.bump(mean, scale)).values()
    ]
    assert live.locator(".bar output").all_inner_texts() == expected
    for name, best in divergences.best_bumps().items():
        live.get_by_role("button", name=f"best by {name}").click()
        assert values_of(live) == pytest.approx(best)


@in_browser
def test_a_search_finds_a_lesson_by_keyboard(visit):
    page = visit("index.html")
    page.keyboard.press("/")
    page.keyboard.type("baum wel")
    page.locator("#found a").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/05_hidden_markov_models.html#*")
    page.locator("#query").fill("no such words zzz")
    page.get_by_text("nothing found").wait_for()


@in_browser
def test_light_dark_and_the_list_of_lessons(visit):
    page = visit("07_nade.html", width=390, color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.locator("button.theme").click()
    assert page.evaluate(theme) == "light"
    listed = page.locator("#lessons")
    assert not listed.is_visible()
    page.locator("button.menu").click()
    listed.get_by_role("link", name="08").click()
    page.wait_for_url("**/08_*.html")
    assert page.evaluate(theme) == "light"
    page.locator("a[rel=prev]").click()
    page.wait_for_url("**/07_nade.html")


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "02_distributions.html"])
def test_pages_are_accessible(visit, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    left_out = {"exclude": [[".code"], ["math"]]}  # thousands of letters; tests/unit/cli/test_site.py looks at their colours
    page = visit(name, color_scheme=scheme)
    found = (
        axe.Axe().run(page, context=left_out, options={"preload": False}).response["violations"]
    )  # a file may not be asked for
    serious = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]
    assert serious == []
