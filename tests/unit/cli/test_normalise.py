"""Saved notebooks: one form, and really executed."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.cli.lessons import ROOT
from course_lib.cli.normalise import WIDGET_VIEW, clean, normalise, normalised, notebooks_in

NOTEBOOKS = notebooks_in([ROOT / "notebooks"])


def messy() -> nbformat.NotebookNode:
    """A notebook as an editor leaves it."""
    picture = {WIDGET_VIEW: {"model_id": "abc"}, "image/png": "aGVsbG8=", "text/plain": "Panel at 0x7f00deadbeef"}
    cells = [
        new_markdown_cell("# Title\n", metadata={"slideshow": {"slide_type": "slide"}, "editable": True}),
        new_code_cell("budget = 'smoke'", metadata={"tags": ["injected-parameters"]}, execution_count=1),
        new_code_cell(
            "panel",
            execution_count=9,
            metadata={"execution": {"iopub.execute_input": "now"}, "tags": [], "slideshow": {"slide_type": "-"}},
            outputs=[
                new_output("stream", name="stdout", text="one\n"),
                new_output("stream", name="stdout", text="two\n"),
                new_output("execute_result", data=picture, execution_count=9, metadata={"image/png": {"width": 20}, "x": 1}),
                new_output("display_data", data={WIDGET_VIEW: {"model_id": "abc"}}),
            ],
        ),
        new_code_cell("1 + 1", execution_count=None, metadata={"tags": ["solution"], "jupyter": {"source_hidden": True}}),
        new_code_cell("1 + 1", execution_count=12),
        new_code_cell("  \n"),
    ]
    metadata = {"widgets": {"state": {}}, "kernelspec": {"name": "mine", "display_name": "Mine"}, "papermill": {"duration": 3}}
    return new_notebook(cells=cells, metadata=metadata)


def test_keeps_what_is_needed_and_drops_the_rest():
    title, panel, solution, last = normalised(messy()).cells
    assert title.source == "# Title"
    assert title.metadata == {"slideshow": {"slide_type": "slide"}}
    assert panel.metadata == {}
    assert solution.metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True}}
    assert [cell.execution_count for cell in (panel, solution, last)] == [1, None, 2]
    stream, result = panel.outputs
    assert stream.text == "one\ntwo\n"
    assert result.data == {"image/png": "aGVsbG8=", "text/plain": "Panel at 0x0"}
    assert (result.metadata, result.execution_count) == ({"image/png": {"width": 20}}, 1)


def test_notebook_metadata_is_the_same_for_all():
    assert set(normalised(messy()).metadata) == {"kernelspec", "language_info"}
    assert normalised(messy()).metadata.kernelspec.name == "python3"


def test_twice_is_once_and_the_argument_is_left_alone():
    notebook = messy()
    before = copy.deepcopy(notebook)
    once = normalised(notebook)
    assert notebook == before
    assert normalised(once) == once
    nbformat.validate(once)


def test_ids_follow_from_the_text_and_differ():
    first, second = normalised(messy()), messy()
    for cell in second.cells:
        cell.id = "another" + cell.id[:4]
    second.cells[0].source = "# Another title"
    ids, other = [c.id for c in first.cells], [c.id for c in normalised(second).cells]
    assert ids[0] != other[0]
    assert ids[1:] == other[1:]
    assert len(set(ids)) == len(ids)


def test_file_is_written_once_and_only_when_needed(tmp_path):
    path = tmp_path / "messy.ipynb"
    nbformat.write(messy(), path)
    before = path.read_bytes()
    assert normalise(path, write=False)
    assert path.read_bytes() == before
    assert normalise(path)
    assert path.read_bytes() != before
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert not normalise(path)
    assert list(tmp_path.iterdir()) == [path]


def test_hidden_folders_are_left_out(tmp_path):
    inside = tmp_path / ".lessons"  # the folder that was asked for may itself be hidden
    for name in ("07_nade.ipynb", "more/08_made.ipynb", ".venv/lib/its_own.ipynb", ".ipynb_checkpoints/07_nade-checkpoint.ipynb"):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(messy(), inside / name)
    assert [path.name for path in notebooks_in([inside])] == ["07_nade.ipynb", "08_made.ipynb"]


def test_what_is_no_notebook_is_refused(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="no readable notebook"):
        normalise(path)
    with pytest.raises(ValueError, match="neither"):
        notebooks_in([tmp_path / "absent.ipynb"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_lesson_is_kept_executed_and_in_this_form(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not normalise(path, write=False), f"run `course clean {path.name}`"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert "nbval-skip" in cell.metadata.get("tags", []) or cell.execution_count, f"never run:\n{cell.source}"
            assert not [o.ename for o in cell.outputs if o.output_type == "error"], f"saved with an error:\n{cell.source}"


def test_there_are_lessons():
    assert NOTEBOOKS


def test_other_languages_are_left_alone_and_said(tmp_path, capsys):
    r = new_notebook(cells=[new_code_cell("x <- 1", metadata={"trusted": True})])
    for name, metadata in (
        ("r", {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}),
        ("julia", {"language_info": {"name": "julia"}}),
    ):
        r.metadata = nbformat.from_dict(metadata)
        nbformat.write(r, tmp_path / f"{name}.ipynb")
    nbformat.write(messy(), tmp_path / "python.ipynb")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert clean([tmp_path], check=True) == 1
    assert clean([tmp_path]) == 0
    assert {path.stem for path in tmp_path.iterdir() if path.read_bytes() != before[path]} == {"python"}
    said = capsys.readouterr().out
    assert "its language is R" in said
    assert "its language is julia" in said


def test_a_teachers_marks_stay():
    notebook = messy()
    notebook.cells[0].metadata["nbgrader"] = {"grade": True, "points": 3}
    assert normalised(notebook).cells[0].metadata["nbgrader"] == {"grade": True, "points": 3}


def test_a_link_stays_a_link_and_the_file_keeps_its_rights(tmp_path):
    path, link = tmp_path / "messy.ipynb", tmp_path / "link.ipynb"
    nbformat.write(messy(), path)
    path.chmod(0o600)
    link.symlink_to(path)
    assert normalise(link)
    assert link.is_symlink()
    assert not normalise(path, write=False)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_clean_that_fails_halfway_leaves_the_notebook_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "messy.ipynb"
    nbformat.write(messy(), path)
    before = path.read_bytes()
    writing = Path.write_text

    def full(self, text, **options):
        writing(self, text[:50], **options)
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        normalise(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_may_not_be_written_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "messy.ipynb"
    nbformat.write(messy(), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError):
        normalise(path)
    assert path.read_bytes() == before
