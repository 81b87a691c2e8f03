"""Every lesson runs from top to bottom in the smoke budget, by the command that a reader would use.

The lessons run on a CUDA device where there is one or PRETEND_CUDA=1 pretends one, and on the CPU elsewhere. On the CPU the
tests in a browser run all lessons in this budget too.
"""

import os
from pathlib import Path

import pretend_cuda
import pytest

from course_lib.cli import running
from course_lib.cli.lessons import lessons

KERNELS = Path(pretend_cuda.__file__).with_name("kernels")


@pytest.fixture
def best_device(monkeypatch):
    """Each kernel that starts has the CUDA device, if there is one."""
    if not pretend_cuda.missing():
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(KERNELS), os.environ.get("PYTHONPATH")])))
        monkeypatch.setenv("COURSE_DEVICE", "cuda")


@pytest.mark.usefixtures("best_device")
@pytest.mark.parametrize("lesson", lessons(), ids=str)
def test_lesson_runs_in_the_smoke_budget(lesson, tmp_path):
    outcome = running.run_one(lesson, "smoke", tmp_path, jobs=2)
    assert outcome.trouble is None, running.line(outcome)
    assert outcome.seconds < 240
