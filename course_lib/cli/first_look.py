"""What the doctor can see at once, without torch: Python, the packages, and where they are found."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from course_lib import settings
from course_lib.cli.lessons import ROOT

PROJECT = "deep-generative-models-course"
IMPORTED = (
    "torch",
    "numpy",
    "safetensors",
    "matplotlib",
    "PIL",
    "jupyterlab",
    "ipywidgets",
    "anywidget",
    "papermill",
    "nbformat",
    "nbconvert",
    "ipykernel",
    "IPython",
    "filelock",
    "tqdm",
    "psutil",
    "packaging",
    "jinja2",
)
SIGNS = {"ok": "✓", "note": "·", "wrong": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. status: "ok", "note" (works, but not at its best) or "wrong"; fix: what to do about it."""

    what: str
    found: str
    status: str = "ok"
    fix: str = ""

    def __str__(self) -> str:
        return f"{SIGNS[self.status]} {self.what:16} {self.found}" + f"\n    fix: {self.fix}" * bool(self.fix)


def found_by(looks: Sequence[Callable[[], list[Finding]]]) -> Iterator[Finding]:
    """What these examinations find, one after the other; an examination that fails itself becomes a finding."""
    for look in looks:
        try:
            yield from look()
        except (ValueError, OSError, RuntimeError) as error:  # the last is what torch raises when a GPU does not answer
            found, fix = parts(error)
            yield Finding(look.__name__.strip("_").replace("_", " "), found, "wrong", fix or "as the message says")


def parts(error: Exception) -> tuple[str, str]:
    """What an error says is wrong, and the fix that it names; "" where it names none."""
    found, _, fix = str(error).partition("; fix: ")
    return found, fix


def _python() -> list[Finding]:
    return [Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")]


def _packages() -> list[Finding]:
    """Every direct dependency against what is installed."""
    again = "make lab, or: python -m pip install -c constraints.txt -e '.[test]'"
    try:
        needed = [Requirement(text) for text in importlib.metadata.requires(PROJECT) or []]
    except importlib.metadata.PackageNotFoundError:
        return [Finding("packages", "the course is not installed in this Python", "wrong", again)]
    versions, wrong = [], []
    for requirement in needed:
        extra = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong += [] if extra else [Finding(requirement.name, f"missing; needed {requirement.specifier}", "wrong", again)]
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(Finding(requirement.name, f"{version}; needed {requirement.specifier}", "wrong", again))
        elif not extra:
            versions.append(f"{requirement.name} {version}")
    return [Finding("packages", ", ".join(versions)), *wrong]


def _elsewhere() -> list[Finding]:
    """Packages that Python finds outside its own environment: in the folders of PYTHONPATH, or in the user's own."""
    inside = [Path(folder).resolve() for folder in (sys.prefix, sys.base_prefix)]
    found: dict[Path, list[str]] = {}
    for name in IMPORTED:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin:
            continue
        origin = Path(spec.origin).resolve()
        if not any(origin.is_relative_to(folder) for folder in inside):
            found.setdefault(origin.parents[origin.name == "__init__.py"], []).append(name)
    fix = "unset PYTHONPATH, set PYTHONNOUSERSITE=1, and start again"
    return [
        Finding("packages", f"{', '.join(names)} found in {folder}, outside this environment", "note", fix)
        for folder, names in found.items()
    ]


def _hidden() -> list[Finding]:
    """Files beside the lessons that Python takes for a module of its own or for a package: a notebook looks there first."""
    files = sorted((ROOT / "notebooks").glob("*.py"))
    names = [path.name for path in files if path.stem in sys.stdlib_module_names or path.stem in (*IMPORTED, "course_lib")]
    fix = "give it another name"
    return [
        Finding("notebooks", f"{name} hides the module {name.removesuffix('.py')} from the lessons", "wrong", fix)
        for name in names
    ]


def _temporary() -> list[Finding]:
    """Whether there is a folder for temporary files, without which torch trains nothing."""
    try:
        settings.temporary_folder()
    except OSError as error:
        return [Finding("temporary files", str(error), "wrong", "set TMPDIR to a folder of yours that can be written")]
    return []


LOOKS = (_python, _packages, _elsewhere, _hidden, _temporary)
