"""Where the time of `make test` went: python tests/times.py FOLDER, a folder of the files that pytest --junitxml wrote."""

import json
import re
import statistics
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

LESSON = re.compile(r"(\d\d_\w+)")
SLOWEST = 10


def read(folder: Path) -> list[tuple[str, str, float]]:
    """(part, test, seconds) of every test, with its set-up. The part is the file's name; lessons run by papermill are "smoke"."""
    cases = ((path.stem, case) for path in sorted(folder.glob("*.xml")) for case in ElementTree.parse(path).iter("testcase"))
    named = ((part, f"{case.get('classname')}::{case.get('name')}", float(case.get("time", 0))) for part, case in cases)
    return [("smoke" if "::test_lesson_runs" in name else part, name, seconds) for part, name, seconds in named]


def latencies(folder: Path) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """(lesson, explorer) -> the way (keyboard or mouse) and the milliseconds of each of its moves in the browser."""
    found = defaultdict(list)
    for path in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            for told in case.iterfind("properties/property[@name='latency']"):
                explorer, way, milliseconds = json.loads(told.get("value"))
                found[LESSON.search(case.get("name"))[1], explorer].append((way, milliseconds))
    return found


def latency_table(found: dict[tuple[str, str], list[tuple[str, int]]]) -> str:
    """Medians over the moves of each explorer. Each control moved once, beside other tests: LATENCY.md has careful numbers."""
    lines = [f"{'milliseconds to the new picture':74}  keyboard    mouse"]
    for (lesson, explorer), moves in sorted(found.items()):
        by_way = {way: [ms for kind, ms in moves if kind == way] for way in ("keyboard", "mouse")}
        medians = "".join(f"{statistics.median(times):10.0f}" if times else f"{'–':>10}" for times in by_way.values())
        lines.append(f"{lesson:28}{explorer[:44]:46}{medians}")
    return "\n".join(lines)


def table(tests: list[tuple[str, str, float]]) -> str:
    """Seconds per part; seconds per lesson and part; the slowest cells, and the slowest other tests."""
    total, by_lesson = defaultdict(float), defaultdict(lambda: defaultdict(float))
    for part, name, seconds in tests:
        total[part] += seconds
        if part not in ("unit", "cuda", "device") and (lesson := LESSON.search(name)):
            by_lesson[lesson[1]][part] += seconds
    parts = [part for part in ("smoke", "lesson", "browser") if part in total]
    lines = ["seconds of all tests, added up: " + ", ".join(f"{part} {seconds:.0f}" for part, seconds in total.items())]
    lines.append(f"{'seconds per lesson':30}" + "".join(f"{part:>9}" for part in parts))
    for lesson, row in sorted(by_lesson.items()):
        lines.append(f"{lesson:30}" + "".join(f"{row[part]:9.1f}" for part in parts))
    cells = [test for test in tests if test[0] == "lesson"]
    others = [test for test in tests if test[0] in ("unit", "cuda", "device")]
    for what, chosen in (("cells", cells), ("other tests", others)):
        lines.append(f"the slowest {what}")
        lines += [f"{seconds:9.1f}  {name}" for _, name, seconds in sorted(chosen, key=lambda test: -test[2])[:SLOWEST]]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(read(Path(sys.argv[1]))))
    if moves := latencies(Path(sys.argv[1])):
        print(latency_table(moves))
