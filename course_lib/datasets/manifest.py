"""Which files belong in data/, and whether they are whole: data/SHA256SUMS is the one list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from course_lib import runtime
from course_lib.files import DataFileError

RENEW = "in the clone, keep a copy of what you changed yourself; then run `git rm --cached -r -q .` and `git reset --hard`"


def checksums() -> dict[str, str]:
    """File name relative to data/ -> sha256, as listed in data/SHA256SUMS, with LF or CR LF at the ends of its lines."""
    listing = runtime.data_dir() / "SHA256SUMS"
    if not listing.is_file():
        raise DataFileError(
            f"{listing} is missing, so no data file can be checked; fix: `git checkout -- data`, or point COURSE_DATA "
            "at the data folder of a clone"
        )
    text = listing.read_text(encoding="utf-8", errors="replace")  # bytes that are no text become a line that is refused below
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    damaged = [words for words in pairs if len(words) != 2 or len(words[0]) != 64]
    if damaged:
        raise DataFileError(
            f"{listing} is damaged; expected lines of a sha256 and a file name, found {' '.join(damaged[0])!r}; "
            "fix: `git checkout -- data/SHA256SUMS` in the clone"
        )
    return {name.strip(): digest for digest, name in pairs}


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _sha256_of_version(path: Path, size: int, modified: int) -> str:
    return sha256(path)


def verify(name: str) -> Path:
    """The path of data/<name>, after checking it against its sha256. Raises DataFileError."""
    listed = checksums()
    expected = listed.get(name)
    if expected is None:
        raise DataFileError(
            f"data/{name} is not listed in data/SHA256SUMS; expected one of {sorted(listed)}; where the list was cut short, "
            "fix: `git checkout -- data/SHA256SUMS` in the clone"
        )
    path = runtime.data_dir() / name
    fix = _fix(name)
    try:
        if not path.is_file():
            raise DataFileError(f"{path} is missing; expected sha256 {expected}, found no file; {fix}")
        status = path.stat()
        found = _sha256_of_version(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataFileError(f"{path} cannot be read ({error.strerror}); fix: give yourself the right to read it") from error
    if found != expected and has_changed_line_endings(path, expected):
        raise DataFileError(
            f"{path} has other line endings than the original, because git changed them (core.autocrlf); "
            f"expected sha256 {expected}, found {found}; fix: {RENEW}"
        )
    if found != expected:
        raise DataFileError(f"{path} is damaged; expected sha256 {expected}, found {found}; {fix}")
    return path


@contextmanager
def reading(name: str) -> Iterator[Path]:
    """The path of data/<name>, verified; inside, an error that comes from what the file holds becomes a DataFileError.

    A file can be listed and whole, and yet not be what the library expects, where somebody has replaced it and its checksum.
    """
    path = verify(name)
    try:
        yield path
    except (ValueError, TypeError, IndexError, RecursionError, OSError) as error:
        raise DataFileError(f"{path} does not hold what it should ({error}); {_fix(name)}") from error


def _fix(name: str) -> str:
    return f"fix: `git checkout -- data/{name}` in the clone"


def has_changed_line_endings(path: Path, expected: str) -> bool:
    """True when a file has this sha256 once each CR LF in it is LF again: Git for Windows writes CR LF unless told not to."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() == expected
