"""Saved notebooks in one form, so that running a lesson again changes only what came out differently.

Widget views go (their still picture stays), and so do widget state, execution times and whatever an editor left in the
metadata. Pictures are kept in the smallest PNG that looks the same. Executed cells count 1…n; a
cell's id follows from its text; keys are sorted; the file ends with a newline.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib import files
from course_lib.cli.asked import AskedWrongly
from course_lib.cli.stills import smaller_in_text

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
INJECTED = "injected-parameters"  # the tag of the cell that papermill adds
SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes")  # a continued slide has none
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")


def normalised(notebook: NotebookNode) -> NotebookNode:
    """A normalised copy of a notebook. Normalising twice is the same as once."""
    notebook = nbformat.v4.upgrade(copy.deepcopy(notebook))
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells = [cell for cell in notebook.cells if _is_kept(cell)]
    seen: Counter[str] = Counter()
    count = 0
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = nbformat.from_dict(_cell_metadata(cell.metadata))
        cell.id = _cell_id(cell, seen)
        if cell.cell_type == "code":
            count += cell.execution_count is not None
            cell.execution_count = count if cell.execution_count is not None else None
            cell.outputs = _outputs(cell.outputs, cell.execution_count)
    return notebook


def clean(paths: Sequence[Path], *, check: bool = False) -> int:
    """`course clean`: normalise the notebooks among `paths` and under the folders, and say which ones changed.

    check: change nothing. Returns 1 when `check` found a notebook in another form, else 0. Notebooks in another language than
    Python are left alone.
    """
    found = notebooks_in(paths)
    foreign = {path: language for path in found if (language := _other_language(_read(path)[1]))}
    changed = [path for path in found if path not in foreign and normalise(path, write=not check)]
    for path, language in foreign.items():
        print(f"left alone: {path} (its language is {language}; this course's form is for Python)")
    for path in changed:
        print(f"{'not clean' if check else 'cleaned'}: {path}")
    print(f"{len(found)} notebooks, {len(changed)} {'to clean' if check else 'cleaned'}")
    return 1 if check and changed else 0


def normalise(path: Path | str, *, write: bool = True) -> bool:
    """Normalise the notebook file at `path`, whole or not at all; True if it was not in that form.

    write=False only looks. A notebook in another language than Python is left alone. Raises AskedWrongly when the file is not a
    notebook, and PermissionError when it may not be written.
    """
    path = Path(path).resolve()  # a link stays a link: the file that it names is written
    before, notebook = _read(path)
    if _other_language(notebook):
        return False
    after = nbformat.writes(normalised(notebook)).rstrip("\n") + "\n"
    if after != before and write:
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "this notebook may not be written", str(path))
        with files.whole_file(path) as temporary:
            temporary.write_text(after, encoding="utf-8", newline="\n")
            shutil.copymode(path, temporary)
    return after != before


def notebooks_in(paths: Sequence[Path]) -> list[Path]:
    """The notebook files among `paths` and, for folders, under them. AskedWrongly for a path that is neither.

    Hidden folders, such as .venv and .ipynb_checkpoints, hold the notebooks of other programs, and are left out.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [p for p in sorted(path.rglob("*.ipynb")) if not _is_hidden(p.relative_to(path))]
        elif path.suffix == ".ipynb" and path.is_file():
            found.append(path)
        else:
            raise AskedWrongly(f"{path} is neither a notebook nor a folder")
    return found


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read(path: Path) -> tuple[str, NotebookNode]:
    """The text of a notebook file, and the notebook. AskedWrongly when it is none."""
    try:
        text = path.read_text(encoding="utf-8")
        return text, nbformat.reads(text, as_version=4)
    except OSError:
        raise
    except Exception as error:  # nbformat raises several kinds, json.JSONDecodeError among them
        raise AskedWrongly(f"{path} is no readable notebook ({error}); fix: git can restore it") from error


def _other_language(notebook: NotebookNode) -> str | None:
    """The language that a notebook is written in when it is another one than Python; None for Python, or when none is named."""
    metadata = notebook.metadata
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or "python"
    return None if language.lower() in ("python", "ipython", "python3") else language


def _is_kept(cell: NotebookNode) -> bool:
    return bool(cell.source.strip()) and INJECTED not in cell.metadata.get("tags", [])


def _cell_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Only what a reader, a presenter, a test or a teacher needs: tags, the kind of slide, a folded input, nbgrader's marks."""
    kept: dict[str, Any] = {}
    if metadata.get("tags"):
        kept["tags"] = list(metadata["tags"])
    if metadata.get("slideshow", {}).get("slide_type") in SLIDE_TYPES:
        kept["slideshow"] = {"slide_type": metadata["slideshow"]["slide_type"]}
    if metadata.get("jupyter", {}).get("source_hidden"):
        kept["jupyter"] = {"source_hidden": True}
    if metadata.get("nbgrader"):
        kept["nbgrader"] = metadata["nbgrader"]
    return kept


def _cell_id(cell: NotebookNode, seen: Counter[str]) -> str:
    """An id that follows from the cell's text: editing one cell leaves the ids of all the others."""
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _outputs(outputs: list[NotebookNode], count: int | None) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            output.text = _ADDRESS.sub("0x0", output.text)
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text  # one print more or less of buffering is no difference
                continue
        elif output.output_type in ("display_data", "execute_result"):
            output.data.pop(WIDGET_VIEW, None)
            if not output.data:
                continue
            for kind, value in output.data.items():
                if kind.startswith("text/") and isinstance(value, str):
                    output.data[kind] = _ADDRESS.sub("0x0", value)
            if isinstance(output.data.get("image/png"), str):
                output.data["image/png"] = smaller_in_text(output.data["image/png"])
            output.metadata = nbformat.from_dict({k: v for k, v in output.metadata.items() if k in output.data and v})
            if output.output_type == "execute_result":
                output.execution_count = count
        kept.append(output)
    return kept
