"""What a reader sees of a saved lesson before running it: whole outputs that name no folder of the machine they were made on."""

import json
import re

import pytest

from course_lib.cli.lessons import lessons

FOLDER = re.compile(r"(?:/(?:home|root|Users|tmp|work)/|[A-Z]:\\\\)[\w.-]")
NOT_RUN = {"nbval-skip", "skip-execution"}


@pytest.fixture(params=lessons(), ids=str)
def cells(request):
    return json.loads(request.param.path.read_text(encoding="utf-8"))["cells"]


def outputs(cells):
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_no_output_names_a_folder_of_the_machine(cells):
    shown = json.dumps(
        [
            {**output, "data": {key: value for key, value in output.get("data", {}).items() if key.startswith("text/")}}
            for output in outputs(cells)
        ]
    )
    assert FOLDER.findall(shown) == []


def test_every_cell_was_run_and_none_failed(cells):
    for cell in cells:
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip() and not NOT_RUN & {*cell["metadata"].get("tags", [])}:
            assert cell["execution_count"] is not None, "".join(cell["source"])
    assert [output["evalue"] for output in outputs(cells) if output["output_type"] == "error"] == []
