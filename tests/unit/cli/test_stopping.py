"""Every command that is stopped, by Ctrl-C, by a signal or by a terminal that closes: no child is left, and no half of a file."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course_lib.cli import children, main

pty = pytest.importorskip("pty")

# Each command, with a stand-in where it works for long: one that sleeps, or a process that sleeps with a child of its own.
FAKE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from course_lib.cli import children, command

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a process of the background
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
signal.signal(signal.SIGTERM, signal.SIG_DFL)
children.PATIENCE = {PATIENCE}
ready = Path("ready")
child = f"import signal; {DEAF}; import time, pathlib; pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
parent = f"import signal, subprocess, sys; {DEAF}; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
family = lambda *_, **__: [sys.executable, "-c", parent]

def forever(*_, **__):
    ready.touch()
    time.sleep(600)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)"
LONG = 40.0  # seconds of patience with a child that does not end
COMMANDS = {
    "lab": "from course_lib.cli import lab; lab.command = family; words = ['lab']",
    "present": "from course_lib.cli import lab; lab.command = family; words = ['present', '02']",
    "run": "from course_lib.cli import running; running._command = family; words = ['run', '00', '01', '--out', 'out']",
    "site": "from course_lib.cli.site import building; building.write = forever; words = ['site', '02', '--out', 'out']",
    "slides": "from course_lib.cli import slides; slides.page = forever; words = ['slides', '02', '--out', 'out']",
    "release": """
from course_lib.cli import release
make, count = release.student_copy, []
def second(notebook, **how):
    count.append(1)
    return forever() if len(count) == 2 else make(notebook, **how)
release.student_copy = second
words = ['release', '01', '02', '--student', 'out']
""",
    "score": """
from course_lib.training.scores import kinds, measuring, table
kinds.scored = lambda: ['one', 'two']
table.about = lambda *_: {}
table.in_order = lambda rows: rows
measuring.rows_of_real_digits = lambda counts: {}
measuring.row_of = lambda name, *_: {'nats': [], 'draws': []} if name == 'one' else forever()
table.RECIPES = {'one': None, 'two': None}
words = ['score', '--budget', 'smoke', '--out', 'out']
""",
    "train": """
from functools import partial
import torch
from course_lib.cli import train
from course_lib.models.autoregressive import NADE
from course_lib.training.recipes import RECIPES, Gradient, Recipe
train.progress = lambda history, epochs: 'first' if len(history) < 2 else forever()
draw = lambda split: torch.ones(32, 4)
RECIPES['small'] = Recipe(partial(NADE, event_shape=(4,), hidden=3), 'small', epochs=(2, 2, 2), examples=(32, 32, 32),
                          source=draw, batch_size=16, step=Gradient(lr=0.02))
words = ['train', 'small', '--device', 'cpu']
""",
}  # fmt: skip


def script(name, deaf=False):
    head = FAKE.replace("{DEAF}", DEAF if deaf else "0").replace("{PATIENCE}", str(LONG if deaf else children.PATIENCE))
    return f"{head}\n{COMMANDS[name]}\nsys.exit(command.main(words))"


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, program, folder):
        self.folder, self.shown = folder, b""
        environment = {**os.environ, "COURSE_HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
        (folder / "tmp").mkdir()
        self.pid, self.master = pty.fork()
        if self.pid == 0:  # the child
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-c", program], environment)
        until = time.monotonic() + 240
        while not (folder / "ready").exists():
            assert time.monotonic() < until, self.shown.decode()
            assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), self.read().decode()
            self.read()
        self.family = psutil.Process(self.pid).children(recursive=True)

    def read(self):
        with contextlib.suppress(OSError):  # the other end is closed
            while select.select([self.master], [], [], 0.1)[0] and (came := os.read(self.master, 4096)):
                self.shown += came
        return self.shown

    def close(self):
        os.close(self.master)

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def ended(self, *, read=True, seconds=60):
        """The exit code, when the command has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if read:
                self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        pytest.fail("it did not end")

    def left(self):
        """The children that are still there, and the files."""
        alive = [process.pid for process in self.family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        files = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        return alive, {name for name in files if name != "ready" and not name.endswith(".lock")}


KEPT = {"score": {"out"}}  # what is there afterwards: the rows that were measured


def check_nothing_is_left(terminal, name):
    alive, files = terminal.left()
    assert alive == []
    assert len(terminal.family) == {"lab": 2, "present": 2, "run": 2}.get(name, 0)
    if name == "train":
        (state,) = files
        assert "unfinished" in state
    else:
        assert files == KEPT.get(name, set())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminal_that_closes_ends_every_child(name, tmp_path):
    terminal = Terminal(script(name), tmp_path)
    terminal.close()
    assert terminal.ended(read=False) == 128 + signal.SIGHUP
    check_nothing_is_left(terminal, name)


@pytest.mark.parametrize(
    ("name", "by"), [("train", "Ctrl-C"), ("train", "SIGTERM"), ("score", "Ctrl-C"), ("release", "SIGTERM"), ("site", "Ctrl-C")]
)
def test_a_stop_leaves_nothing_half_written_and_says_how_to_go_on(name, by, tmp_path):
    terminal = Terminal(script(name), tmp_path)
    terminal.press_ctrl_c() if by == "Ctrl-C" else os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.ended() == {"Ctrl-C": 130, "SIGTERM": 143}[by]
    check_nothing_is_left(terminal, name)
    shown = terminal.shown.decode()
    assert "Traceback" not in shown
    advice = {
        "train": "To go on: course train small --budget lesson",
        "score": "To go on: course score --budget smoke --out out two",
    }
    assert advice.get(name, "course: stopped by hand") in shown


def test_a_second_ctrl_c_kills_at_once_what_does_not_end(tmp_path):
    terminal = Terminal(script("run", deaf=True), tmp_path)
    terminal.press_ctrl_c()
    time.sleep(0.5)
    assert len(terminal.left()[0]) == 2, "they were asked to end, and do not listen"
    began = time.monotonic()
    terminal.press_ctrl_c()
    assert terminal.ended() == 130
    assert time.monotonic() - began < LONG - 10
    check_nothing_is_left(terminal, "run")


@pytest.mark.parametrize("asked", ["list", "doctor"])
def test_a_full_disk_is_one_line_and_a_reader_that_leaves_is_none(asked):
    words = [sys.executable, "-c", f"import sys; from course_lib.cli import main; sys.exit(main([{asked!r}]))"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["course: [Errno 28] No space left on device"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_stops_no_command(closed):
    words = [sys.executable, "-c", "import sys; from course_lib.cli import main; sys.exit(main(['list']))"]
    done = subprocess.run(words, capture_output=True, preexec_fn=lambda: os.close(closed), check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_code_of_a_stop_is_that_of_the_first_signal(monkeypatch, capsys):
    def stop(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.cli.command._list", stop)
    assert main(["list"]) == 130
    assert "stopped by hand" in capsys.readouterr().err
