"""Binder and hubs: repo2docker understands the clone, and installs this project from its environment.yml."""

import shutil
import subprocess
import sys

import pytest

from course_lib.cli.lessons import ROOT

pytest.importorskip("repo2docker", reason="the dry run needs repo2docker: pip install jupyter-repo2docker")


def test_a_dry_run_copies_the_clone_and_then_installs_from_environment_yml(tmp_path):
    for name in ("environment.yml", "pyproject.toml", "constraints.txt", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    words = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    copied, installed = said.index("COPY --chown=0:0 src/"), said.index('--file "environment.yml"')
    assert copied < installed, "environment.yml installs the clone itself, so the clone must be there before"
