"""Cells as HTML: formulas that need no script, figures that keep their text alternative, nothing that the page would run."""

from xml.etree import ElementTree

import pytest

from course_lib.cli import rendered


def text_of(html):
    return "".join(ElementTree.fromstring(html).itertext())


@pytest.mark.parametrize(
    ("latex", "shown"),
    [(r"\log p(x)", "logp(x)"), (r"a < b", "a<b"), (r"\arg\max_\theta f", "argmaxθf"), (r"x \mid z", "x∣z")],
)
def test_a_formula_is_mathml_with_its_signs(latex, shown):
    assert text_of(rendered.formula(latex, display=False)) == shown


def test_names_are_spaced_as_latex_spaces_them():
    for latex, spaces in ((r"x \log y", 2), (r"\log_2 x", 1), (r"\log(x)", 0), (r"\max_k x_k", 1), ("xy", 0)):
        assert rendered.formula(latex, display=True).count("<mspace") == spaces, latex
    assert "<mo>max" not in rendered.formula(r"\max_k x_k", display=True), "a browser spaces an operator as a plus"


def test_markdown_with_formulas_folds_and_tables():
    shown = rendered.markdown(
        "# A\n\nLet $x^2$.\n\n<details><summary>Hint</summary>\n\n**b**\n\n</details>\n\n| a |\n|---|\n| 1 |\n"
    )
    for part in ("<h1>A</h1>", "<math", "<details><summary>Hint</summary>", "<strong>b</strong>", "<table>"):
        assert part in shown
    assert "$" not in shown


def test_outputs():
    png = {"output_type": "display_data", "data": {"image/png": "QUJD\n", "text/plain": "x"}}
    metadata = {"image/png": {"alt": 'a "b" < c', "width": 10.2}}
    shown = rendered.output({**png, "metadata": metadata})
    assert shown == '<img alt="a &quot;b&quot; &lt; c" width="10" src="data:image/png;base64,QUJD">'
    stream = {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m ", "<b>"]}
    assert rendered.output(stream) == '<pre class="shown">red &lt;b&gt;</pre>'
    assert "<i>yes</i>" in rendered.output({"output_type": "execute_result", "data": {"text/html": ["<i>yes</i>"]}})
    assert "<em>m</em>" in rendered.output({"output_type": "execute_result", "data": {"text/markdown": "*m*"}})


def test_code_in_colours():
    page = rendered.code('x = 1  # one\n\ny = """a\nb"""')
    assert '<div class="code">' in page
    assert "id=" not in page
    assert page.count('<span class="line">') == 4, "one for each line, the empty one and those of a long string too"
    assert ".code .c1" in rendered.code_css()
