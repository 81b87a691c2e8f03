"""Files written whole or not at all, by one process at a time."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading

import filelock
import pytest

from course_lib import files


def kill_while_it_writes(program):
    """Run a program in a process of its own, which is killed when it says that it is writing."""
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGKILL)
    child.wait()


def test_whole_file_replaces_only_when_all_went_well(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with files.whole_file(path) as temporary:
        temporary.write_text("old")
        assert not path.exists()
    assert path.read_text() == "old"

    def fail():
        with files.whole_file(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_whole_file_survives_a_kill_in_the_middle_of_writing(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    program = f"""
        import pathlib, time
        from course_lib import files
        with files.whole_file(pathlib.Path({str(path)!r})) as temporary:
            temporary.write_text("half of the n")
            print("writing", flush=True)
            time.sleep(60)
    """
    kill_while_it_writes(program)
    assert path.read_text() == "old"


def test_whole_file_reaches_the_disk_before_it_takes_the_old_ones_place(tmp_path, monkeypatch):
    path, events = tmp_path / "file.txt", []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def replaced(*names):
        events.append("replace")
        replace(*names)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    with files.whole_file(path) as temporary:
        temporary.write_text("new")
    assert events == ["file", "replace", "folder"]
    assert path.read_text() == "new"


def test_a_disk_that_refuses_the_content_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"), files.whole_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_second_writer_waits_for_the_first_and_then_gives_up(tmp_path):
    order, inside, leave = [], threading.Event(), threading.Event()

    def first():
        with filelock.FileLock(tmp_path / ".lock", thread_local=False):  # as another process holds it
            inside.set()
            leave.wait(10)
            order.append("first")

    other = threading.Thread(target=first)
    other.start()
    inside.wait(10)
    with pytest.raises(OSError, match="lock"), files.only_writer(tmp_path, seconds=0.1):
        order.append("too early")
    leave.set()
    with files.only_writer(tmp_path):
        order.append("second")
    other.join()
    assert order == ["first", "second"]


def test_the_lock_of_a_process_that_was_killed_holds_nobody_up(tmp_path):
    program = f"""
        import pathlib, time
        from course_lib import files
        with files.only_writer(pathlib.Path({str(tmp_path)!r})):
            print("writing", flush=True)
            time.sleep(60)
    """
    kill_while_it_writes(program)
    with files.only_writer(tmp_path, seconds=5):
        pass


def test_a_disk_without_locks_is_written_without_one(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("FileSystem does not appear to support flock; use SoftFileLock instead")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with files.only_writer(tmp_path):
        (tmp_path / "a").write_text("b")
