"""Saved notebooks in one form, so that running a lesson again changes only what came out differently.

Widget views go (their still picture stays), and so do widget state, execution times and whatever an editor left in the
metadata. Pictures are kept in the smallest PNG that loses nothing. Executed cells count 1…n; a
cell's id follows from its text; keys are sorted; the file ends with a newline.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib import runtime
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


def normalise(path: Path | str, *, write: bool = True) -> bool:
    """Normalise the notebook file at `path`, whole or not at all; True if it was not in that form.

    write=False only looks. Raises ValueError when the file is no notebook.
    """
    path = Path(path)
    before = path.read_text(encoding="utf-8")
    try:
        notebook = nbformat.reads(before, as_version=4)
    except Exception as error:  # nbformat raises several kinds, json.JSONDecodeError among them
        raise ValueError(f"{path} is no readable notebook ({error}); mend: git can restore it") from error
    after = nbformat.writes(normalised(notebook)).rstrip("\n") + "\n"
    if after != before and write:
        with runtime.whole_file(path) as temporary:
            temporary.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def notebooks_in(paths: list[Path]) -> list[Path]:
    """The notebook files among `paths` and, for folders, under them. ValueError for a path that is neither."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [p for p in sorted(path.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
        elif path.suffix == ".ipynb" and path.is_file():
            found.append(path)
        else:
            raise ValueError(f"{path} is neither a notebook nor a folder")
    return found


def _is_kept(cell: NotebookNode) -> bool:
    return bool(cell.source.strip()) and INJECTED not in cell.metadata.get("tags", [])


def _cell_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Only what a reader, a presenter or a test needs: tags, the kind of slide, a folded input."""
    kept: dict[str, Any] = {}
    if metadata.get("tags"):
        kept["tags"] = list(metadata["tags"])
    if metadata.get("slideshow", {}).get("slide_type") in SLIDE_TYPES:
        kept["slideshow"] = {"slide_type": metadata["slideshow"]["slide_type"]}
    if metadata.get("jupyter", {}).get("source_hidden"):
        kept["jupyter"] = {"source_hidden": True}
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
