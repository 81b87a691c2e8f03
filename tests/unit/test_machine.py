"""Cores and memory: the smallest of what is built in, the affinity and the limits of the container."""

import os

import pytest

from course_lib import machine


def write(system, files):
    for name, content in files.items():
        (system / name).parent.mkdir(parents=True, exist_ok=True)
        (system / name).write_text(content)


@pytest.fixture
def _sixty_four_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


TWO = {"proc/self/cgroup": "0::/box/inner\n"}
ONE = {"proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n"}


@pytest.mark.usefixtures("_sixty_four_cores")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 64),
        ({**TWO, "sys/fs/cgroup/box/inner/cpu.max": "max 100000\n"}, 64),
        ({**TWO, "sys/fs/cgroup/box/inner/cpu.max": "200000 100000\n"}, 2),
        ({**TWO, "sys/fs/cgroup/box/inner/cpu.max": "max 100000\n", "sys/fs/cgroup/box/cpu.max": "350000 100000\n"}, 4),
        ({**TWO, "sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3),  # a container sees its own group as the root
        ({**TWO, "sys/fs/cgroup/box/cpu.max": "10000 100000\n"}, 1),
        ({**ONE, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n"}, 64),
        ({**ONE, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 2),
    ],
    ids=range(8),
)
def test_a_containers_limit_counts(files, expected, tmp_path):
    write(tmp_path, files)
    assert machine.cores(tmp_path) == expected


def test_affinity_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    write(tmp_path, {**TWO, "sys/fs/cgroup/box/cpu.max": "400000 100000\n"})
    assert machine.cores(tmp_path) == 1


def test_where_nothing_limits_every_core_counts(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.cores(tmp_path) == 6
    assert machine.cores() >= 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({**TWO, "sys/fs/cgroup/box/inner/memory.max": "max\n", "sys/fs/cgroup/box/memory.max": "1000000\n"}, 1_000_000),
        ({**ONE, "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "2000000\n"}, 2_000_000),
    ],
)
def test_a_containers_memory_counts(files, expected, tmp_path):
    whole = machine.memory(tmp_path)
    assert whole is None or whole > 100_000_000
    write(tmp_path, files)
    assert machine.memory(tmp_path) == expected
