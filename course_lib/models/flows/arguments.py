"""What flows ask of their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.models.inputs import check_event_shape


def check_vector(event_shape: Sequence[int], least: int = 1) -> tuple[int]:
    """event_shape if it is that of vectors, (D,), with D of at least `least`; otherwise ValueError."""
    shape = check_event_shape(event_shape)
    if len(shape) != 1 or shape[0] < least:
        raise ValueError(f"event_shape is {shape}; expected vectors (D,) with D of at least {least}: x.flatten(1) may do")
    return shape
