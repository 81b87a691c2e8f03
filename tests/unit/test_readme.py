"""README and data/README say what is there."""

import re

import pytest

from course_lib.cli.lessons import ROOT, lessons
from course_lib.datasets import manifest

PAGES = ["README.md", "CONTRIBUTING.md", "CLASSES.md", "LIMITS.md", "data/README.md"]
LINK = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)|src=\"(?!https?:)([^\"]+)\"")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    targets = [first or second for first, second in LINK.findall(read(page))]
    missing = [target for target in targets if not (ROOT / page).parent.joinpath(target.split("#")[0]).exists()]
    assert not missing


def test_map_of_lessons_is_true():
    rows = re.findall(r"^\| (?:\[(\d\d)\]\(notebooks/(\w+)\.ipynb\)|(\d\d)) \|", read("README.md"), re.MULTILINE)
    assert [linked or plain for linked, _, plain in rows] == [f"{number:02}" for number in range(27)]
    assert [stem for _, stem, _ in rows if stem] == [str(lesson) for lesson in lessons()]


def test_every_data_file_is_described_with_its_checksum():
    described = dict(re.findall(r"`([\w/.-]+)` \|[^\n]*\| `([0-9a-f]{64})` \|", read("data/README.md")))
    measured = ("checkpoints/", "studies/", "films/")  # made by this project
    listed = {name: digest for name, digest in manifest.checksums().items() if not name.startswith(measured)}
    assert described == listed


def test_every_shipped_model_is_listed_whole():
    files = {f"checkpoints/{path.name}" for path in (ROOT / "data" / "checkpoints").glob("*.*")}
    assert files == {name for name in manifest.checksums() if name.startswith("checkpoints/")}
    for name in files:
        manifest.verify(name)
