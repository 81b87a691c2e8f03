"""Child processes that end when the command ends, whatever ends it: Ctrl-C, SIGTERM or a closed terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from course_lib import settings

if TYPE_CHECKING:
    import psutil

NOT_HANDED_ON = (  # they change what a lesson does
    "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip
OURS = {  # the Jupyter of this environment, not another one's kernel of the same name; and text as we read it
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PYTHONIOENCODING": "utf-8",
}
PATIENCE = 3.0  # seconds between asking a process to end and killing it


class Stopped(KeyboardInterrupt):
    """The command was told to end by a signal. Code that tidies up after Ctrl-C tidies up after this too."""

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = _code_of(number)


_received: list[int] = []  # the signals that raised Stopped inside `stopped_by_signals`


def _code_of(number: int) -> int:
    """The exit code that a shell gives to a command ended by this signal."""
    return 128 + number


def was_stopped() -> bool:
    """Whether a signal raised Stopped in the present, or the last, `stopped_by_signals`."""
    return bool(_received)


def stop_code() -> int:
    """The exit code of a command that was stopped and tidied up: by the signal that came first, or by Ctrl-C."""
    return _code_of(_received[0] if _received else signal.SIGINT)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Inside the block, SIGTERM and SIGHUP raise Stopped. A signal that is ignored (by `nohup`) stays ignored.

    A terminal that closes often sends SIGHUP twice, once by itself and once by its shell; the second one is ignored.
    """
    _received.clear()
    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) != signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, _stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def environment() -> dict[str, str]:
    """This process's environment without what would change a lesson, and with the folders named in it made absolute.

    A lesson runs in the folder in which it lies, so that a relative folder would be another one there.
    """
    folders = {"COURSE_HOME": settings.user_dir, "COURSE_DATA": settings.data_dir}
    absolute = {name: str(folder().absolute()) for name, folder in folders.items() if os.environ.get(name)}
    return {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON} | absolute | OURS


class Children:
    """The processes that a command started and that have not ended. Several threads may use one object."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and return its exit code and what it printed, read as UTF-8.

        An exception in this thread ends the command and every process that it started. Raises Stopped when `end` was called
        before or in the meantime.
        """
        pipe = subprocess.PIPE
        with self._lock:
            if self._closed:
                raise Stopped(signal.SIGTERM)
            process = subprocess.Popen(
                command, stdout=pipe, stderr=pipe, env=environment, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL
            )
            self._running.add(process)
        try:
            printed, complaint = process.communicate()
        except BaseException:
            end(process.pid)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if self._closed:
            raise Stopped(signal.SIGTERM)
        return subprocess.CompletedProcess(process.args, process.returncode, printed, complaint)

    def end(self) -> None:
        """End every process that is running, and let no other begin."""
        with self._lock:
            self._closed = True
            running = [process.pid for process in self._running]
        end(*running)


def end(*processes: int) -> None:
    """End processes and all that descend from them: ask first, kill what has not ended after PATIENCE seconds.

    A notebook's kernel leads a process group of its own, so a signal to the group of its parent does not reach it. A second
    Ctrl-C in the meantime kills at once.
    """
    import psutil  # here, since most commands end no process and answer sooner without it

    alive = family = [member for process in processes for member in _family(process)]
    try:
        for member in family:
            with suppress(psutil.NoSuchProcess):  # it may have ended by itself
                member.terminate()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    finally:
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=PATIENCE)


def _family(process: int) -> list[psutil.Process]:
    """A process and all that descend from it; none where it has ended."""
    import psutil

    try:
        parent = psutil.Process(process)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    if number == getattr(signal, "SIGHUP", None):
        signal.signal(number, signal.SIG_IGN)
    _received.append(number)
    raise Stopped(number)
