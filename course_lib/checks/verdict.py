"""What a check says: one line, in a terminal or in a notebook."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# A sign and a word beside each colour (Okabe & Ito), so that nothing is said by colour alone.
_LOOKS = {
    "right": ("✓", "#009E73"),
    "wrong": ("✗", "#D55E00"),
    "not tried": ("○", "#999999"),
    "raised": ("!", "#CC79A7"),
}

_RAISED = (  # what is raised, words in its message, the hint
    (SystemExit, "", "exit() and sys.exit() end the whole program; end a function with `return`."),
    (
        RuntimeError,
        "must match the size of tensor",
        "two shapes do not fit together. A sum, a mean or a logsumexp over an axis takes that axis away; keepdim=True keeps it.",
    ),
)

_STAND_INS = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "○": "o",
        "—": "-",
        "–": "-",
        "−": "-",
        "·": "*",
        "…": "...",
        "≠": "!=",
        "≤": "<=",
        "≥": ">=",
        "∞": "inf",
    }
)


def printable(text: str) -> str:
    """The text as standard output can print it: signs that its encoding lacks become ASCII ones, other characters "?"."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_STAND_INS).encode(encoding, "replace").decode(encoding)
    return text


def hint_for(error: BaseException) -> str:
    """What to look at when a student's code raises this; "" where its own message says enough."""
    return next((hint for kind, words, hint in _RAISED if isinstance(error, kind) and words in str(error)), "")


@dataclass(frozen=True)
class Slip:
    """A likely mistake and the hint that names it.

    `wrong` takes the arguments of a case and returns the answer of someone who makes the mistake. For a sampler it takes
    nothing and returns the law (probs, mean or cdf) that the mistaken sampler follows.
    """

    wrong: Callable[..., Any]
    hint: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """The outcome of a check. `status` is "right", "wrong", "not tried" or "raised".

    text: what was found. hint: which slip the answer looks like. note: a word about the file of progress, if any.
    answer: what a lesson goes on with: the student's answer where it is right, and the course's own otherwise.
    """

    exercise: str
    status: str
    text: str
    hint: str = ""
    note: str = ""
    answer: Any = field(default=None, compare=False)

    def __str__(self) -> str:
        sign, _ = _LOOKS[self.status]
        hint = f" Hint: {self.hint}" if self.hint else ""
        note = f" ({self.note})" if self.note else ""
        return printable(f"{sign} {self.exercise} {self.status}: {self.text}{hint}{note}")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign, colour = _LOOKS[self.status]
        hint = f" <b>Hint:</b> {html.escape(self.hint)}" if self.hint else ""
        note = f" <i>({html.escape(self.note)})</i>" if self.note else ""
        return (
            f'<div role="status" style="border-left: 6px solid {colour}; padding: 4px 10px">'
            f"<b>{sign} {html.escape(self.exercise)} {self.status}</b>: {html.escape(self.text)}{hint}{note}</div>"
        )
