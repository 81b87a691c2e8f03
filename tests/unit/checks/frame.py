"""What the tests of every lesson's checks have in common: a class of tests from right answers and from slips with their hints."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest


def _named(value: Any) -> str | None:
    return getattr(value, "__name__", None)


def frame(check: ModuleType, right: dict[Callable, Callable], slips: Sequence[tuple[Callable, Callable, str]]) -> type:
    """Tests of the module `check`: each exercise of it by a right answer, untried, raising, and by every slip.

    Args:
        right: exercise -> an answer that is right, written another way than the check's own.
        slips: (exercise, a wrong answer, words of the hint that it must get).
    """

    class Frame:
        def test_every_exercise_is_listed_and_answered(self):
            assert sorted(check.EXERCISES) == sorted(exercise(None, record=False).exercise for exercise in right)

        @pytest.mark.parametrize("exercise", right, ids=_named)
        def test_the_right_answer(self, exercise):
            assert exercise(right[exercise], record=False).status == "right"

        @pytest.mark.parametrize("exercise", right, ids=_named)
        @pytest.mark.parametrize("blank", [None, ..., lambda *case: None], ids=["None", "dots", "returns None"])
        def test_not_tried(self, exercise, blank):
            assert exercise(blank, record=False).status == "not tried"

        @pytest.mark.parametrize("exercise", right, ids=_named)
        def test_an_error_is_shown_with_the_students_own_line(self, exercise):
            def broken(*case):
                return case[99]

            verdict = exercise(broken, record=False)
            assert verdict.status == "raised"
            assert "return case[99]" in verdict.text
            assert "return case[99]" in str(verdict)

        @pytest.mark.parametrize(
            ("exercise", "attempt", "words"), slips, ids=[f"{exercise.__name__}, {words}" for exercise, _, words in slips]
        )
        def test_each_slip_gets_its_own_hint(self, exercise, attempt, words):
            verdict = exercise(attempt, record=False)
            assert verdict.status == "wrong"
            assert words in verdict.hint

    return Frame
