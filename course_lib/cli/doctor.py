"""`course doctor`: what this machine has, what is wrong, and how to fix it. Lesson 00 shows the same report."""

from __future__ import annotations

import html
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from packaging.requirements import Requirement

from course_lib import machine, runtime
from course_lib.datasets import manifest
from course_lib.training import checkpoints

PROJECT = "deep-generative-models-course"
GIB = 2**30
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
)
SIGNS = {"ok": "✓", "note": "·", "wrong": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. status: "ok", "note" (works, but not at its best) or "wrong"; fix: what to do about it."""

    what: str
    found: str
    status: str = "ok"
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """All findings: printed as text, shown as a table in a notebook. healthy when nothing is wrong."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """True when no finding is wrong; notes do not count."""
        return not any(finding.status == "wrong" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """ "all is well", or how many things are wrong."""
        wrong = sum(finding.status == "wrong" for finding in self.findings)
        return "all is well" if self.healthy else f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong"

    def __str__(self) -> str:
        lines = [f"{SIGNS[f.status]} {f.what:16} {f.found}" + f"\n    fix: {f.fix}" * bool(f.fix) for f in self.findings]
        return "\n".join([*lines, self.verdict])

    def _repr_html_(self) -> str:
        """A table in the page's own text colour, which can be read on a light and on a dark page alike."""
        rows = "".join(
            f'<tr style="font-weight:{"bold" if f.status == "wrong" else "normal"}"><td>{SIGNS[f.status]} {f.status}</td>'
            f'<td style="text-align:left">{html.escape(f.what)}</td><td style="text-align:left">{html.escape(f.found)}'
            + (f"<br><em>fix:</em> {html.escape(f.fix)}" if f.fix else "")
            + "</td></tr>"
            for f in self.findings
        )
        return f"<table><caption>{self.verdict}</caption>{rows}</table>"


def examine() -> Report:
    """Look at everything; an examination that fails itself becomes a finding."""
    looks: list[Callable[[], list[Finding]]] = [
        _python, _packages, _elsewhere, _device, _memory, _data, _checkpoints, _user_folder,
    ]  # fmt: skip
    findings: list[Finding] = []
    for look in looks:
        try:
            findings += look()
        except (ValueError, OSError, RuntimeError) as error:  # the last is what torch raises when a GPU does not answer
            found, fix = _parts(error)
            findings.append(Finding(look.__name__.strip("_").replace("_", " "), found, "wrong", fix or "as the message says"))
    return Report(tuple(findings))


def _parts(error: Exception) -> tuple[str, str]:
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
            found.setdefault(origin.parent.parent, []).append(name)
    fix = "unset PYTHONPATH, set PYTHONNOUSERSITE=1, and start again"
    return [
        Finding("packages", f"{', '.join(names)} found in {folder}, outside this environment", "note", fix)
        for folder, names in found.items()
    ]


def _device() -> list[Finding]:
    device = runtime.device()
    total = (torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)).sum().item()
    if total != 512:
        return [Finding("device", f"{device}: 512 was expected, {total} came", "wrong", "set COURSE_DEVICE=cpu")]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else {"mps": "Apple GPU"}.get(device.type, "")
    found = [Finding("device", f"{device} {name}".strip())]
    if device.type == "cpu" and shutil.which("nvidia-smi"):
        fix = "install the CUDA build of torch (README: On a GPU), or unset COURSE_DEVICE"
        found.append(Finding("GPU", "there is an NVIDIA driver, but torch does not use it", "note", fix))
    return [*found, Finding("threads", f"{torch.get_num_threads()} of {machine.cores()} cores; budget {runtime.budget()}")]


def _memory() -> list[Finding]:
    found, available = [], machine.memory()
    if available is not None:
        low, fix = available < 3.5 * GIB, "close other programs; run one lesson at a time"
        found.append(Finding("memory", f"{available / GIB:.1f} GiB", "note" if low else "ok", fix * low))
    if torch.cuda.is_available():
        free, size = torch.cuda.mem_get_info()
        found.append(Finding("GPU memory", f"{free / GIB:.1f} of {size / GIB:.1f} GiB free"))
    return found


def _data() -> list[Finding]:
    """Every file of data/SHA256SUMS, checked. Files that git changed on the way are one finding, for one fix serves them all."""
    whole, wrong, changed = 0, [], []
    for name in manifest.checksums():
        try:
            manifest.verify(name)
            whole += 1
        except manifest.DataFileError as error:
            found, fix = _parts(error)
            if fix == manifest.RENEW:
                changed.append(name)
            else:
                wrong.append(Finding(name, found, "wrong", fix))
    if changed:
        many = f"{len(changed)} files, such as {changed[0]}, have other line endings, because git changed them (core.autocrlf)"
        wrong.append(Finding("line endings", many, "wrong", manifest.RENEW))
    return [Finding("data", f"{whole} files as listed in data/SHA256SUMS"), *wrong]


def _checkpoints() -> list[Finding]:
    """Every shipped model loaded; its own checksum is checked there."""
    loaded, wrong = [], []
    for name in checkpoints.names():
        try:
            checkpoints.load(name)
            loaded.append(name)
        except (ValueError, KeyError, RuntimeError) as error:
            found, fix = _parts(error)
            wrong.append(Finding(name, found, "wrong", fix or f"`git checkout -- data/checkpoints/{name}.*`"))
    return [Finding("trained models", ", ".join(loaded) or "none shipped"), *wrong]


def _user_folder() -> list[Finding]:
    """The folder for progress and trained models, or where it will be made: can it be written, and is there room?"""
    folder = runtime.user_dir()
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return [Finding("your folder", f"{folder} cannot be written", "wrong", "set COURSE_HOME to a folder of your own")]
    free = shutil.disk_usage(nearest).free / GIB
    return [Finding("your folder", f"{folder}, {free:.0f} GiB free", "note" if free < 1 else "ok", "free some disk" * (free < 1))]
