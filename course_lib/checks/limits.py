"""What a student's function cannot do to the lesson: run for ever, end the kernel, or leave torch's settings changed."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch


class TimeUp(BaseException):
    """The time is over. It is no Exception, so that `except Exception` in a student's code does not catch it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Inside, code in the main thread that runs for longer is stopped by TimeUp; in another thread there is no limit.

    A loop in Python is stopped at once, and a long call into a library when it returns. Code that catches TimeUp is stopped
    again a second later.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:  # None: a handler that Python cannot put back
        yield
        return
    up, done, lock = threading.Event(), threading.Event(), threading.Lock()

    def interrupted(number: int, frame: Any) -> None:
        if not up.is_set():
            if callable(before):  # where the program ignores interrupts, it goes on ignoring them
                before(number, frame)  # the student pressed the stop button
        elif not done.is_set():
            raise TimeUp

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            wait = 1.0
            with lock:
                if not done.is_set():
                    up.set()
                    _interrupt_main()

    watching = threading.Thread(target=watch, daemon=True)
    signal.signal(signal.SIGINT, interrupted)
    try:
        watching.start()
        yield
    finally:
        with lock:
            done.set()
        watching.join()
        if up.is_set():
            time.sleep(0.01)  # an interrupt that is on its way still meets our handler
        signal.signal(signal.SIGINT, before)


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill"):  # it also ends a sleep
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def kernel_stays() -> Iterator[None]:
    """Inside, `exit()` and `quit()` raise SystemExit, as in a script; in a notebook they would otherwise end the kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or "ask_exit" in vars(shell):
        yield
        return
    shell.ask_exit = _leave
    try:
        yield
    finally:
        del shell.ask_exit


def _leave(*_: Any) -> NoReturn:
    raise SystemExit


@contextmanager
def settings_stay() -> Iterator[None]:
    """torch's default type and its recording of gradients are afterwards what they were before."""
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
