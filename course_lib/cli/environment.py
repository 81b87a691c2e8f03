"""Make .venv ready: create, install, heal; or see within seconds that it is. Run as a script, with nothing installed.

    python3 course_lib/cli/environment.py

A stamp in .venv names what was installed, from which files, where. With the right stamp and every installed file in its
place nothing is done, and no network is needed. The wrong stamp installs again on top; anything broken is built anew.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
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
            remove(venv)
            print(f"creating .venv with Python {sys.version_info[0]}.{sys.version_info[1]}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        elif stamped is not None:
            os.unlink(stamp)
        print("installing, once: a minute or two, and longer where torch brings the libraries of a GPU", flush=True)
        install(root, venv)
    except subprocess.CalledProcessError as error:
        print(failure(error))
        return 1
    broken = trouble(venv)
    if broken:
        remove(venv)
        print(f"the installation did not come out whole ({broken}); .venv was removed: run the same command again")
        return 1
    with open(stamp, "w") as file:
        file.write(wanted)
    return 0


def refusal(version):
    """What a Python that is too old is told, with a newer one that is here, if any."""
    newer = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    mend = f"here is one: make lab PYTHON={newer[0]}" if newer else "install one, then: make lab PYTHON=python3.12"
    have, need = (".".join(map(str, numbers[:2])) for numbers in (version, OLDEST))
    return f"this course needs Python {need} or newer; {sys.executable} is {have}. Mend: {mend}"


def failure(error):
    """What to do about a step that failed."""
    if "venv" in error.cmd:
        return "no environment could be created; on Debian and Ubuntu: apt-get install python3-venv"
    return "the installation failed (above); it needs the network this once. Then run the same command again"


def fingerprint(root):
    """What the environment is made from: both lists of packages, the Python, the place."""
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
    """Whether the environment has an interpreter of this very version, and pip."""
    code = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return os.path.exists(python_of(venv)) and subprocess.run([python_of(venv), "-c", code], capture_output=True).returncode == 0


def trouble(venv):
    """What is wrong with the environment, in a line; None when every file is there and the key packages import."""
    if not os.path.exists(python_of(venv)):
        return "it has no Python"
    found = subprocess.run([python_of(venv), "-I", "-c", CHECK], capture_output=True, text=True)
    return (found.stderr.strip().splitlines() or ["its Python does not run"])[-1] if found.returncode else None


def install(root, venv):
    """Install this project and everything it needs, at the versions in constraints.txt."""
    command = [python_of(venv), "-m", "pip", "install", "--disable-pip-version-check", "-c", "constraints.txt", "-e", ".[test]"]
    subprocess.run(command + ([] if sys.stdout.isatty() else ["--quiet"]), check=True, cwd=root)


def remove(venv):
    """Remove the environment, whatever state it is in."""
    if os.path.islink(venv):
        os.unlink(venv)
    elif os.path.isdir(venv):
        shutil.rmtree(venv)


def read(path):
    """The text of a file, None when there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
