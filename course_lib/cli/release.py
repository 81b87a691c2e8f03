"""`course release`: copies of the lessons to hand out, without solutions for students, with all of them open for instructors."""

from __future__ import annotations

import ast
import copy
import os
import symtable
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_lib.cli.asked import AskedWrongly
from course_lib.cli.lessons import ROOT, Lesson

GOES_ON = "# The lesson goes on with your function where it is right, and with the course's where it is not."


def release(lessons: Sequence[Lesson], *, student: Path | None = None, instructor: Path | None = None) -> int:
    """Write the lessons' copies into these folders and say so; return 0. Raises AskedWrongly where a file would be replaced."""
    wanted = [(folder, make) for folder, make in ((student, student_copy), (instructor, instructor_copy)) if folder is not None]
    if not wanted:
        raise AskedWrongly("release what, and where? Name --student FOLDER, --instructor FOLDER, or both")
    if len({folder.resolve() for folder, _ in wanted}) < len(wanted):
        raise AskedWrongly("the student's and the instructor's copies have the same file names; name two folders")
    for folder, _ in wanted:
        there = [lesson.path.name for lesson in lessons if (folder / lesson.path.name).exists()]
        if there or folder.resolve() == (ROOT / "notebooks").resolve():
            raise AskedWrongly(f"{folder} has {', '.join(there[:3]) or 'the lessons themselves'} already; name an empty folder")
    with ExitStack() as stack:
        made = [(_written(lessons, make, stack.enter_context(_aside(folder))), folder) for folder, make in wanted]
        for copies, folder in made:  # all of them are whole: only now they take their places, so that a stop leaves none
            folder.mkdir(parents=True, exist_ok=True)
            for path in copies:
                os.replace(path, folder / path.name)
            print(f"{len(copies)} lessons in {folder}")
    return 0


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same disk as `folder`, which need not exist."""
    near = folder if folder.is_dir() else folder.parent
    near.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=near, prefix=".course-release-") as name:
        yield Path(name)


def _written(lessons: Sequence[Lesson], make: Callable[[NotebookNode], NotebookNode], folder: Path) -> list[Path]:
    """The lessons' copies, written into a folder; their paths."""
    paths = [folder / lesson.path.name for lesson in lessons]
    for lesson, path in zip(lessons, paths, strict=True):
        nbformat.write(make(nbformat.read(lesson.path, as_version=4)), path)
    return paths


def instructor_copy(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its solutions and its notes for the speaker unfolded."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if _is_solution(cell):
            cell.metadata.get("jupyter", {}).pop("source_hidden", None)
        elif _is_note(cell):
            cell.source = cell.source.replace("<details>", "<details open>")
    return notebook


def student_copy(notebook: NotebookNode, *, notes: bool = False) -> NotebookNode:
    """The notebook without solutions and outputs of exercises; it still runs from top to bottom.

    notes: keep the notes for the speaker.

    Where later cells use a function that a solution defines, one line takes the student's own function if it is right, and
    the course's otherwise. Raises ValueError where later cells use something else that only a solution defines.
    """
    notebook = copy.deepcopy(notebook)
    exercise, cells = None, []
    for place, cell in enumerate(notebook.cells):
        if _is_solution(cell):
            exercise.outputs, exercise.execution_count = [], None
            missing = needed(notebook.cells, place)
            if missing:
                hidden = {"slideshow": {"slide_type": "skip"}}
                source = _goes_on(exercise.source, cell.source, missing)
                cells.append(new_code_cell(source, id=cell.id, metadata=hidden))
        elif notes or not _is_note(cell):
            cells.append(cell)
        if cell.cell_type == "code" and not _is_solution(cell):
            exercise = cell
    notebook.cells = cells
    return notebook


def needed(cells: Sequence[NotebookNode], solution: int) -> set[str]:
    """The names that this solution cell defines and later cells, which are no solutions, read."""
    _, own = _names(cells[solution].source)
    found: set[str] = set()
    for cell in cells[solution + 1 :]:
        if cell.cell_type == "code" and not _is_solution(cell):
            read, defined = _names(cell.source)
            found |= (read & own) - defined
            own = own - defined
    return found


def _goes_on(exercise: str, solution: str, missing: set[str]) -> str:
    """The lines that give each missing name a function: the one that `exercise` hands to the same check, or the course's."""
    tried, lines = dict(_checked(exercise)), []
    for check, name in _checked(solution):
        if name in missing and check in tried:
            lines.append(f"{name} = {check}({tried[check]}, record=False).answer")
    found = {line.split(" = ")[0] for line in lines}
    if found != missing:
        raise ValueError(
            f"later cells use {', '.join(sorted(missing - found))}, which only a solution defines and no check looks at; "
            "define it outside of the solution"
        )
    return "\n".join([GOES_ON, *lines])


def _checked(source: str) -> Iterator[tuple[str, str]]:
    """(check, name of what is checked) of every call such as check.kl(my_kl)."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.args
            and isinstance(node.args[0], ast.Name)
        ):
            yield ast.unparse(node.func), node.args[0].id


def _names(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell reads, and those that it defines."""
    read, defined = set(), set()

    def walk(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                read.add(symbol.get_name())
            if top and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                defined.add(symbol.get_name())
        for inner in table.get_children():
            walk(inner, False)

    walk(symtable.symtable(source, "cell", "exec"), True)
    return read, defined


def _is_solution(cell: NotebookNode) -> bool:
    return "solution" in cell.metadata.get("tags", [])


def _is_note(cell: NotebookNode) -> bool:
    return cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
