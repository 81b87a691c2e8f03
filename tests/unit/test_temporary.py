"""A machine without a folder for temporary files: torch trains all the same, and commands that copy work."""

import os
import subprocess
import sys

import pytest

# The system's folders, /tmp and the like, can be written by whoever runs the tests: here they are looked at no more.
ALONE = "import os, tempfile; tempfile._candidate_tempdir_list = lambda: [os.environ.get('TMPDIR', '/nowhere')]\n"
TRAIN = """
import torch
from course_lib.datasets import Batches
from course_lib.models.autoregressive import NADE
from course_lib.training import GradientStep, fit
print(len(fit(GradientStep(NADE(event_shape=(4,), hidden=3)), Batches(torch.ones(8, 4), 4), 1)))
"""
STAGE = """
import sys
from course_lib.cli import lab, main
lab.wait = lambda words: print("staged", os.environ["TMPDIR"] in str(words)) or 0
sys.exit(main(["present", "00"]))
"""
DOCTOR = """
from course_lib.cli import first_look
print([(one.status, one.fix) for one in first_look.found_by([first_look._temporary])])
"""


def ended(program, home):
    settings = {**os.environ, "COURSE_HOME": str(home), "TMPDIR": "/nowhere", "COURSE_QUIET": "1"}
    return subprocess.run([sys.executable, "-c", ALONE + program], env=settings, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("program", "said"), [(TRAIN, "1"), (STAGE, "staged True"), (DOCTOR, "[]")])
def test_the_users_own_folder_takes_temporary_files(program, said, tmp_path):
    done = ended(program, tmp_path / "home")
    assert done.stdout.splitlines()[-1:] == [said], done.stderr
    assert (tmp_path / "home" / "tmp").is_dir()


def test_where_that_cannot_be_written_either_the_doctor_names_it_and_the_library_imports(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = ended(f"import course_lib.training\n{DOCTOR}", tmp_path / "file" / "home")
    assert "('wrong', 'set TMPDIR to a folder of yours that can be written')" in done.stdout, done.stderr


def test_a_folder_of_the_system_is_left_as_it_is(tmp_path):
    settings = {**os.environ, "COURSE_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", "import os, course_lib.runtime; print(os.environ['TMPDIR'])"]
    assert subprocess.run(words, env=settings, capture_output=True, text=True, check=True).stdout.strip() == str(tmp_path)
    assert not (tmp_path / "home").exists()
