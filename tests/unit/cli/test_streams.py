"""Printed text reaches every terminal and file, whatever its encoding."""

import os
import subprocess
import sys

import pytest

PRINTED = """
import sys
from course_lib.cli import streams
streams.accept_every_sign()
print('\\u2713 \\xe9 \\u2260 \\u03a8 \\u2026')
print('\\u2717', file=sys.stderr)
"""
COMMAND = """
import sys
from course_lib.cli import command
command._list = lambda asked: print('\\u2713') or 0
sys.exit(command.main(['list']))
"""


def spoken(code: str, encoding: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False, encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "printed", "complaint"),
    [("utf-8", "✓ é ≠ Ψ …", "✗"), ("cp1252", "ok é != ? …", "WRONG"), ("ascii", "ok e != ? ...", "WRONG")],
)
def test_a_sign_that_the_encoding_lacks_has_a_stand_in(encoding, printed, complaint):
    ended = spoken(PRINTED, encoding)
    assert (ended.stdout.strip(), ended.stderr.strip()) == (printed, complaint)


def test_the_command_reports_in_any_encoding():
    ended = spoken(COMMAND, "cp1252")
    assert (ended.returncode, ended.stdout.strip()) == (0, "ok")
