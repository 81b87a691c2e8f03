"""`course doctor`: what this machine has, what is wrong, and how to fix it. Lesson 00 shows the same report."""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import torch

from course_lib import machine, runtime
from course_lib.cli.first_look import LOOKS, SIGNS, Finding, found_by, parts
from course_lib.datasets import manifest
from course_lib.training import checkpoints

GIB = 2**30


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
        return "\n".join([*map(str, self.findings), self.verdict])

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
    """Look at everything."""
    return Report((*found_by(LOOKS), *found_by(later_looks())))


def later_looks() -> list[Callable[[], list[Finding]]]:
    """The examinations that need torch."""
    return [_device, _memory, _data, _checkpoints, _user_folder]


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
            found, fix = parts(error)
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
        except (ValueError, KeyError, RuntimeError, OSError) as error:
            found, fix = parts(error)
            closed = isinstance(error, OSError)
            otherwise = "make it readable for you" if closed else f"`git checkout -- data/checkpoints/{name}.*`"
            wrong.append(Finding(name, found, "wrong", fix or otherwise))
    return [Finding("trained models", ", ".join(loaded) or "none shipped"), *wrong]


def _user_folder() -> list[Finding]:
    """The folder for progress and trained models, or where it will be made: can it be written, and is there room?"""
    folder = runtime.user_dir()
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return [Finding("your folder", f"{folder} cannot be written", "wrong", "set COURSE_HOME to a folder of your own")]
    free = shutil.disk_usage(nearest).free / GIB
    return [Finding("your folder", f"{folder}, {free:.0f} GiB free", "note" if free < 1 else "ok", "free some disk" * (free < 1))]
