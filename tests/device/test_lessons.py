"""Every lesson runs from top to bottom in the smoke budget on a machine whose course uses a CUDA device."""

import os
from pathlib import Path

import pretend_cuda
import pytest

from course_lib.cli import running
from course_lib.cli.lessons import lessons

MISSING = pretend_cuda.missing()


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")
@pytest.mark.parametrize("lesson", lessons(), ids=str)
def test_lesson_runs_on_the_device(lesson, tmp_path, monkeypatch):
    kernels = str(Path(__file__).parent / "kernels")  # with PRETEND_CUDA=1 each kernel that starts has the pretended device
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [kernels, os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    outcome = running.run_one(lesson, "smoke", tmp_path, jobs=2)
    assert outcome.trouble is None, running.line(outcome)
