"""What this process may use of the machine: its affinity and the limits of its container count, not what is built in."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path


def _control_groups(controller: str, system: Path) -> Iterator[Path]:
    """The folders where Linux keeps the limits of this process for "cpu" or "memory", innermost first; none elsewhere."""
    try:
        lines = (system / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inside = line.split(":", 2)  # "0::/box" (version 2) or "4:cpu,cpuacct:/box" (version 1)
        if not controllers or controller in controllers.split(","):
            root = system / "sys/fs/cgroup" / (controller if controllers else "")
            folder = root / inside.lstrip("/")
            yield from (above for above in (folder, *folder.parents) if above.is_relative_to(root))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []


def cores(system: Path = Path("/")) -> int:
    """How many CPU cores this process may use: by its affinity, and by the limits of its container (rounded up).

    system: the root of the file system, which a test replaces.
    """
    limits = [float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)]
    for folder in _control_groups("cpu", system):
        limit = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(limit) == 2 and limit[0] not in ("max", "-1"):
            limits.append(int(limit[0]) / int(limit[1]))
    return max(1, math.ceil(min(limits)))


def memory(system: Path = Path("/")) -> int | None:
    """How many bytes of memory this process may use: the machine's, or its container's limit; None where nothing says so."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for folder in _control_groups("memory", system):
        limit = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        limits += [int(word) for word in limit if word != "max"]
    return min(limits, default=None)
