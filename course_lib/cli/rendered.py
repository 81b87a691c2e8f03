"""The cells of a notebook as HTML that needs no network: formulas become MathML, figures keep their text alternatives."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # what colours a text in a terminal
_NAMES = re.compile(r"\\(arg)(?![a-zA-Z])")  # functions that the converter of formulas does not know
_ALPHABETS = {"script": "SCRIPT", "double-struck": "DOUBLE-STRUCK"}  # which browsers draw only as letters of their own


class _Renderer(IPythonRenderer):
    """Markdown in which each formula is MathML, which browsers draw by themselves."""

    def block_math(self, body: str) -> str:
        return formula(body, display=True)

    def inline_math(self, body: str) -> str:
        return formula(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


def formula(latex: str, *, display: bool) -> str:
    """A formula in LaTeX as MathML; display: on a line of its own."""
    latex = _NAMES.sub(r"\\operatorname{\1}", latex).replace("{aligned}", "{align*}")
    element = convert_to_element(latex, display="block" if display else "inline")
    for part in element.iter():
        part.text = html.unescape(part.text or "").replace("\\_", "_")
        if part.get("mathvariant") in _ALPHABETS:
            part.text = _letter(part.text, _ALPHABETS[part.attrib.pop("mathvariant")])
        if part.tag == "mo" and len(part.text) > 1 and part.text.isalpha():
            part.tag = "mi"  # max is a name: a browser would space it like a plus
    for row in [element, *element.iter("mrow")]:
        _space_names(row)
    return ElementTree.tostring(element, encoding="unicode")


def _letter(letter: str, alphabet: str) -> str:
    """A capital letter in another alphabet of mathematics; the letter itself where that alphabet lacks it."""
    for name in (f"MATHEMATICAL {alphabet} CAPITAL {letter}", f"{alphabet} CAPITAL {letter}"):
        with suppress(KeyError):
            return unicodedata.lookup(name)
    return letter


def _space_names(row: ElementTree.Element) -> None:
    """Put the thin space that LaTeX puts between log, max and other names, and the letter, number or fraction beside them."""
    parts = list(row)
    for before, after in reversed(list(itertools.pairwise(parts))):
        named = [_is_name(part) for part in (before, after)]
        other = before if named[1] else after
        if any(named) and (all(named) or other.tag not in ("mo", "mspace", "mtext")):
            row.insert(list(row).index(after), ElementTree.Element("mspace", width="0.167em"))


def _is_name(part: ElementTree.Element) -> bool:
    """Whether a part of a formula is a name of several letters, such as log, with or without a subscript or an exponent."""
    while part.tag in ("msub", "msup", "msubsup", "munder") and len(part):
        part = part[0]
    return part.tag == "mi" and len(part.text) > 1 and part.text.isalpha()


def markdown(text: str) -> str:
    """Markdown with formulas, as a notebook's text cell holds it, as HTML."""
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(text)


def code(source: str) -> str:
    """A code cell's source as HTML, its words in the classes of pygments and its lines in the class "line".

    A page needs `code_css`.
    """
    return re.sub(
        r'id="line-\d+"', 'class="line"', highlight(source, PythonLexer(), HtmlFormatter(cssclass="code", linespans="line"))
    )


def code_css(style: str = "default", under: str = ".code") -> str:
    """The colours of code under a CSS selector, in one of pygments' styles."""
    return HtmlFormatter(style=style).get_style_defs(under)


def output(shown: NotebookNode | dict[str, Any]) -> str:
    """One output of a saved code cell as HTML: a figure with its text alternative, HTML, Markdown, text, or an error's text."""
    if shown["output_type"] == "stream":
        return _text(shown["text"])
    if shown["output_type"] == "error":
        return _text("\n".join(shown["traceback"]))
    data = shown["data"]
    if "image/png" in data:
        return figure(data["image/png"], shown.get("metadata", {}).get("image/png", {}))
    if "text/html" in data:
        return f'<div class="shown">{"".join(data["text/html"])}</div>'
    if "text/markdown" in data:
        return f'<div class="shown">{markdown("".join(data["text/markdown"]))}</div>'
    return _text(data.get("text/plain", ""))


def figure(png: str, metadata: dict[str, Any]) -> str:
    """A PNG (base64 text) as an image; metadata: its "alt", and the "width" and "height" in which it is shown, where known."""
    size = "".join(f' {side}="{round(metadata[side])}"' for side in ("width", "height") if side in metadata)
    alt = html.escape(metadata.get("alt", ""), quote=True)
    return f'<img alt="{alt}"{size} src="data:image/png;base64,{"".join(png.split())}">'


def _text(lines: str | list[str]) -> str:
    return f'<pre class="shown">{html.escape(_ESCAPES.sub("", "".join(lines)), quote=False)}</pre>'
