"""Unfinished runs: where their state is kept, and which of them can be resumed.

A run's state lies in unfinished/<name>-<budget>-<key>.safetensors in the user's own folder. It holds everything that determines
the run, and the key is a checksum of that: a recipe that was changed never finds the state of the old one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.training import checkpoints, states
from course_lib.training.callbacks import Checkpoint
from course_lib.training.fingerprint import differences, digest
from course_lib.training.loop import History
from course_lib.training.recipes.form import RecipeError


class CannotResume(RecipeError):
    """An unfinished run is there, but this one cannot go on from it; the message says why, and the fix."""


@dataclass(frozen=True)
class Unfinished:
    """The kept state of one run of a recipe.

    Args:
        name, budget: of the run.
        command: how the user trains it, for messages.
        determined_by: all that determines it, as JSON (training/fingerprint): recipe, data, and "model", the new model's values.
    """

    name: str
    budget: str
    command: str
    determined_by: dict[str, Any]

    @property
    def key(self) -> str:
        """A short checksum of what determines the run, the new model's values left out: they are equal up to rounding only."""
        return digest({part: value for part, value in self.determined_by.items() if part != "model"})[:8]

    @property
    def folder(self) -> Path:
        """Where unfinished runs are kept. OSError where the user has no folder."""
        return checkpoints.own_dir() / "unfinished"

    @property
    def path(self) -> Path:
        """The state's file. OSError where the user has no folder."""
        return self.folder / f"{self.name}-{self.budget}-{self.key}.safetensors"

    def is_kept(self) -> bool:
        """Whether there is a state to go on from."""
        try:
            return self.path.is_file()
        except OSError:
            return False

    def checkpoint(self, step: Any, batches: Any, keep: Sequence[Any] = ()) -> Checkpoint | None:
        """The callback that keeps the state after every epoch, and that of the callbacks in `keep`.

        None, and one line says so, where the user has no folder.
        """
        try:
            return Checkpoint(self.path, step, batches, keep=keep, about=self.determined_by)
        except OSError as error:
            print(f"{self.name}: this run cannot be kept, and could not be resumed ({error})")
            return None

    def resume(self, checkpoint: Checkpoint | None) -> History:
        """Load the kept state into the checkpoint's step and batches; return the history, empty where nothing was kept.

        Raises CannotResume where what is kept belongs to another recipe or does not fit; step and batches may have changed then.
        """
        if checkpoint is None:
            return History()
        try:
            self._refuse_changes()
            return checkpoint.resume()
        except OSError:
            return History()  # a state that cannot be read counts as absent
        except CannotResume:
            raise
        except ValueError as error:
            raise CannotResume(f"the unfinished run cannot go on: {error}. {self._fix()}") from error

    def remove(self) -> None:
        """Delete what is kept of every unfinished run of this name and budget."""
        try:
            for path in self._all():
                path.unlink(missing_ok=True)
        except OSError as error:
            print(f"{self.name}: the unfinished run cannot be removed ({error})")

    def _all(self) -> list[Path]:
        form = re.compile(rf"{re.escape(self.name)}-{self.budget}(-[0-9a-f]{{8}})?\.safetensors")
        return sorted(path for path in self.folder.iterdir() if form.fullmatch(path.name)) if self.folder.is_dir() else []

    def _refuse_changes(self) -> None:
        """CannotResume where the kept run differs from this one, with what differs."""
        kept = self._all()
        if not kept:
            return
        path = self.path if self.path in kept else kept[0]
        old = states.read_extra(path).get("about")
        changed = differences(old, self.determined_by) if old else ["it was kept by a version of the course that named no recipe"]
        if changed:
            raise CannotResume(f"the unfinished run {path} is of another recipe: {'; '.join(changed)}. {self._fix()}")

    def _fix(self) -> str:
        return f"Fix: undo the change, or begin anew and give up the unfinished run: `{self.command} --anew`"
