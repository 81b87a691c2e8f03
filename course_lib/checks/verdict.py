"""What a check says: one line, the same in a terminal and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A sign and a word beside each colour (Okabe & Ito), so that nothing is said by colour alone.
_LOOKS = {
    "right": ("✓", "#009E73"),
    "wrong": ("✗", "#D55E00"),
    "not tried": ("○", "#999999"),
    "raised": ("!", "#CC79A7"),
}


@dataclass(frozen=True)
class Slip:
    """A likely mistake. `wrong` gives, from a case's arguments, what someone who makes it would answer; `hint` names it.

    For a sampler, `wrong` takes nothing and gives the law (probs, mean or cdf) that the mistaken sampler would follow.
    """

    wrong: Callable[..., Any]
    hint: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """The outcome of a check. `status` is "right", "wrong", "not tried" or "raised".

    text says what was found, hint which slip it looks like, note anything about the file of progress.
    """

    exercise: str
    status: str
    text: str
    hint: str = ""
    note: str = ""

    def __str__(self) -> str:
        sign, _ = _LOOKS[self.status]
        hint = f" Hint: {self.hint}" if self.hint else ""
        note = f" ({self.note})" if self.note else ""
        return f"{sign} {self.exercise} {self.status}: {self.text}{hint}{note}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign, colour = _LOOKS[self.status]
        hint = f" <b>Hint:</b> {html.escape(self.hint)}" if self.hint else ""
        note = f" <i>({html.escape(self.note)})</i>" if self.note else ""
        return (
            f'<div role="status" style="border-left: 6px solid {colour}; padding: 4px 10px">'
            f"<b>{sign} {html.escape(self.exercise)} {self.status}</b>: {html.escape(self.text)}{hint}{note}</div>"
        )
