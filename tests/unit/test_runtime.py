"""Device, seed, threads, budget, quietness and folders."""

import io
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib import machine, runtime
from course_lib.cli import main


def test_float32_means_float32_on_a_gpu_too():
    """cuDNN's default is to round the factors of products to 10 binary digits; importing the library turns that off."""
    program = (
        "import torch, course_lib.runtime as _; print(torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]


def test_device_is_cuda_where_there_is_one_and_the_cpu_elsewhere():
    assert runtime.device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_apples_gpu_is_used_only_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert runtime.device() == torch.device("cpu")
    assert runtime.device("mps") == torch.device("mps")
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    assert runtime.device() == torch.device("mps")


def test_each_process_of_torchrun_gets_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert runtime.device() == torch.device("cuda")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert runtime.device() == runtime.device("cuda") == torch.device("cuda:1")
    assert runtime.device("cuda:0") == torch.device("cuda:0")
    assert runtime.device("cpu") == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match=r"'cuda:2' was asked for.*--nproc-per-node=2"):
        runtime.device()


@pytest.mark.parametrize(("hardware", "expected"), [(True, True), (False, False)])
def test_bf16_counts_on_cuda_only_when_it_is_not_emulated(hardware, expected, monkeypatch):
    asked = []

    def is_supported(including_emulation=True):
        asked.append(including_emulation)
        return including_emulation or hardware

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    monkeypatch.setattr(torch.cuda, "device", lambda _: io.StringIO())  # any context
    assert runtime.bf16_supported("cuda:0") is expected
    assert asked == [False]
    assert runtime.bf16_supported("cpu")
    assert not runtime.bf16_supported("mps")


INTEGERS = [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor([3], dtype=torch.int16)]


@pytest.mark.parametrize("value", INTEGERS, ids=lambda value: type(value).__name__)
def test_integers_of_every_kind_become_pythons(value):
    assert runtime.check_index(value) == 3
    assert type(runtime.check_index(value)) is int
    assert runtime.seed(value).initial_seed() == runtime.generator(value).initial_seed() == 3
    before = torch.get_num_threads()
    try:
        assert runtime.threads(value) == 3
    finally:
        torch.set_num_threads(before)


NO_INTEGERS = [2.0, True, np.True_, torch.tensor(True), torch.tensor(2.0), torch.tensor([1, 2]), "3", None, -1, np.int8(-1)]


@pytest.mark.parametrize("value", [*NO_INTEGERS, torch.ones((), dtype=torch.long, device="meta")], ids=repr)
def test_what_is_no_such_integer_is_refused(value):
    with pytest.raises(ValueError, match=r"count is .*expected an integer of at least 0"):
        runtime.check_index(value, "count")


def test_a_whole_float_is_told_the_fix():
    with pytest.raises(ValueError, match=r"k is 2\.0; expected an integer of at least 1; int\(k\) may do"):
        runtime.check_index(2.0, "k", 1)


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


@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None, 2**63])
def test_a_bad_seed_is_refused(value):
    for function in (runtime.seed, runtime.generator):
        with pytest.raises(ValueError, match=r"seed is .*; expected an integer"):
            function(value)


class TestAGeneratorsState:
    def test_on_the_same_kind_of_device_it_continues_as_if_never_stopped(self, device):
        first = runtime.generator(5, device)
        torch.rand(3, generator=first, device=device)
        kept = runtime.generator_state(first)
        other = runtime.generator(6, device)
        runtime.restore_generator(other, kept)
        assert torch.equal(torch.rand(3, generator=first, device=device), torch.rand(3, generator=other, device=device))

    def test_on_another_kind_it_is_seeded_from_the_state_and_says_so(self, capsys):
        kept = [{"device": "cuda", "state": torch.arange(16, dtype=torch.uint8) + shift} for shift in (0, 0, 1)]
        drawn = []
        for state in kept:
            other = runtime.generator(6)
            runtime.restore_generator(other, state, "the shuffling")
            drawn.append(torch.rand(3, generator=other).tolist())
        assert drawn[0] == drawn[1] != drawn[2]
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "the shuffling began on cuda and continues on cpu: from here on it draws other random numbers"
        assert len(lines) == 3

    @pytest.mark.parametrize(
        "kept",
        [None, {}, torch.zeros(3), {"device": "cpu", "state": torch.zeros(16, dtype=torch.uint8)}, {"device": "cpu", "state": 3}],
        ids=range(5),
    )
    def test_one_that_does_not_fit_is_refused_and_changes_nothing(self, kept):
        generator = runtime.generator(6)
        with pytest.raises(ValueError, match=r"the shuffling does not fit .* the run starts anew"):
            runtime.restore_generator(generator, kept, "the shuffling")
        assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=runtime.generator(6)))


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
    for bad in (0, -2, "many", 1.5, "1.5", True):
        with pytest.raises(ValueError, match="positive integer"):
            runtime.threads(bad)


@pytest.mark.parametrize("first", ["from course_lib.training import load_or_train", "from course_lib import runtime"])
def test_the_threads_that_are_asked_for_are_used_from_the_first_import(first):
    code = f"{first}; import torch; print(torch.get_num_threads())"
    variables = {**os.environ, "COURSE_THREADS": "3", "OMP_NUM_THREADS": "1"}
    said = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert said.stdout == "3\n"


@pytest.mark.parametrize("asked", ["many", "0", "1.5", "100000"])
def test_a_command_refuses_a_number_of_threads_that_cannot_be(asked, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_THREADS", asked)
    assert main(["list"]) == 2
    assert f"COURSE_THREADS is {asked!r}; expected a positive integer of at most 1024" in capsys.readouterr().err


def test_threads_are_lowered_to_the_cores_of_the_container(monkeypatch):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        monkeypatch.setattr(machine, "cores", lambda: 1)
        assert runtime.threads() == 1 == torch.get_num_threads()
        monkeypatch.setattr(machine, "cores", lambda: 64)
        assert runtime.threads() == 1  # torch's own choice, or the user's, is never raised
    finally:
        torch.set_num_threads(before)


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


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Cell(io.StringIO):
    __module__ = "ipykernel.iostream"


@pytest.mark.parametrize(("stream", "drawn"), [(Terminal, True), (Cell, True), (io.StringIO, False)])
def test_progress_is_drawn_where_a_line_can_be_written_over(stream, drawn, monkeypatch):
    monkeypatch.setenv("COURSE_QUIET", "0")
    assert not runtime.quiet()
    monkeypatch.setattr(sys, "stdout", stream())
    assert list(runtime.progress(range(3), "counting")) == [0, 1, 2]
    assert ("counting" in sys.stdout.getvalue()) is drawn
    monkeypatch.setenv("COURSE_QUIET", "1")
    monkeypatch.setattr(sys, "stdout", stream())
    assert list(runtime.progress(range(3), "counting")) == [0, 1, 2]
    assert sys.stdout.getvalue() == ""
    monkeypatch.setattr(sys, "stdout", None)  # a program without a terminal has none
    monkeypatch.setenv("COURSE_QUIET", "0")
    assert list(runtime.progress(range(3), "counting")) == [0, 1, 2]


PROGRAM = "from course_lib import runtime\nfor i in runtime.progress(range(3), 'counting'): print('item', i)"


def test_no_bar_goes_into_a_file_and_one_onto_a_terminal(tmp_path):
    environment = {**os.environ, "COURSE_QUIET": ""}
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", PROGRAM], stdout=log, stderr=log, env=environment, check=True)
    assert (tmp_path / "log").read_text() == "item 0\nitem 1\nitem 2\n"
    ours, theirs = pytest.importorskip("pty").openpty()
    pytest.importorskip("termios").tcsetwinsize(theirs, (24, 80))
    subprocess.run([sys.executable, "-c", PROGRAM], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    seen = os.read(ours, 100_000)
    os.close(ours)
    assert b"counting" in seen


class TestFolders:
    def test_are_named_and_not_made(self, monkeypatch, tmp_path):
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "new" / "home"))
        assert runtime.data_dir() == tmp_path / "data"
        assert runtime.user_dir() == tmp_path / "new" / "home"
        assert not (tmp_path / "new").exists()
        assert runtime.make_user_dir() == tmp_path / "new" / "home"
        assert runtime.user_dir().is_dir()

    def test_a_home_may_be_written_with_a_tilde(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        monkeypatch.setenv("COURSE_HOME", "~/course")
        assert runtime.user_dir() == tmp_path / "course"
        monkeypatch.delenv("COURSE_HOME")
        assert runtime.user_dir() == tmp_path / ".deep-generative-models"

    def test_a_user_without_a_home_is_told_the_fix(self, monkeypatch):
        def home(*_):
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", home)
        monkeypatch.delenv("COURSE_HOME")
        for function in (runtime.user_dir, runtime.make_user_dir):
            with pytest.raises(OSError, match="set COURSE_HOME"):
                function()
