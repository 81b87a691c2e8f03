"""The doctor's advice about data, memory, cores and the user's folder."""

import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from course_lib import machine, runtime
from course_lib.cli import doctor, first_look
from course_lib.datasets import manifest


def found(what):
    """The findings of the whole report by this name."""
    return [finding for finding in doctor.examine().findings if finding.what == what]


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """A data folder with two text files and no models."""
    names = ("series/old_faithful.csv", "series/sunspots.csv")
    lines = [f"{manifest.checksums()[name]}  {name}" for name in names]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(runtime.data_dir() / name, tmp_path / name)
    (tmp_path / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def test_changed_line_endings_are_one_finding_with_the_fix_that_works(data):
    for path in (data / "series").iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (one,) = found("line endings")
    assert one.status == "wrong"
    assert one.found.startswith("2 files, such as series/old_faithful.csv,")
    assert "git rm --cached -r -q ." in one.fix
    assert "git reset --hard" in one.fix
    assert "git checkout" not in str(doctor.examine())


def test_a_damaged_file_is_restored_by_checkout(data):
    (data / "series/sunspots.csv").write_bytes(b"damaged")
    (one,) = found("series/sunspots.csv")
    assert "is damaged" in one.found
    assert one.fix == "`git checkout -- data/series/sunspots.csv` in the clone"
    assert "fix: `git checkout" in str(doctor.examine())
    assert "<em>fix:</em>" in doctor.examine()._repr_html_()


def test_a_shipped_model_that_may_not_be_read_is_named_with_the_others(monkeypatch):
    def load(name):
        if name == "closed":
            raise PermissionError(13, "Permission denied", "closed.safetensors")

    monkeypatch.setattr(doctor.checkpoints, "names", lambda: ["closed", "open"])
    monkeypatch.setattr(doctor.checkpoints, "load", load)
    assert [one.found for one in found("trained models")] == ["open"]
    (closed,) = found("closed")
    assert (closed.status, closed.fix) == ("wrong", "make it readable for you")
    assert "Permission denied" in closed.found


def test_a_gpu_that_does_not_answer_is_a_finding(monkeypatch):
    def fails():
        raise RuntimeError("CUDA error: all devices are busy or unavailable")

    for look in ("_data", "_checkpoints"):
        monkeypatch.setattr(doctor, look, list)
    monkeypatch.setattr(doctor.runtime, "device", fails)
    report = doctor.examine()
    assert not report.healthy
    assert [f.found for f in report.findings if f.what == "device"] == ["CUDA error: all devices are busy or unavailable"]


def test_the_table_can_be_read_on_a_dark_page():
    table = doctor.examine()._repr_html_()
    assert "<table" in table
    assert "color" not in table  # the page's own


def test_memory_and_cores_are_those_of_the_container(monkeypatch):
    monkeypatch.setattr(machine, "memory", lambda: 2 * doctor.GIB)
    monkeypatch.setattr(machine, "cores", lambda: 3)
    (memory,), (threads,) = found("memory"), found("threads")
    assert (memory.found, memory.status) == ("2.0 GiB", "note")
    assert "of 3 cores" in threads.found
    monkeypatch.setattr(machine, "memory", lambda: 20 * doctor.GIB)
    assert found("memory")[0].status == "ok"
    monkeypatch.setattr(machine, "memory", lambda: None)
    assert not found("memory")


class TestTheUsersFolder:
    def test_that_does_not_exist_yet_is_well_and_is_not_made(self, tmp_path, monkeypatch):
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "new" / "home"))
        assert found("your folder")[0].status == "ok"
        assert not (tmp_path / "new").exists()

    def test_below_a_file_cannot_be_written(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "home"))
        (folder,) = found("your folder")
        assert (folder.status, folder.fix) == ("wrong", "set COURSE_HOME to a folder of your own")

    def test_that_may_not_be_written_is_said(self, tmp_path, monkeypatch):
        (tmp_path / "closed").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
        monkeypatch.setattr(doctor.os, "access", lambda path, _: Path(path) != tmp_path / "closed")  # root may write anywhere
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "closed" / "home"))
        assert found("your folder")[0].status == "wrong"

    def test_behind_a_link_to_nowhere_cannot_be_written(self, tmp_path, monkeypatch):
        (tmp_path / "link").symlink_to(tmp_path / "gone" / "home")
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "link"))
        (folder,) = found("your folder")
        assert (folder.status, folder.fix) == ("wrong", "set COURSE_HOME to a folder of your own")

    def test_in_a_home_that_may_not_be_searched_cannot_be_written(self, tmp_path, monkeypatch):
        def closed(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "exists", closed)  # so for a user who is not root; os.path answers False
        monkeypatch.setattr(doctor.os, "access", lambda *_: False)
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
        found_by = first_look.found_by([doctor._user_folder])
        assert [(one.what, one.fix) for one in found_by] == [("your folder", "set COURSE_HOME to a folder of your own")]

    def test_that_nobody_knows_is_a_finding(self, monkeypatch):
        def home(*_):
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", home)
        monkeypatch.delenv("COURSE_HOME")
        (folder,) = found("user folder")
        assert (folder.status, folder.fix) == ("wrong", "set COURSE_HOME to a folder of yours")


def test_a_machine_without_a_folder_for_temporary_files_is_named_with_the_fix(monkeypatch):
    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp']")

    monkeypatch.setenv("TMPDIR", "/nowhere")  # put back afterwards
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    (one,) = found("temporary files")
    assert (one.status, one.fix) == ("wrong", "set TMPDIR to a folder of yours that can be written")
    assert "No usable temporary directory" in one.found
    monkeypatch.undo()
    assert not [finding for finding in first_look.found_by(first_look.LOOKS) if finding.what == "temporary files"]


def test_a_package_from_another_environment_is_named_with_the_fix(tmp_path, monkeypatch):
    other = tmp_path / "elsewhere"
    (other / "nbformat").mkdir(parents=True)
    (other / "nbformat" / "__init__.py").write_text("")
    assert first_look._elsewhere() == []
    monkeypatch.delitem(sys.modules, "nbformat", raising=False)
    monkeypatch.syspath_prepend(str(other))
    (finding,) = first_look._elsewhere()
    assert finding.status == "note"
    assert finding.found == f"nbformat found in {other.resolve()}, outside this environment"
    assert "unset PYTHONPATH" in finding.fix


def test_a_single_file_from_elsewhere_is_named_by_its_own_folder(tmp_path, monkeypatch):
    (tmp_path / "tqdm.py").write_text("")
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (finding,) = first_look._elsewhere()
    assert finding.found == f"tqdm found in {tmp_path.resolve()}, outside this environment"


def test_a_file_beside_the_lessons_that_hides_a_module_is_named(tmp_path, monkeypatch):
    assert first_look._hidden() == []
    (tmp_path / "notebooks").mkdir()
    for name in ("random.py", "torch.py", "my_answers.py"):
        (tmp_path / "notebooks" / name).write_text("")
    monkeypatch.setattr(first_look, "ROOT", tmp_path)
    assert [finding.found for finding in first_look._hidden()] == [
        "random.py hides the module random from the lessons",
        "torch.py hides the module torch from the lessons",
    ]
    assert {finding.status for finding in first_look._hidden()} == {"wrong"}


def test_the_first_findings_need_no_torch():
    code = (
        "import sys; from course_lib.cli import command, first_look; "
        "assert list(first_look.found_by(first_look.LOOKS)); print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
