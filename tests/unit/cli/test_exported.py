"""A lesson that was run and is exported by nbconvert: a page that needs no network for its explorers and figures."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.cli import lessons, rendered

FORMULA = r"$\log p(x) = \sum_d \log p(x_d)$"


class Pictures(HTMLParser):
    """Where the pictures of a page come from, and their text alternatives."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append((dict(attributes).get("src", ""), dict(attributes).get("alt", "")))


def pictures(page):
    parser = Pictures()
    parser.feed(page)
    return parser.found


KERNEL = """
import contextlib, json, queue, sys
from ipykernel.inprocess import InProcessKernelManager
from nbformat.v4 import output_from_msg

manager = InProcessKernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
client.execute(sys.argv[1])
outputs = []
with contextlib.suppress(queue.Empty):
    while message := client.get_iopub_msg(timeout=0.1):
        if message["msg_type"] in ("display_data", "execute_result"):
            outputs.append(output_from_msg(message))
print(json.dumps(outputs))
"""


@pytest.fixture(scope="module")
def ran():
    """A notebook with an explorer, as a kernel leaves it: with its live view, and unsaved widgets."""
    cell = new_code_cell("from course_lib.explore.adversarial.two_numbers import two_numbers\ntwo_numbers()")
    words = [sys.executable, "-c", KERNEL, cell.source]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    cell.outputs = nbformat.from_dict(json.loads(said.splitlines()[-1]))
    return new_notebook(cells=[new_markdown_cell(f"# A lesson\n\n{FORMULA}"), cell])


@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # nbconvert has no place for the live view
def test_an_explorer_that_was_run_is_a_picture_with_its_text(ran):
    nbformat.validate(ran)
    assert any("application/vnd.jupyter.widget-view+json" in output.data for output in ran.cells[1].outputs)
    page, _ = HTMLExporter().from_notebook_node(ran)
    ((source, text),) = pictures(page)
    assert source.startswith("data:image/png;base64,")
    assert len(text) > 20, "the text alternative"
    assert FORMULA.replace("&", "&amp;") in page, "without a network a formula is read in the words of LaTeX"


def test_the_pages_of_the_course_have_formulas_that_need_no_script(ran):
    page = rendered.markdown(ran.cells[0].source)
    assert "<math" in page
    assert FORMULA not in page


def test_every_saved_picture_of_a_lesson_is_in_its_exported_page():
    notebook = nbformat.read(lessons.find("02").path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    page, _ = HTMLExporter().from_notebook_node(notebook)
    inside = [source for source, _ in pictures(page) if source.startswith("data:image/png")]
    assert len(inside) == len(outputs) > 5
    assert not [source for source, _ in pictures(page) if re.match("https?:", source)]
