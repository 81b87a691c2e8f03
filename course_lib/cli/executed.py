"""Notebooks that papermill has run: what failed in them, and where they are kept without losing what stood there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ADDED = {"papermill-error-cell-tag", "injected-parameters"}  # the tags of cells that papermill adds
MARK = "course"  # our entry in a notebook's metadata: a checksum of the sources that `course run` wrote


def trouble(path: Path, complaint: str) -> str | None:
    """What failed in an executed notebook, after papermill ended with an error; None when every error was meant.

    Cells are counted as in the lesson. An error in a cell tagged raises-exception is meant, as it is for Jupyter; papermill
    takes it for a failure. `complaint`: what papermill wrote on its error stream.
    """
    said = (complaint.strip().splitlines() or ["papermill ended without a message"])[-1]
    notebook = _read(path)
    if notebook is None:
        return said
    cells = [cell for cell in notebook.cells if ADDED.isdisjoint(_tags(cell))]
    for number, cell in enumerate(cells, start=1):
        if "raises-exception" in _tags(cell):
            continue
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return f"cell {number} raised {output.ename}: {output.evalue}\n{_first_lines(cell)}"
    begun = [(number, cell) for number, cell in enumerate(cells, start=1) if _was_begun(cell)]
    if "PapermillExecutionError" in complaint or not begun:
        return None if begun and "DeadKernelError" not in complaint else said
    number, cell = begun[-1]
    if "DeadKernelError" in complaint:
        reason = "most often because memory ran out: close other programs, or run one lesson at a time"
        return f"the kernel died in cell {number}, {reason}\n{_first_lines(cell)}"
    return f"cell {number} did not come to its end: {said}\n{_first_lines(cell)}"


def keep(written: Path, target: Path, *, failed: bool) -> str | None:
    """Move an executed notebook to its place. Return a note when a notebook with other contents stood there.

    A notebook that `course run` wrote, and that nobody edited since, is replaced. Any other file is renamed, never lost.
    Papermill's own cells that point to an error stay only in a notebook that failed.
    """
    notebook = _read(written)
    if notebook is not None:
        if not failed:
            notebook.cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in _tags(cell)]
        notebook.metadata[MARK] = {"sources": _checksum(notebook)}
        nbformat.write(notebook, written)
    note = None
    if target.exists() and not _is_ours(target):
        spare = next(path for number in range(1, 10_000) if not (path := _numbered(target, number)).exists())
        os.replace(target, spare)
        note = f"{target} had been edited; it is kept as {spare.name}"
    os.replace(written, target)
    return note


def _is_ours(path: Path) -> bool:
    notebook = _read(path)
    return notebook is not None and notebook.metadata.get(MARK, {}).get("sources") == _checksum(notebook)


def _checksum(notebook: NotebookNode) -> str:
    """A checksum of what a person may have typed: every cell's kind and source."""
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(f"{cell.cell_type}\n{cell.source}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _read(path: Path) -> NotebookNode | None:
    try:
        return nbformat.read(path, as_version=4)
    except Exception:  # nbformat raises errors of several kinds for a file that is no notebook
        return None


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.kept-{number}{path.suffix}")


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _was_begun(cell: NotebookNode) -> bool:
    """Whether papermill sent this cell to the kernel."""
    return cell.cell_type == "code" and bool(cell.source.strip()) and bool(cell.metadata.get("papermill", {}).get("start_time"))


def _first_lines(cell: NotebookNode) -> str:
    return "\n".join(f"        {text}" for text in cell.source.splitlines()[:5])
