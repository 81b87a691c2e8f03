"""Files written whole or not at all, by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DataFileError(ValueError):
    """A data file is missing, damaged or changed; the message names the file, both checksums and the fix."""


class NewerFormatError(DataFileError):
    """A newer version of the course wrote this file, which is whole."""


@contextmanager
def only_writer(folder: Path, *, seconds: float = 60) -> Iterator[None]:
    """Inside, no other process that asks for the same lock writes into this folder, which is made where it does not exist.

    The system releases the lock when a process ends, however it ends. On a disk without locks, such as some network disks, there
    is none. seconds: how long to wait for another process, -1 without a limit; then TimeoutError, which is an OSError.
    """
    from filelock import FileLock  # here, since it takes longer to import than a short command to answer

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", is_singleton=True)
    try:
        lock.acquire(timeout=seconds)
    except NotImplementedError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _reach_disk(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write to the temporary path given, and it replaces `path` only if all went well: whole or not at all.

    The new content reaches the disk before it takes the old one's place, so that a power failure leaves one of the two.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _reach_disk(temporary, os.O_RDWR)
        os.replace(temporary, path)
        with suppress(OSError):  # Windows opens no folder, and some network disks cannot do it
            _reach_disk(path.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)
