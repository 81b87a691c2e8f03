"""What the user's machine says elsewhere changes nothing: languages, settings of Python and matplotlib, missing folders."""

import os
import subprocess
import sys
import textwrap

import pytest

from course_lib.cli import shadows

LIST = "import sys; from course_lib.cli import main; sys.exit(main(['list']))"
DRAW = """
import sys
from course_lib.cli import main
code = main(["list"])
from course_lib import plots
plots.figure("a title").axes[0].plot([1, 2])
sys.exit(code)
"""
ODD = {
    "plain ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX, ASCII streams": {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
    "Turkish, where i is no capital I": {"LC_ALL": "tr_TR.UTF-8"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "no such time zone": {"TZ": "Nowhere/Odd"},
    "no home": {"HOME": None, "COURSE_HOME": None},
    "no folder for temporary files": {"TMPDIR": "/nowhere", "TEMP": "/nowhere", "TMP": "/nowhere"},
}


def run(program, changes, **how):
    variables = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
    for name in (name for name, value in changes.items() if value is None):
        variables.pop(name, None)
    return subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, check=False, **how)


@pytest.mark.parametrize("what", ODD)
def test_the_list_is_the_same(what, tmp_path):
    usual = run(LIST, {"COURSE_HOME": str(tmp_path)})
    odd = run(LIST, {"COURSE_HOME": str(tmp_path), **ODD[what]})
    assert (odd.returncode, odd.stderr) == (0, b"")
    assert len(odd.stdout.split(b"\n")) == len(usual.stdout.split(b"\n"))


@pytest.mark.parametrize(
    "changes", [{"MPLBACKEND": "nonsense"}, {"MPLBACKEND": "TkAgg"}, {"MATPLOTLIBRC": "{folder}"}], ids=lambda one: str(one)
)
def test_matplotlib_draws_whatever_the_user_set(changes, tmp_path):
    (tmp_path / "matplotlibrc").write_text("backend: nonsense\ntext.usetex: True\nfigure.dpi: 5\nno.such.key: 3\n")
    done = run(DRAW, {"COURSE_HOME": str(tmp_path), **{name: value.format(folder=tmp_path) for name, value in changes.items()}})
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("name", ["random", "email", "calendar", "types_of_my_own"])
def test_the_doctor_names_what_hides_a_module_of_python(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('another module')\n")
    (tmp_path / "notes.txt").write_text("no module")
    program = "import sys; from course_lib.cli import shadows; print(*shadows.hidden(), sep='\\n')"
    if name == "random":  # the doctor itself met this one, and ended with a traceback
        program = "import sys; from course_lib.cli import main; sys.exit(main(['doctor']))"
    done = run(program, {"PYTHONPATH": os.pathsep.join([str(tmp_path), "/nowhere"])}, text=True)
    said = done.stdout + done.stderr
    expected = f"{tmp_path / name} hides Python's own module {name}; fix: unset PYTHONPATH"
    assert "Traceback" not in said
    assert (expected in said) == (name != "types_of_my_own")
    assert done.returncode == (name == "random")


@pytest.mark.parametrize("name", ["random", "code", "statistics"])
def test_a_folder_that_hides_a_module_of_python_is_left_out(name, tmp_path):
    hiding, other = tmp_path / "hiding", tmp_path / "other"
    for folder in (hiding, other):
        folder.mkdir()
    (hiding / f"{name}.py").write_text("raise RuntimeError('another module')\n")
    program = """
        import importlib, sys
        from course_lib.cli import children, main
        code = main(["list"])
        from course_lib.cli import running
        importlib.import_module({name!r})
        print(children.environment().get("PYTHONPATH"))
        sys.exit(code)
    """
    program = textwrap.dedent(program.format(name=name))
    path = os.pathsep.join([str(hiding), str(other)])
    done = run(program, {"PYTHONPATH": path, "COURSE_HOME": str(tmp_path)}, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(other)
    assert done.stderr == (
        f"course: {hiding / name}.py hides Python's own module {name}; fix: unset PYTHONPATH (its folder is left out for now)\n"
    )


def test_the_folder_of_pythons_own_library_hides_nothing(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.__file__))
    before = list(sys.path)
    assert shadows.leave_out() == []
    assert sys.path == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen on Linux")
def test_one_core_is_enough():
    one = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from course_lib.machine import cores; print(cores())"
    )
    assert run(one, {}, text=True).stdout == "1\n"
