"""Studies: the same model trained many times, of which the clone keeps every run's numbers and only some runs' weights.

data/studies/<study>.json maps each checkpoint's name to what was measured of it when it was trained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib import files, runtime
from course_lib.datasets import manifest

KEPT = ("about", "seed", "budget", "epochs", "seconds", "train_loss", "precision", "metrics")  # of a checkpoint's JSON


def path(study: str) -> Path:
    """Where the study's file lies."""
    return runtime.data_dir() / "studies" / f"{study}.json"


def read(study: str) -> dict[str, dict[str, Any]]:
    """Checkpoint name -> {"configuration": {…}, "seed": …, "metrics": {…}, …}, as `record` wrote it.

    Raises ValueError where there is none, DataFileError where its file is damaged.
    """
    if not path(study).is_file() and f"studies/{study}.json" not in manifest.checksums():
        raise ValueError(f"there is no study {study!r} at {path(study)}; its recipes make it: course train NAME --ship")
    with manifest.reading(f"studies/{study}.json") as file:
        rows = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise ValueError("expected JSON that maps the name of each checkpoint to what was measured of it")
    return rows


def record(study: str, name: str, about: dict[str, Any]) -> str:
    """Write what a checkpoint's JSON says of its training and its measures into the study; it replaces an older row.

    The new checksum goes into data/SHA256SUMS. Returns the file's name relative to data/.
    """
    file = f"studies/{study}.json"
    with only_writer():
        rows = read(study) if path(study).is_file() else {}
        rows[name] = {"configuration": about["configuration"], **{key: about[key] for key in KEPT if key in about}}
        with files.whole_file(path(study)) as temporary:
            temporary.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n", encoding="utf-8", newline="\n")
        list_files([file])
    return file


def list_files(names: list[str]) -> None:
    """Write the checksums of the files of these names, relative to data/, into data/SHA256SUMS."""
    with only_writer():
        sums = {**manifest.checksums(), **{file: manifest.sha256(runtime.data_dir() / file) for file in names}}
        with files.whole_file(runtime.data_dir() / "SHA256SUMS") as temporary:
            lines = "".join(f"{digest}  {file}\n" for file, digest in sums.items())
            temporary.write_text(lines, encoding="utf-8", newline="\n")


@contextmanager
def only_writer() -> Iterator[None]:
    """Hold the lock of the data folder, so that two processes that ship at the same time do not lose each other's lines."""
    with files.only_writer(runtime.data_dir(), seconds=-1):
        yield
