"""`course run` loses nobody's work, names the fault, and ends what it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.cli import executed, lessons, main, running
from course_lib.cli.children import Children, Stopped

PARAMETERS = new_code_cell("budget = None", metadata={"tags": ["parameters"]})


def lesson(folder: Path, *cells, name: str = "07_nade") -> lessons.Lesson:
    """A lesson with a heading, the cell of parameters, and these cells: texts of code, or cells."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [cell if isinstance(cell, nbformat.NotebookNode) else new_code_cell(cell) for cell in cells]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# NADE"), PARAMETERS, *made]), folder / f"{name}.ipynb")
    return next(found for found in lessons.lessons(folder) if str(found) == name)


def course(monkeypatch, folder: Path, *words: str) -> int:
    """The exit code of `course` in a clone whose lessons lie in this folder."""
    monkeypatch.setattr("course_lib.cli.command.lessons", lambda: lessons.lessons(folder))
    return main(list(words))


@pytest.mark.parametrize("spelling", ["itself", "dots", "here", "linked folder", "linked file", "hard link"])
def test_a_run_never_replaces_the_lesson_itself(tmp_path, monkeypatch, capsys, spelling):
    folder = tmp_path / "notebooks"
    own = lesson(folder, "1")
    before = own.path.read_bytes()
    out = tmp_path / "out"
    if spelling == "linked folder":
        out.symlink_to(folder)
    elif spelling.endswith(("file", "link")):
        out.mkdir()
        link = (out / own.path.name).symlink_to if spelling == "linked file" else (out / own.path.name).hardlink_to
        link(own.path)
    else:
        monkeypatch.chdir(folder if spelling == "here" else tmp_path)
        out = {"itself": folder, "dots": tmp_path / "notebooks" / ".." / "notebooks", "here": Path()}[spelling]
    assert course(monkeypatch, folder, "run", "all", "--budget", "smoke", "--out", str(out)) == 2
    said = capsys.readouterr().err
    assert "would replace the lesson itself" in said
    assert "--out out" in said
    assert own.path.read_bytes() == before
    with pytest.raises(ValueError, match="would replace the lesson itself"):
        running.run_one(own, "smoke", out)


@pytest.mark.parametrize("out", ["a file", "a file/x"])
def test_what_cannot_be_a_folder_is_refused(tmp_path, monkeypatch, capsys, out):
    (tmp_path / "a file").write_text("kept")
    own = lesson(tmp_path / "notebooks", "1")
    assert course(monkeypatch, own.path.parent, "run", "7", "--out", str(tmp_path / out)) == 2
    assert "cannot be a folder" in capsys.readouterr().err
    assert (tmp_path / "a file").read_text() == "kept"


def test_an_edited_notebook_is_kept_and_an_untouched_one_is_replaced(tmp_path):
    own, out = lesson(tmp_path / "{notebooks}", "1 + 1"), tmp_path / "{out}"
    out.mkdir()
    (out / "07_nade.ipynb").write_text("my answers", encoding="utf-8")
    first = running.run_one(own, "smoke", out)
    assert first.trouble is None
    assert "it is kept as 07_nade.kept-1.ipynb" in running.line(first)
    assert (out / "07_nade.kept-1.ipynb").read_text(encoding="utf-8") == "my answers"
    assert running.run_one(own, "smoke", out).note is None
    assert sorted(path.name for path in out.iterdir()) == ["07_nade.ipynb", "07_nade.kept-1.ipynb"]
    notebook = nbformat.read(out / "07_nade.ipynb", as_version=4)
    notebook.cells[-1].source = "my answer"
    nbformat.write(notebook, out / "07_nade.ipynb")
    nbformat.write(notebook, out / "new.ipynb")
    assert "kept as 07_nade.kept-2.ipynb" in executed.keep(out / "new.ipynb", out / "07_nade.ipynb", failed=False)
    assert "my answer" in (out / "07_nade.kept-2.ipynb").read_text(encoding="utf-8")


def test_what_stood_in_the_folder_stays_until_papermill_has_ended(tmp_path, monkeypatch):
    own, out = lesson(tmp_path / "notebooks", "1"), tmp_path / "out"
    out.mkdir()
    (out / "07_nade.ipynb").write_text("before", encoding="utf-8")

    class Interrupted(Children):
        def run(self, command, environment):
            Path(command[4]).write_text("half written", encoding="utf-8")
            assert (out / "07_nade.ipynb").read_text(encoding="utf-8") == "before"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.run_one(own, "smoke", out, children=Interrupted())
    assert [path.read_text(encoding="utf-8") for path in out.iterdir()] == ["before"]


def test_no_bar_and_no_more_threads_than_the_cores_allowed(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_QUIET")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    expected = "from tqdm import tqdm; import os; assert os.environ['COURSE_QUIET'] == '1'"
    own = lesson(tmp_path, expected, "from course_lib import runtime; list(runtime.progress(range(9), 'bar'))")
    assert running.run_one(own, "smoke", tmp_path / "out").trouble is None
    assert "bar" not in str(nbformat.read(tmp_path / "out" / own.path.name, as_version=4).cells[-1].outputs)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 64
    assert int(running._environment("smoke", jobs=2)["OMP_NUM_THREADS"]) <= max(1, allowed // 2)


@pytest.mark.parametrize(("given", "used"), [("3", "3"), ("2,1", "2,1"), ("", "1"), ("many", "1"), ("0", "1"), ("-3", "1")])
def test_a_number_of_threads_that_cannot_be_does_not_reach_a_lesson(given, used, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    monkeypatch.setattr(running.machine, "cores", lambda: 2)
    assert running._environment("smoke", jobs=2)["OMP_NUM_THREADS"] == used


def test_folders_named_from_where_the_command_was_given_are_the_same_in_a_lesson(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_HOME", "mine")
    monkeypatch.setenv("COURSE_DATA", "files")
    code = f"""from course_lib import runtime
assert str(runtime.user_dir()) == {str(tmp_path / "mine")!r}, runtime.user_dir()
assert str(runtime.data_dir()) == {str(tmp_path / "files")!r}, runtime.data_dir()"""
    assert running.run_one(lesson(tmp_path / "notebooks", code), "smoke", tmp_path / "out").trouble is None


def test_a_kernel_that_dies_is_reported_with_its_cell(tmp_path):
    own = lesson(tmp_path, "1", "import os\nos.kill(os.getpid(), 9)", "2")
    outcome = running.run_one(own, "smoke", tmp_path / "out")
    assert outcome.trouble.startswith("the kernel died in cell 4, most often because memory ran out")
    assert "os.kill" in outcome.trouble


def test_an_error_that_is_meant_is_no_fault(tmp_path):
    meant = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    good, bad = lesson(tmp_path, meant, "2", name="07_nade"), lesson(tmp_path, meant, "[][3]", name="08_made")
    assert running.run_one(good, "smoke", tmp_path / "out").trouble is None
    cells = nbformat.read(tmp_path / "out" / good.path.name, as_version=4).cells
    assert not [cell for cell in cells if "papermill-error-cell-tag" in cell.metadata.get("tags", [])]
    assert running.run_one(bad, "smoke", tmp_path / "out").trouble.startswith("cell 4 raised IndexError")


def test_errors_in_any_alphabet_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    code = r"import sys; sys.stderr.buffer.write(b'\xe2\x89\xa0 \xff')"
    assert Children().run([sys.executable, "-c", code], dict(os.environ)).stderr == "≠ \N{REPLACEMENT CHARACTER}"


ENDLESS = """
import sys
from pathlib import Path
from course_lib.cli import command, lessons
command.lessons = lambda: lessons.lessons(Path(sys.argv[1]))
sys.exit(command.main(["run", "all", "--jobs", "2", "--budget", "smoke", "--out", sys.argv[2]]))
"""


def until(happens, process: subprocess.Popen, seconds: float = 120.0):
    """Wait for `happens()` to be true, and return what it says; fail when the process ends before."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, "waited too long"
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.1)
    return found


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_papermill_and_its_kernels_end_with_the_command(tmp_path):
    sleep = (
        f"from pathlib import Path; import time, os\nPath({str(tmp_path)!r}, f'kernel-{{os.getpid()}}').touch()\ntime.sleep(600)"
    )
    for lesson_name in ("07_nade", "08_made", "09_last"):
        lesson(tmp_path / "notebooks", sleep, name=lesson_name)
    words = [sys.executable, "-c", ENDLESS, str(tmp_path / "notebooks"), str(tmp_path / "out")]
    command = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kernels = until(lambda: found if len(found := list(tmp_path.glob("kernel-*"))) == 2 else None, command)
    family = psutil.Process(command.pid).children(recursive=True)
    assert {int(path.name.split("-")[1]) for path in kernels} <= {process.pid for process in family}
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=60)
    assert command.returncode == 143
    assert not alive(family)
    assert list((tmp_path / "out").iterdir()) == []


FAMILY = """
import os, signal, subprocess, sys, threading
from course_lib.cli.children import Children, stopped_by_signals

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a process of the background
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
children, sleep = Children(), [sys.executable, "-c", "import time; time.sleep(600)"]
parent = f"import subprocess; subprocess.run({sleep}, start_new_session=True)"
work = threading.Thread(target=children.run, args=([sys.executable, "-c", parent], os.environ), daemon=True)
with stopped_by_signals():
    try:
        work.start()
        threading.Event().wait()
    except KeyboardInterrupt as stop:
        children.end()
        os._exit(getattr(stop, "code", 130))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_children_of_children_end_by_every_signal(number, code):
    command = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    me = psutil.Process(command.pid)
    family = until(lambda: found if len(found := me.children(recursive=True)) == 2 else None, command)
    command.send_signal(number)
    assert command.wait(timeout=60) == code
    assert not alive(family)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_jupyterlab_ends_with_the_command_and_hears_ctrl_c_itself(tmp_path):
    words = """
import sys
from course_lib.cli import children, lab
lab.command = lambda lesson, extra: [sys.executable, "-c", "import time; time.sleep(600)"]
with children.stopped_by_signals():
    lab.open_lab(None)
"""
    command = subprocess.Popen([sys.executable, "-c", words], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    (child,) = until(lambda: psutil.Process(command.pid).children(), command)
    time.sleep(0.3)
    command.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert alive([child]), "JupyterLab asks before it closes; the command must not kill it"
    command.send_signal(signal.SIGTERM)
    command.wait(timeout=60)
    assert not alive([child])


def test_nothing_is_started_after_the_end():
    children = Children()
    children.end()
    with pytest.raises(Stopped):
        children.run([sys.executable, "-c", "1"], dict(os.environ))


def test_what_would_change_a_lesson_is_not_handed_on_to_it(monkeypatch):
    names = ("PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONINSPECT", "MPLBACKEND", "MATPLOTLIBRC")
    for name in names:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    handed_on = running._environment("smoke", jobs=1)
    assert not set(names) & set(handed_on)
    assert handed_on["PYTHONIOENCODING"] == "utf-8"
    assert handed_on["JUPYTER_PREFER_ENV_PATH"] == "1", "another environment's kernel of the same name is not taken"
    assert handed_on["HTTPS_PROXY"] == "http://proxy"
