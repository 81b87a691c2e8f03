"""Printed text on a terminal or in a file whose encoding lacks some of our signs."""

from __future__ import annotations

import codecs
import sys
import unicodedata

STAND_INS = {
    "✓": "ok", "✗": "WRONG", "·": "-", "—": "-", "–": "-", "−": "-", "…": "...", "×": "x", "≠": "!=", "≤": "<=", "≥": ">=",
    "≈": "~", "→": "->", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def accept_every_sign() -> None:
    """Let standard output and standard error take every sign: what their encoding lacks is written in its nearest ASCII form."""
    codecs.register_error("course", _nearest)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not so where another program has replaced the stream
            stream.reconfigure(errors="course")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """The handler of codecs: the stand-ins for the signs that could not be encoded, and the place after them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(STAND_INS.get(sign) or _plain(sign) for sign in signs), error.end


def _plain(sign: str) -> str:
    """A letter without its accent; "?" for a sign that has no plain form."""
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
