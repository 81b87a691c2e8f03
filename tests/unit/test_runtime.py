"""Device, seed, threads, budget, quietness, and files written whole or not at all."""

import os
import random
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from course_lib import runtime


def test_device_is_the_best_one_present():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert runtime.device().type == expected


def test_device_from_the_environment_and_the_argument_above_it(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert runtime.device() == torch.device("cpu")
    monkeypatch.setenv("COURSE_DEVICE", "nonsense")
    assert runtime.device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"nonsense.*expected cpu"):
        runtime.device()


def test_an_empty_environment_variable_counts_as_unset(monkeypatch):
    for name in ("COURSE_DEVICE", "COURSE_THREADS", "COURSE_BUDGET"):
        monkeypatch.setenv(name, "")
    assert runtime.device() == runtime.device(None)
    assert runtime.threads() == torch.get_num_threads()
    assert runtime.budget() == "lesson"


@pytest.mark.parametrize("asked", ["cuda:99", "xpu"])
def test_an_absent_device_is_refused_with_the_mend(asked):
    with pytest.raises(ValueError, match=r"this machine has none.*'cpu'"):
        runtime.device(asked)


def test_seed_covers_python_numpy_and_torch():
    draws = []
    for _ in range(2):
        generator = runtime.seed(7)
        draws.append((random.random(), np.random.rand(), torch.rand(()).item(), torch.rand((), generator=generator).item()))  # noqa: NPY002
    assert draws[0] == draws[1]
    runtime.seed(8)
    assert random.random() != draws[0][0]


@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None])
def test_a_bad_seed_is_refused(value):
    with pytest.raises(ValueError, match="non-negative integer"):
        runtime.seed(value)


def test_generators_are_independent_of_the_global_one():
    first = torch.rand(3, generator=runtime.generator(5))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert torch.equal(first, torch.rand(3, generator=runtime.generator(5)))
    assert torch.equal(before, torch.get_rng_state())


def test_threads(monkeypatch):
    before = torch.get_num_threads()
    try:
        assert runtime.threads(2) == 2 == torch.get_num_threads()
        monkeypatch.setenv("COURSE_THREADS", "1")
        assert runtime.threads() == 1
    finally:
        torch.set_num_threads(before)
    for bad in (0, -2, "many"):
        with pytest.raises(ValueError, match="positive integer"):
            runtime.threads(bad)


def test_budget(monkeypatch):
    assert runtime.budget() == "lesson"
    assert runtime.by_budget(smoke=1, lesson=2, full=3) == 2
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    assert runtime.budget() == "smoke"
    assert runtime.budget("full") == "full"
    assert runtime.by_budget(smoke=1, lesson=2, full=3) == 1
    assert runtime.by_budget(smoke=1, lesson=2, full=3, override="full") == 3
    with pytest.raises(ValueError, match="smoke, lesson, full"):
        runtime.budget("quick")


def test_quiet_progress_prints_nothing_and_loses_nothing(capsys, monkeypatch):
    assert list(runtime.progress(range(3), "counting")) == [0, 1, 2]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    monkeypatch.setenv("COURSE_QUIET", "0")
    assert not runtime.quiet()
    assert list(runtime.progress(range(3), "counting")) == [0, 1, 2]
    assert "counting" in capsys.readouterr().out


def test_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "new" / "home"))
    assert runtime.data_dir() == tmp_path / "data"
    assert runtime.user_dir().is_dir()
    assert runtime.user_dir() == tmp_path / "new" / "home"


def test_whole_file_replaces_only_when_all_went_well(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with runtime.whole_file(path) as temporary:
        temporary.write_text("old")
        assert not path.exists()
    assert path.read_text() == "old"

    def fail():
        with runtime.whole_file(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_whole_file_survives_a_kill_in_the_middle_of_writing(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    program = f"""
        import pathlib, time
        from course_lib import runtime
        with runtime.whole_file(pathlib.Path({str(path)!r})) as temporary:
            temporary.write_text("half of the n")
            print("writing", flush=True)
            time.sleep(60)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert path.read_text() == "old"
