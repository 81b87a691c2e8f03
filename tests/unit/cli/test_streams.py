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


SURROUNDINGS = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONUTF8": "1"},
}


def test_the_list_says_the_same_in_every_locale(tmp_path):
    code = "import sys; from course_lib.cli import main; sys.exit(main(['list']))"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO", "PYTHONUTF8"))}
    said = {}
    for name, surroundings in SURROUNDINGS.items():
        environment = {**plain, **surroundings, "COURSE_HOME": str(tmp_path)}
        ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr.decode(errors="replace")
        said[name] = ended.stdout.decode("utf-8" if name == "Turkish" else "ascii")
    assert said["C"] == said["ascii"]
    letters = {name: "".join(sign for sign in text if sign.isascii() and sign.isdigit()) for name, text in said.items()}
    assert letters["ascii"] == letters["Turkish"], "the numbers are the same in every locale"
    assert len(said["ascii"].splitlines()) == len(said["Turkish"].splitlines()) > 30
