"""The table of times that ends `make test`."""

import importlib.util
import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

SOURCE = Path(__file__).parents[1] / "times.py"
CASE = "<testsuites><testsuite>{}</testsuite></testsuites>"


def _times():
    spec = importlib.util.spec_from_file_location("times", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_part_each_lesson_and_the_slowest_cell_are_named(tmp_path):
    cells = "".join(f'<testcase classname="notebooks.07_nade.ipynb" name="Cell {k}" time="{k}.5" />' for k in range(12))
    (tmp_path / "lesson.xml").write_text(CASE.format(cells), encoding="utf-8")
    browser = '<testcase classname="tests.browser" name="test_a_lesson[07_nade.ipynb]" time="20" />'
    (tmp_path / "browser.xml").write_text(CASE.format(browser), encoding="utf-8")
    run = '<testcase classname="tests.notebooks" name="test_lesson_runs_in_the_smoke_budget[07_nade]" time="10" />'
    (tmp_path / "cuda.xml").write_text(CASE.format(run), encoding="utf-8")
    unit = '<testcase classname="tests.unit" name="test_slow" time="3" />'
    (tmp_path / "unit.xml").write_text(CASE.format(unit), encoding="utf-8")
    times = _times()
    lines = times.table(times.read(tmp_path)).splitlines()
    assert lines[0] == "seconds of all tests, added up: browser 20, smoke 10, lesson 72, unit 3"
    assert lines[1].split() == ["seconds", "per", "lesson", "smoke", "lesson", "browser"]
    assert lines[2].split() == ["07_nade", "10.0", "72.0", "20.0"]
    assert lines[4].split() == ["11.5", "notebooks.07_nade.ipynb::Cell", "11"]
    assert len([line for line in lines if "Cell" in line]) == times.SLOWEST
    assert lines[-1].split() == ["3.0", "tests.unit::test_slow"]


def test_moves_in_the_browser_are_told_per_explorer_and_way(tmp_path):
    moves = [['Be the "generator"', "keyboard", 40], ['Be the "generator"', "keyboard", 50], ["Two numbers", "mouse", 60]]
    told = "".join(f"<property name='latency' value={quoteattr(json.dumps(move))} />" for move in moves)
    case = f'<testcase classname="tests.browser" name="test_a_lesson[15_gans.ipynb]"><properties>{told}</properties></testcase>'
    (tmp_path / "browser.xml").write_text(CASE.format(case), encoding="utf-8")
    times = _times()
    lines = times.latency_table(times.latencies(tmp_path)).splitlines()
    assert lines[1].split() == ["15_gans", "Be", "the", '"generator"', "45", "–"]
    assert lines[2].split() == ["15_gans", "Two", "numbers", "–", "60"]
