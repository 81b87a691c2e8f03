"""Studies: the same model trained many times, of which the clone keeps every run's numbers and only some runs' weights.

data/studies/<study>.json maps each checkpoint's name to what was measured of it when it was trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from course_lib import runtime
from course_lib.datasets import manifest


def path(study: str) -> Path:
    """Where the study's file lies."""
    return runtime.data_dir() / "studies" / f"{study}.json"


def read(study: str) -> dict[str, dict[str, Any]]:
    """Checkpoint name -> {"beta": …, "seed": …, "metrics": {…}, …}, as `record` wrote it. ValueError if there is none."""
    if not path(study).is_file():
        raise ValueError(f"there is no study {study!r} at {path(study)}; its recipes make it: course train NAME --ship")
    return json.loads(manifest.verify(f"studies/{study}.json").read_text(encoding="utf-8"))


def record(study: str, name: str, about: dict[str, Any]) -> str:
    """Keep what a checkpoint's JSON says of how it was trained and measured, in the place of an older row; the file's name."""
    rows = read(study) if path(study).is_file() else {}
    kept = ("about", "seed", "budget", "epochs", "seconds", "train_loss", "metrics")
    rows[name] = {"configuration": about["configuration"], **{key: about[key] for key in kept if key in about}}
    with runtime.whole_file(path(study)) as temporary:
        temporary.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n", encoding="utf-8", newline="\n")
    return f"studies/{study}.json"
