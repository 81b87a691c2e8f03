"""Every lesson runs from top to bottom in the smoke budget, by the command that a reader would use."""

import pytest

from course_lib.cli import running
from course_lib.cli.lessons import lessons


@pytest.mark.parametrize("lesson", lessons(), ids=str)
def test_lesson_runs_in_the_smoke_budget(lesson, tmp_path):
    outcome = running.run_one(lesson, "smoke", tmp_path, jobs=2)
    assert outcome.trouble is None, running.line(outcome)
    assert outcome.seconds < 120
