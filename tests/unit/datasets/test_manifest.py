"""The list of checksums, files that are missing or damaged, and line endings that Git for Windows changes."""

import shutil
import subprocess
from pathlib import Path

import pytest

import course_lib
from course_lib import runtime
from course_lib.datasets import DataFileError, load, manifest

CHECKOUT = Path(course_lib.__file__).parent.parent
git_needed = pytest.mark.skipif(shutil.which("git") is None, reason="git is absent")


def git(*words, at):
    """Run git with no settings but those given; its output."""
    named = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *named, *words], cwd=at, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def copy(tmp_path, monkeypatch):
    for name in ("SHA256SUMS", "series/old_faithful.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(runtime.data_dir() / name, tmp_path / name)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path / "series/old_faithful.csv"


@pytest.mark.parametrize("line", ["=======", "<<<<<<< HEAD"])
def test_a_damaged_list_of_checksums_is_named_with_its_fix(copy, line):
    listing = runtime.data_dir() / "SHA256SUMS"
    listing.write_text(f"{listing.read_text()}{line}\n")
    with pytest.raises(DataFileError, match=f"SHA256SUMS is damaged; .*found '{line}'; fix: `git checkout -- data/SHA256SUMS`"):
        load("old_faithful")


def test_a_damaged_file_names_file_checksums_and_fix(copy):
    assert len(load("old_faithful")) == 272
    expected = manifest.checksums()["series/old_faithful.csv"]
    copy.write_bytes(copy.read_bytes()[:-3])
    found = manifest.sha256(copy)
    with pytest.raises(
        DataFileError, match=f"old_faithful.csv is damaged; expected sha256 {expected}, found {found}; fix: `git checkout"
    ):
        load("old_faithful")
    copy.unlink()
    with pytest.raises(DataFileError, match=f"is missing; expected sha256 {expected}, found no file; fix"):
        load("old_faithful")
    (copy.parent.parent / "SHA256SUMS").unlink()
    with pytest.raises(DataFileError, match=r"SHA256SUMS is missing.*COURSE_DATA"):
        load("old_faithful")
    with pytest.raises(DataFileError, match="SHA256SUMS is missing"):
        manifest.verify("series/old_faithful.csv")


def test_an_unlisted_file_is_refused():
    with pytest.raises(DataFileError, match="not listed"):
        manifest.verify("../pyproject.toml")


def test_every_listed_file_is_whole():
    for name in manifest.checksums():
        assert manifest.verify(name).is_file()


def with_crlf(path):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def test_a_list_whose_lines_end_in_crlf_says_the_same(copy):
    before = manifest.checksums()
    with_crlf(copy.parent.parent / "SHA256SUMS")
    assert manifest.checksums() == before
    assert len(load("old_faithful")) == 272


def test_changed_line_endings_are_told_from_damage(copy):
    with_crlf(copy)
    with pytest.raises(DataFileError, match=r"old_faithful.csv has other line endings.*core.autocrlf.*`git reset --hard`"):
        load("old_faithful")
    copy.write_bytes(copy.read_bytes().replace(b"3.6", b"3.7", 1))
    with pytest.raises(DataFileError, match=r"is damaged.*`git checkout"):
        load("old_faithful")


@git_needed
def test_a_clone_by_git_for_windows_has_every_file_as_listed(tmp_path, monkeypatch):
    if not (CHECKOUT / ".git").exists():
        pytest.skip("this copy of the course is no git checkout")
    git("clone", "-q", "--no-checkout", "-c", "core.autocrlf=true", str(CHECKOUT), str(tmp_path / "clone"), at=tmp_path)
    clone = tmp_path / "clone"
    git("checkout", "-q", "HEAD", "--", ".gitattributes", "data", "course_lib/datasets", at=clone)
    monkeypatch.setenv("COURSE_DATA", str(clone / "data"))
    assert len(manifest.checksums()) > 50
    assert not {name for name in manifest.checksums() if manifest.verify(name) is None}
    assert not [path for path in (clone / "course_lib").rglob("*.py") if b"\r" in path.read_bytes()]
    attributes = git("ls-files", "--eol", "data", at=clone).splitlines()
    assert {line.split()[0] for line in attributes} == {"i/lf", "i/-text"}


@git_needed
def test_the_fix_works_in_a_clone_made_before_line_endings_were_fixed(copy, tmp_path_factory, monkeypatch):
    home, clone = copy.parent.parent, tmp_path_factory.mktemp("clones") / "clone"
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "before")):
        git(*words, at=home)
    git("clone", "-q", "-c", "core.autocrlf=true", str(home), str(clone), at=home)
    (home / ".gitattributes").write_text("* text=auto eol=lf\n")
    for words in (("add", "."), ("commit", "-q", "-m", "after")):
        git(*words, at=home)
    git("pull", "-q", at=clone)
    monkeypatch.setenv("COURSE_DATA", str(clone))
    with pytest.raises(DataFileError) as caught:
        load("old_faithful")
    assert "has other line endings" in str(caught.value)
    git("checkout", "--", "series/old_faithful.csv", at=clone)  # what is told of a damaged file does not help here
    with pytest.raises(DataFileError):
        load("old_faithful")
    commands = str(caught.value).split("`")[1::2]
    assert commands == ["git rm --cached -r -q .", "git reset --hard"]
    for command in commands:
        git(*command.split()[1:], at=clone)
    assert len(load("old_faithful")) == 272
    assert git("status", "--porcelain", at=clone) == ""


def test_a_list_that_is_no_text_is_damaged(copy):
    (copy.parent.parent / "SHA256SUMS").write_bytes(b"\xff\xfe\x00 \x81")
    with pytest.raises(DataFileError, match="SHA256SUMS is damaged; expected lines of a sha256 and a file name"):
        manifest.checksums()
