"""The lists of packages agree; the environment is made, recognised and healed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_lib.cli import environment
from course_lib.cli.lessons import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def direct() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(text) for text in (*PROJECT["dependencies"], *(text for extra in extras for text in extra))]


def test_constraints_hold_a_version_of_every_direct_dependency_that_is_allowed():
    pins = [Requirement(line) for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    for requirement in direct():
        versions = [next(iter(pin.specifier)).version for pin in pins if pin.name == requirement.name.lower()]
        assert versions, f"{requirement.name} is not in constraints.txt"
        assert all(requirement.specifier.contains(version) for version in versions)


def test_constraints_are_portable():
    assert not re.search(r"://|--hash|\+cpu|--(extra-)?index|find-links|^-", CONSTRAINTS, re.MULTILINE)
    assert "sys_platform == 'win32'" in CONSTRAINTS
    assert "sys_platform == 'darwin'" in CONSTRAINTS


def test_conda_file_installs_this_very_project():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = conda["dependencies"]
    assert pip == "pip"
    assert through_pip["pip"] == ["-c constraints.txt", "-e .[test]"]
    assert set(PROJECT["optional-dependencies"]) == {"test"}
    asked, allowed = SpecifierSet(python.removeprefix("python")), SpecifierSet(PROJECT["requires-python"])
    tried = [f"3.{minor}" for minor in range(8, 20)]
    chosen = [version for version in tried if version in asked]
    assert chosen == ["3.11", "3.12", "3.13"]
    assert all(version in allowed for version in chosen)


def test_the_oldest_python_is_said_once():
    assert PROJECT["requires-python"] == ">={}.{}".format(*environment.OLDEST)


def test_a_python_that_is_too_old_is_refused_clearly(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert environment.main("nowhere") == 1
    said = capsys.readouterr().out
    assert "needs Python 3.11 or newer" in said
    assert "is 3.9" in said
    assert "PYTHON=" in said


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An environment as `python -m venv` makes it, with pip, which takes several seconds."""
    folder = tmp_path_factory.mktemp("made") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def clone(tmp_path, monkeypatch, made):
    """A clone whose environment stays empty; `done` lists what was asked to be installed. A new one is a copy of `made`."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = []

    def run(command):
        assert command == [sys.executable, "-I", "-m", "venv", str(tmp_path / ".venv")]
        shutil.copytree(made, command[-1], symlinks=True)

    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "install", lambda root, venv: done.append("install"))
    monkeypatch.setattr(environment, "trouble", lambda venv: None if (tmp_path / ".venv/pyvenv.cfg").exists() else "half made")
    return tmp_path, done


def test_second_run_installs_nothing(clone):
    root, done = clone
    assert environment.main(root) == 0
    assert environment.main(root) == 0
    assert done == ["install"]


def test_changed_lists_and_broken_folders_are_installed_again(clone):
    root, done = clone
    environment.main(root)
    (root / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    assert environment.main(root) == 0
    assert len(done) == 2
    (root / ".venv" / "pyvenv.cfg").unlink()
    assert environment.main(root) == 0
    assert len(done) == 3


def test_no_stamp_means_half_made(clone, monkeypatch):
    root, done = clone

    def fail(root, venv):
        raise subprocess.CalledProcessError(1, ["pip"])

    with monkeypatch.context() as patch:
        patch.setattr(environment, "install", fail)
        assert environment.main(root) == 1
    assert not (root / ".venv" / "installed").exists()
    assert environment.main(root) == 0
    assert done == ["install"]


def test_trouble_is_seen_in_an_environment_without_the_packages(tmp_path):
    assert environment.trouble(str(tmp_path)) == "it has no Python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    assert "course_lib" in environment.trouble(str(tmp_path / "v"))
    assert not environment.can_run(str(tmp_path / "v"))  # it has no pip


@pytest.mark.parametrize("by", ["the environment", "pip.conf"])
def test_pip_installs_here_whatever_the_users_settings(tmp_path, monkeypatch, by):
    elsewhere = {"user": "true", "target": str(tmp_path / "t")}
    if by == "pip.conf":
        (tmp_path / "pip.conf").write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in elsewhere.items()), encoding="utf-8")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    else:
        for name, value in {**elsewhere, "prefix": str(tmp_path / "p"), "root": str(tmp_path / "r")}.items():
            monkeypatch.setenv(f"PIP_{name.upper()}", value)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    asked = {}
    monkeypatch.setattr(environment, "run", lambda command, **options: asked.update(options, command=command))
    environment.install(str(tmp_path), str(tmp_path / ".venv"))
    assert asked["env"]["PIP_INDEX_URL"] == "https://mirror.example/simple"
    code = (
        "from pip._internal.commands.install import InstallCommand as Install\n"
        "import sys; given, _ = Install('install', '').parse_args(sys.argv[1:])\n"
        "print(given.use_user_site, [given.target_dir, given.prefix_path, given.root_path], given.index_url)"
    )
    words = [sys.executable, "-I", "-c", code, *asked["command"][asked["command"].index("install") + 1 :]]
    chosen = subprocess.run(words, env=asked["env"], capture_output=True, text=True, check=True)
    assert chosen.stdout.strip() == "0 ['', None, None] https://mirror.example/simple"


@pytest.mark.parametrize(
    ("name", "value", "choice"),
    [
        ("PIP_REQUIRE_HASHES", "1", "require_hashes"),
        ("PIP_NO_BINARY", ":all:", "format_control"),
        ("PIP_PYTHON", "/usr/bin/python3", "python"),
        ("PIP_NO_BUILD_ISOLATION", "0", "build_isolation"),
    ],
)
def test_pip_takes_ready_packages_into_this_python_whatever_the_user_set(name, value, choice, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(environment, "run", lambda command, **options: asked.update(options, command=command))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    code = (
        "from pip._internal.commands.install import InstallCommand as Install\n"
        f"import sys; given, _ = Install('install', '').parse_args(sys.argv[1:]); print(given.{choice})"
    )
    found = []
    for change in (lambda: None, lambda: monkeypatch.setenv(name, value)):
        change()
        environment.install(str(tmp_path), str(tmp_path / ".venv"))
        words = [sys.executable, "-I", "-c", code, *asked["command"][asked["command"].index("install") + 1 :]]
        found.append(subprocess.run(words, env=asked["env"], capture_output=True, text=True, check=True).stdout)
    assert found[0] == found[1]


def test_an_environment_is_created_although_pythonpath_hides_a_module(tmp_path, monkeypatch):
    (tmp_path / "logging.py").write_text("raise RuntimeError('another module')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    environment.create(str(tmp_path / "v"), "--without-pip")
    assert os.path.exists(environment.python_of(str(tmp_path / "v")))


def test_a_folder_that_is_no_environment_is_left_alone(clone, capsys):
    root, done = clone
    (root / ".venv").mkdir()
    (root / ".venv" / "work.txt").write_text("mine", encoding="utf-8")
    assert environment.main(root) == 1
    assert "is not a Python environment" in capsys.readouterr().out
    assert (root / ".venv" / "work.txt").read_text(encoding="utf-8") == "mine"
    assert not done


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_command_in_progress_ends_with_the_script(tmp_path):
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    words = (
        "import signal, sys; from course_lib.cli import environment\n"
        f"signal.signal(signal.SIGTERM, environment.stop); environment.run([sys.executable, '-c', {code!r}])"
    )
    script = subprocess.Popen([sys.executable, "-c", words])
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert script.poll() is None
        time.sleep(0.05)
    script.terminate()
    assert script.wait(timeout=30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
