"""Which lessons there are, and the one that a reader means by `7`, `07`, `nade` or `07_nade`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from course_lib import settings
from course_lib.cli.asked import AskedWrongly

ROOT = Path(__file__).resolve().parent.parent.parent
FILE_NAME = re.compile(r"(\d\d)_(\w+)")


class UnknownName(AskedWrongly):
    """A name that nothing here has; the message says which one was likely meant."""

    def __init__(self, kind: str, name: str, known: list[str]):
        hint = settings.did_you_mean(name, known)
        super().__init__(f"no {kind} is called {name!r}{hint} (there are: {', '.join(known) or 'none'})")


@dataclass(frozen=True)
class Lesson:
    """A notebook of the course: number "07", name "nade", and where it lies."""

    number: str
    name: str
    path: Path

    @property
    def title(self) -> str:
        """The first heading of the notebook; its name if it has none."""
        for cell in json.loads(self.path.read_text(encoding="utf-8"))["cells"]:
            for line in "".join(cell["source"]).splitlines():  # the file format allows a text and a list of lines
                if cell["cell_type"] == "markdown" and line.startswith("# "):
                    return line.removeprefix("# ").strip()
        return self.name

    def __str__(self) -> str:
        return f"{self.number}_{self.name}"


def lessons(folder: Path | None = None) -> list[Lesson]:
    """The lessons present, in order. AskedWrongly when the notebooks folder is not there (installed without a clone)."""
    folder = folder or ROOT / "notebooks"
    if not folder.is_dir():
        raise AskedWrongly(
            f"{folder} is not there; the lessons live in a clone of the project: run `course` from its environment"
        )
    matches = ((FILE_NAME.fullmatch(path.stem), path) for path in sorted(folder.glob("*.ipynb")))
    return [Lesson(match[1], match[2], path) for match, path in matches if match]


def find(asked: str, known: list[Lesson] | None = None) -> Lesson:
    """The lesson meant by a number, a name, or both (`7`, `07`, `nade`, `07_nade`, `07_nade.ipynb`). Raises UnknownName."""
    known = lessons() if known is None else known
    wanted = Path(asked).name.removesuffix(".ipynb").lower()
    for lesson in known:
        if wanted in (str(lesson), lesson.name, lesson.number) or (wanted.isdecimal() and int(wanted) == int(lesson.number)):
            return lesson
    by_spelling = {spelling: str(lesson) for lesson in known for spelling in (lesson.name, str(lesson))}
    raise UnknownName("lesson", asked, list(by_spelling))
