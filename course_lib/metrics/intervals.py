"""How sure a share of so many tries is."""

from __future__ import annotations

import math

from course_lib.models.inputs import check_count, check_number, check_whole

NORMAL = 1.959964  # standard errors on either side of a normal mean that hold 95 %


def wilson(right: int, tries: int, *, errors: float = NORMAL) -> tuple[float, float]:
    """The interval (lowest, highest) of a probability of which `right` of `tries` came true, 95 % by default.

    It holds all p with |right / tries - p| <= errors sqrt(p (1 - p) / tries) (Wilson 1927). It never leaves [0, 1], and it has a
    width also where all or none came true; the usual share ± 2 standard errors says "certain" there. ValueError unless
    0 <= right <= tries, and errors > 0.
    """
    right, tries = check_whole(right, "right"), check_count(tries, "tries")
    if right > tries:
        raise ValueError(f"right is {right} and tries is {tries}; expected at most as many right as tries")
    errors = check_number(errors, "errors", "a number of standard errors", above=0)
    share, square = right / tries, errors * errors / tries
    middle = (share + square / 2) / (1 + square)
    reach = errors * math.sqrt(share * (1 - share) / tries + square / (4 * tries)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)
