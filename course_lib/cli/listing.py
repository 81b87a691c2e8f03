"""`course list`: the lessons, the data sets and the trained models.

The recipes import torch, which takes seconds. What they say is therefore kept in the user's own folder until the library changes.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import course_lib
from course_lib import files, settings
from course_lib.cli.lessons import lessons


def text() -> str:
    """What `course list` prints."""
    return "\n".join([*of_lessons(), "", *of_the_rest()])


def of_lessons() -> list[str]:
    """A line per lesson. They are known at once."""
    return [f"{lesson.number}  {lesson.name:24} {lesson.title.removeprefix(f'{lesson.number} · ')}" for lesson in lessons()]


def of_the_rest() -> list[str]:
    """Lines with the data sets, the models and the studies. After a change of the library they take seconds."""
    known = catalogue()
    shipped = {path.stem for path in (settings.data_dir() / "checkpoints").glob("*.json")}
    lines = [f"data sets   {', '.join(known['data'])}", "models"]
    lines += [f"    {name:30} {'shipped' if name in shipped else 'not shipped':12} {about}" for name, about in known["models"]]
    lines.append("studies: the numbers of many runs")
    lines += [f"    {name:30} {_kept(name)} of {runs} runs kept" for name, runs in known["studies"]]
    return lines


def catalogue() -> dict[str, Any]:
    """The names of the data sets, [name, about] of the models, [name, number of runs] of the studies, as the recipes say them.

    Kept under a digest of every source file of the library. Where the folder cannot be read or written, the recipes are asked.
    """
    digest, kept = _sources(), None
    with suppress(OSError, ValueError, KeyError, TypeError):  # not there, or damaged
        kept = settings.user_dir() / "catalogue.json"
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found.pop("sources") == digest:
            return found
    fresh = _from_recipes()
    with suppress(OSError):
        if kept is not None:
            with files.whole_file(kept) as path:
                path.write_text(json.dumps({"sources": digest, **fresh}), encoding="utf-8")
    return fresh


def _from_recipes() -> dict[str, Any]:
    from collections import Counter

    from course_lib.datasets import names
    from course_lib.training.recipes import RECIPES

    studies = Counter(recipe.study for recipe in RECIPES.values() if recipe.study)
    models = [[name, recipe.about] for name, recipe in RECIPES.items() if recipe.weights]
    return {"data": names(), "models": models, "studies": [list(pair) for pair in studies.items()]}


def _sources() -> str:
    """A digest of the library's sources: size and time of change of each file."""
    folder = Path(course_lib.__file__).parent
    found = ((path.relative_to(folder).as_posix(), path.stat()) for path in sorted(folder.rglob("*.py")))
    return hashlib.sha256(repr([(name, s.st_size, s.st_mtime_ns) for name, s in found]).encode()).hexdigest()


def _kept(study: str) -> int:
    path = settings.data_dir() / "studies" / f"{study}.json"
    return len(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else 0
