"""Grading: run a student's answer on small cases beside the truth, and say in one line what came of it.

    from course_lib.checks.report import Slip, grade, grade_samples

A lesson's module, checks/lesson_NN.py, declares `EXERCISES = {"NN.1": "a few words", …}` and has one well-named function per
exercise, which ends in `return grade(…)`. Nothing here raises for what a student wrote, so that Run All goes on.
"""

from __future__ import annotations

import inspect
import linecache
import math
import os
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from course_lib.checks import sampling
from course_lib.checks.answers import Difference, as_tensor, difference, fresh, shown, untried
from course_lib.checks.limits import TimeUp, kernel_stays, settings_stay, time_limit
from course_lib.checks.progress import Progress, keep, progress
from course_lib.checks.verdict import Slip, Verdict, hint_for

__all__ = ["Progress", "Slip", "Verdict", "grade", "grade_samples", "progress"]

_LONGEST = 60.0  # seconds that a student's function may take for one case
_NOT_ME = (os.path.dirname(os.path.dirname(__file__)), *(sysconfig.get_path(p) for p in ("stdlib", "purelib", "platlib")))
_ANYWHERE = (
    Slip(lambda t: -as_tensor(t), "the sign is turned around."),
    Slip(lambda t: as_tensor(t).double().exp(), "that is exp of the right answer: is a log missing?"),
    Slip(lambda t: as_tensor(t).double().log(), "that is the log of the right answer: is there a log too many?"),
    Slip(lambda t: as_tensor(t).double() / math.log(2), "that is in bits; the course counts in nats."),
)


class _Found(Exception):
    """Carries a verdict's status, text and hint from deep inside the grading to its caller."""


def grade(
    exercise: str,
    attempt: Any,
    truth: Any,
    cases: Sequence[Any] = (),
    slips: Sequence[Slip] = (),
    *,
    probe: Callable[[Callable], Callable] = lambda function: function,
    tolerance: float = 1e-4,
    record: bool = True,
) -> Verdict:
    """Compare an attempt with the truth on small cases. Never raises.

    Args:
        exercise: its id, such as "07.1".
        attempt: the student's function, or a tensor, a number, a string, a list. None or `...` is "not tried".
        truth: a function that gives the right answer from a case's arguments, or the answer itself. An answer of several
            parts is a tuple of tensors.
        cases: argument tuples (or single arguments). Every call gets its own copies and the same global seed.
        slips: likely mistakes, the likeliest first. The first one that explains every wrong case is named.
        probe: makes of a function the one whose values are compared, such as its value and its gradient. It is applied to the
            attempt, to the truth and to the slips; the verdict's `answer` stays the function itself.
        tolerance: allowed |answer - truth| / (1 + |truth|).
        record: False leaves the student's progress alone (for the solutions).
    """
    asked, expected = (probe(one) if callable(one) else one for one in (attempt, truth))
    slips = [replace(slip, wrong=probe(slip.wrong)) for slip in slips]
    verdict = _verdict(exercise, record, lambda: _judge(asked, expected, cases, slips, tolerance))
    return replace(verdict, answer=attempt if verdict.status == "right" else truth)


def grade_samples(
    exercise: str,
    attempt: Any,
    *,
    probs: Any = None,
    mean: Any = None,
    cdf: Callable | None = None,
    args: tuple = (),
    n: int = 20_000,
    seed: int = 0,
    slips: Sequence[Slip] = (),
    record: bool = True,
) -> Verdict:
    """Check that a student's sampler, attempt(*args, n, generator), follows a law. Never raises.

    Exactly one law is given, and its shape says what one sample is:
        probs (K,): samples are n integers below K; probs (K1, …, KD): samples are (n, D) integers.
        mean (*event): samples are (n, *event) values in [0, 1] with this mean.
        cdf: of a continuous law on the line; samples are (n,).

    n samples from one seeded generator are compared with the law by Hoeffding's bound (1963, theorem 1) on the frequency of
    every cell; a right sampler fails with probability 1e-6 at most. The same seed must give the same samples, and another
    seed other samples. A slip's `wrong` gives the law that a mistaken sampler follows.
    """
    law = sampling.Law(probs=probs, mean=mean, cdf=cdf)
    return _verdict(exercise, record, lambda: _judge_samples(attempt, law, args, n, seed, slips))


def _verdict(exercise: str, record: bool, judge: Callable[[], None]) -> Verdict:
    try:
        judge()
        status, text, hint = "right", "well done.", ""
    except _Found as found:
        status, text, hint = found.args
    except Exception as error:  # a lesson must go on even when the check itself is faulty
        fault = f"the check itself failed, which is a fault of the course and not yours: {_message(error)}"
        return Verdict(exercise, "raised", fault)
    note = ""
    if record and status != "not tried":
        note = keep(exercise, "right" if status == "right" else "wrong")
    return Verdict(exercise, status, text, hint, note)


def _judge(attempt: Any, truth: Any, cases: Sequence[Any], slips: Sequence[Slip], tolerance: float) -> None:
    if untried(attempt):
        raise _Found("not tried", "give your answer above, then run this cell again.", "")
    cases = [case if isinstance(case, tuple) else (case,) for case in cases] or [()]
    if not callable(attempt) and len(cases) > 1:
        raise _Found(
            "wrong", f"a function was expected, got {shown(attempt)}.", "hand over the function's name, without calling it."
        )
    answers, truths = [], []
    for place, case in enumerate(cases, 1):
        truths.append(_call(truth, case) if callable(truth) else truth)
        answers.append(_ask(attempt, case, _named(attempt, case, place, len(cases))) if callable(attempt) else attempt)
    blank = [untried(answer) for answer in answers]
    if all(blank):
        raise _Found("not tried", "your function returns nothing yet; when it is written, end it with `return`.", "")
    wrong: list[int] = []
    first: Difference | None = None
    for place, (answer, expected) in enumerate(zip(answers, truths, strict=True)):
        found = Difference("your function returns nothing.", "is a `return` missing on one branch?") if blank[place] else None
        found = found or difference(answer, expected, tolerance)
        if found:
            wrong.append(place)
            first = first or found
    if first is None:
        return
    hint = _slip(slips, [(answers[i], cases[i]) for i in wrong], tolerance) or first.hint
    hint = hint or _slip(_ANYWHERE, [(answers[i], (truths[i],)) for i in wrong], tolerance)
    where = _named(attempt, cases[wrong[0]], wrong[0] + 1, len(cases)) if callable(attempt) else ""
    raise _Found("wrong", f"{where}{first.text}", hint)


def _slip(slips: Sequence[Slip], failed: list[tuple[Any, tuple]], tolerance: float) -> str:
    """The hint of the first slip that explains every failed case, or ""."""
    for slip in slips:
        try:
            if all(difference(answer, _call(slip.wrong, case), tolerance) is None for answer, case in failed):
                return slip.hint
        except Exception:  # a slip that is not defined for a case explains nothing
            continue
    return ""


def _judge_samples(attempt: Any, law: sampling.Law, args: tuple, n: int, seed: int, slips: Sequence[Slip]) -> None:
    if untried(attempt):
        raise _Found("not tried", "give your sampler above, then run this cell again.", "")
    if not callable(attempt):
        raise _Found(
            "wrong", f"a function was expected, got {shown(attempt)}.", "hand over the function's name, without calling it."
        )

    def draw(count: int, seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        return _ask(attempt, (*args, count, generator), f"with n = {count}: ")

    drawn = draw(n, seed)
    if untried(drawn):
        raise _Found("not tried", "your sampler returns nothing yet; when it is written, end it with `return`.", "")
    fault = law.misfit(drawn, n)
    if fault is None:
        few = min(n, 1000)
        again = [as_tensor(draw(few, s)) for s in (seed, seed, seed + 1)]
        blind = torch.equal(again[0], again[2]) and bool((again[0] != again[0][:1]).any())  # a law with one outcome repeats it
        if blind or not torch.equal(again[0], again[1]):
            hint = "draw all noise with the generator you are given: torch.rand(…, generator=generator)."
            raise _Found("wrong", "the samples do not depend on the generator's seed as they should.", hint)
        return
    hint = next((slip.hint for slip in slips if law.replaced(slip.wrong()).misfit(drawn, n) is None), fault.hint)
    raise _Found("wrong", f"{fault.text} (false alarm: at most 1 in a million.)", hint)


def _call(function: Callable, case: tuple) -> Any:
    """The function's value on copies of the arguments. The global seed is 0 meanwhile, and put back afterwards."""
    with _seeded():
        return function(*fresh(case))


@contextmanager
def _seeded() -> Iterator[None]:
    """torch's global generators, on the CPU and on the GPUs in use, begin at seed 0 inside and are put back afterwards."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(0)
        if devices:
            torch.cuda.manual_seed_all(0)
        yield


def _ask(attempt: Callable, case: tuple, where: str) -> Any:
    """The student's answer; what the student's code raises becomes a verdict that shows the line."""
    try:
        with time_limit(_LONGEST), kernel_stays(), settings_stay():
            return _call(attempt, case)
    except TimeUp as error:
        hint = "a loop may never end; print what it counts with, or try a smaller case."
        said = f"{where}no answer after {_LONGEST:g} seconds{_own_line(error, attempt, len(case))}"
        raise _Found("raised", said, hint) from error
    except NotImplementedError as error:
        raise _Found("not tried", "your function raises NotImplementedError; write its body.", "") from error
    except KeyboardInterrupt:  # the stop button
        raise
    except BaseException as error:  # a student may raise GeneratorExit, or a class of their own
        said = f"{where}{_message(error)}{_own_line(error, attempt, len(case))}"
        raise _Found("raised", said, hint_for(error)) from error


def _message(error: BaseException) -> str:
    """The error's kind and the first line of its words."""
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0][:200]}" if words else type(error).__name__


def _own_line(error: BaseException, attempt: Callable, count: int) -> str:
    """Where the error came up in the student's own code: the deepest line outside this library and all others."""
    deep = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen ")]
    frames = [f for f in deep if not os.path.abspath(f.filename).startswith(_NOT_ME)]
    if frames:
        line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()
        return f" — in your line {frames[-1].lineno}: {line}" if line else f" — in your line {frames[-1].lineno}"
    try:
        return f" — your function takes {inspect.signature(attempt)}, and is called with {count} arguments"
    except (TypeError, ValueError):
        return ""


def _named(attempt: Any, case: tuple, place: int, count: int) -> str:
    """ "case 2 of 3, x = [0, 1]: " by the student's own names."""
    if not case:
        return ""
    try:
        names = list(inspect.signature(attempt).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"argument {i + 1}" for i in range(len(names), len(case))]
    given = [shown(value).removesuffix(" that was not called") for value in case]
    arguments = ", ".join(f"{name} = {value}" for name, value in zip(names, given, strict=False))
    return f"{f'case {place} of {count}, ' if count > 1 else 'with '}{arguments}: "
