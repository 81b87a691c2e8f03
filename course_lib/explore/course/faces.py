"""Six numbers, one face: a picture that is made from a few hidden causes."""

from __future__ import annotations

import torch

from course_lib import plots
from course_lib.datasets import faces
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider

_LABELS = {"tilt": "tilt (radians)", "eye_opening": "eyes open", "skin_tone": "skin tone", "x": "to the right", "y": "down"}


@explorer
def face_maker(size: int = 64) -> Panel:
    """One slider per factor, and the face drawn from these factors. size: of the face, in pixels."""

    def render(**values: float):
        return plots.to_image(faces.draw(torch.tensor([[values[name] for name in faces.FACTORS]]), size)[0], 320 // size)

    controls = []
    for name, (low, high) in faces.RANGES.items():
        start = 0.8 if name in ("smile", "eye_opening") else (low + high) / 2
        controls.append(Slider(name, _LABELS.get(name, name), low, high, value=start, step=(high - low) / 40))
    return Panel(render, controls, title="Six numbers, one face", alt="A drawn face that follows six sliders.")
