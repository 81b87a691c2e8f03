"""A student's answer that never ends, ends the program, or changes what others need: the lesson goes on."""

import signal
import sys
import threading
import time
import types

import pytest
import torch

from course_lib.checks import report
from course_lib.checks.limits import TimeUp, time_limit


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(report, "_LONGEST", 0.3)


def check(attempt):
    return report.grade("99.1", attempt, lambda x: 2 * x, [torch.ones(2)], record=False)


def for_ever(x):
    while True:  # my loop
        x = x + 0


def asleep(x):
    time.sleep(60)  # my sleep


def deaf(x):
    for _ in range(3):
        try:
            while True:
                x = x + 0
        except BaseException:  # a student may write so
            pass
    return x


@pytest.mark.parametrize("attempt", [for_ever, asleep])
def test_an_answer_that_never_ends_is_stopped_and_its_line_is_named(attempt):
    began = time.monotonic()
    verdict = check(attempt)
    assert verdict.status == "raised"
    assert "no answer after 0.3 seconds" in verdict.text
    assert any(line in verdict.text for line in ("my sleep", "x = x + 0", "my loop"))
    assert "a loop may never end" in verdict.hint
    assert time.monotonic() - began < 20


def test_an_answer_that_never_ends_is_stopped_where_the_program_ignores_interrupts():
    """As in a program that a shell starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert check(for_ever).status == "raised"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_answer_that_catches_everything_is_stopped_all_the_same():
    assert check(deaf).status in ("raised", "wrong")


def test_the_stop_button_still_stops_and_the_handler_of_before_is_back():
    before = signal.getsignal(signal.SIGINT)

    def pressed(x):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        check(pressed)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_answer_in_time_is_right_and_nothing_is_left_behind():
    threads = threading.active_count()
    for _ in range(3):
        assert check(lambda x: 2 * x).status == "right"
    time.sleep(0.5)
    assert threading.active_count() == threads


def test_in_another_thread_there_is_no_limit_and_no_error():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(lambda x: 2 * x).status))
    thread.start()
    thread.join()
    assert found == ["right"]


def test_time_is_up_is_no_exception_that_a_student_catches():
    def asleep():
        with time_limit(0.2):
            try:
                time.sleep(30)
            except Exception:
                pytest.fail("caught")

    with pytest.raises(TimeUp):
        asleep()


def test_exit_in_a_notebook_does_not_end_the_kernel(monkeypatch):
    class Shell:
        ended = False

        def ask_exit(self):
            self.ended = True

    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    verdict = check(lambda x: shell.ask_exit())  # what IPython's own exit() calls
    assert (verdict.status, shell.ended) == ("raised", False)
    assert "SystemExit" in verdict.text
    shell.ask_exit()
    assert shell.ended, "the student may still end the kernel by hand"


def test_settings_of_torch_are_put_back():
    def careless(x):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return 2 * x

    assert check(careless).status == "right"
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


def test_an_answer_that_changes_its_input_changes_its_own_copy():
    case = torch.ones(2)
    assert report.grade("99.1", lambda x: x.mul_(2), lambda x: 2 * x, [case], record=False).status == "right"
    assert torch.equal(case, torch.ones(2))
