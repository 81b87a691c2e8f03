"""Make .venv ready: create it, install into it, repair it; or see within seconds that it is ready.

This file is run as a script, before anything is installed:

    python3 course_lib/cli/environment.py

A stamp in .venv says what was installed, from which files and where. With the right stamp and every installed file in its
place, nothing is done and no network is needed. With another stamp, everything is installed again on top. A broken
environment is built anew.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The user's shell or pip.conf may tell pip to install elsewhere, or not at all. These undo it: an empty variable counts as unset,
# and an empty option overrides pip.conf. The package index, proxy and certificates stay as the user set them.
PIP_SETTINGS = {
    **{"PIP_USER": "0", "PIP_DRY_RUN": "0", "PIP_NO_DEPS": "0", "PIP_PREFIX": "", "PIP_ROOT": ""},
    **{"PIP_REQUIRE_HASHES": "0", "PIP_NO_BINARY": ":none:", "PIP_NO_BUILD_ISOLATION": "", "PIP_PYTHON": ""},
}
PIP_OPTIONS = ["--target="]
CHECK = """
import csv, importlib.metadata, os, sys
for package in importlib.metadata.distributions():
    place = str(package.locate_file(""))
    for file, *_ in csv.reader((package.read_text("RECORD") or "").splitlines()):
        if not file.endswith(".pyc") and not os.path.exists(os.path.join(place, file)):
            sys.exit(package.metadata["Name"] + " lacks " + file)
import course_lib, torch, numpy, matplotlib, jupyterlab, ipywidgets, anywidget, pytest
"""


def main(root=ROOT):
    """Make the environment of the clone at `root` ready; return an exit code, 0 when it is."""
    if sys.version_info < OLDEST:
        print(refusal(sys.version_info))
        return 1
    venv = os.path.join(root, ".venv")
    stamp, wanted = os.path.join(venv, "installed"), fingerprint(root)
    stamped = read(stamp)
    broken = trouble(venv) if stamped is not None else None
    if stamped == wanted and not broken:
        return 0
    if broken:
        print(f"the environment is broken ({broken}): building it anew")
    try:
        if broken or not can_run(venv):
            if stamped is None and not may_be_replaced(venv):
                print(f"{venv} is there and is not a Python environment; it is left alone. Fix: rename it, then run this again")
                return 1
            remove(venv)
            print(f"creating .venv with Python {sys.version_info[0]}.{sys.version_info[1]}", flush=True)
            create(venv)
        elif stamped is not None:
            os.unlink(stamp)
        print("installing once: this takes a minute or two, and longer where torch brings the libraries for a GPU", flush=True)
        install(root, venv)
    except subprocess.CalledProcessError as error:
        print(failure(error))
        return 1
    broken = trouble(venv)
    if broken:
        remove(venv)
        print(f"the installation is incomplete ({broken}); .venv was removed. Fix: run the same command again")
        return 1
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return 0


def refusal(version):
    """The message for a Python that is too old; it names a newer one when this machine has one."""
    newer = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    fix = f"this machine has one: make lab PYTHON={newer[0]}" if newer else "install one, then: make lab PYTHON=python3.12"
    have, need = (".".join(map(str, numbers[:2])) for numbers in (version, OLDEST))
    return f"this course needs Python {need} or newer; {sys.executable} is {have}. Fix: {fix}"


def failure(error):
    """What to do about a command that failed."""
    if "venv" in error.cmd:
        return "no environment could be created. Fix, on Debian and Ubuntu: apt-get install python3-venv"
    return "the installation failed (see above). It needs the network this once. Fix: run the same command again"


def fingerprint(root):
    """A checksum of what the environment is made from: both lists of packages, the version of Python, the folder."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(root, name), "rb") as file:
            digest.update(file.read())
    digest.update(repr((sys.version_info[:2], os.path.realpath(root))).encode())
    return digest.hexdigest()


def python_of(venv):
    """The interpreter of an environment."""
    return os.path.join(venv, *(("Scripts", "python.exe") if sysconfig.get_platform().startswith("win") else ("bin", "python")))


def can_run(venv):
    """Whether the environment has an interpreter of this version, and pip."""
    code = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    command = [python_of(venv), "-I", "-c", code]
    return os.path.exists(python_of(venv)) and subprocess.run(command, capture_output=True).returncode == 0


def trouble(venv):
    """What is wrong with the environment, in one line; None when every file is there and the main packages import."""
    if not os.path.exists(python_of(venv)):
        return "it has no Python"
    command = [python_of(venv), "-I", "-c", CHECK]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    return (found.stderr.strip().splitlines() or ["its Python does not run"])[-1] if found.returncode else None


def create(venv, *options):
    """Create an environment without packages. -I: whatever PYTHONPATH holds."""
    run([sys.executable, "-I", "-m", "venv", *options, venv])


def install(root, venv):
    """Install this project and everything it needs, at the versions in constraints.txt."""
    command = [python_of(venv), "-I", "-m", "pip", "install", *PIP_OPTIONS]
    command += ["--disable-pip-version-check", "-c", "constraints.txt", "-e", ".[test]"]
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    run(command + quiet, cwd=root, env={**os.environ, **PIP_SETTINGS})


def run(command, **options):
    """Run a command that prints for itself, and end it when this script is ended. CalledProcessError when it fails."""
    with subprocess.Popen(command, **options) as process:
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    if code:
        raise subprocess.CalledProcessError(code, command)


def may_be_replaced(venv):
    """Whether nothing but an environment would be lost: the folder is absent, empty, a link, or an environment itself."""
    if os.path.isfile(venv):
        return False
    return not os.path.isdir(venv) or os.path.islink(venv) or not os.listdir(venv) or "pyvenv.cfg" in os.listdir(venv)


def remove(venv):
    """Remove the environment, in whatever state it is."""
    if os.path.islink(venv):
        os.unlink(venv)
    elif os.path.isdir(venv):
        shutil.rmtree(venv)


def read(path):
    """The text of a file; None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def stop(number, frame):
    """The handler of signals that end this script: leave by an exception, so that commands in progress are ended."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            signal.signal(getattr(signal, name), stop)
    sys.exit(main())
