"""Printed text where it can fail: an encoding that lacks some of our signs, a terminal that was closed, a full disk."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import suppress

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


def flush() -> None:
    """Hand over what was printed, so that a full disk is an OSError here and not a complaint of Python when it ends."""
    if sys.stdout is not None:  # so where the program was started with its output closed
        sys.stdout.flush()


def complain(text: str) -> None:
    """Print a line on standard error; where nobody can read it any more, as after a terminal was closed, drop it.

    What was printed before and cannot be written is dropped too.
    """
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
    try:
        flush()
    except OSError:
        give_up()


def give_up() -> None:
    """Send what is still printed to nowhere: Python writes the rest of its output when it ends, and would fail again."""
    with suppress(OSError, AttributeError):  # an output without a file, or none at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """The handler of codecs: the stand-ins for the signs that could not be encoded, and the place after them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(STAND_INS.get(sign) or _plain(sign) for sign in signs), error.end


def _plain(sign: str) -> str:
    """A letter without its accent; "?" for a sign that has no plain form."""
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
