"""Films of a training: samples of one fixed noise and a few numbers, every so many steps, in one small file.

A film is a safetensors file with one tensor, the frames as bytes compressed by zlib, and a description of them as JSON.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib import files, runtime
from course_lib.runtime import check_index

LARGEST = 300_000  # bytes of a file
FORMAT = 1
UNREADABLE = (
    SafetensorError, KeyError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError, OSError, zlib.error,
)  # fmt: skip
FIX = "use fewer frames (a larger `every`), fewer samples, or span=(low, high), which halves each number"


@dataclass(frozen=True)
class Recording:
    """A film as read from its file.

    frames: (F, n, …), the samples at each of F moments, float32. steps: how many steps had been done at each moment.
    scalars: name -> F numbers: of what the step returned, the mean over the steps since the frame before, and None before the
        first step; of what the film measured, the number at that moment.
    """

    frames: Tensor
    steps: list[int]
    scalars: dict[str, list[float | None]]


class Film:
    """A callback of `fit` that records a training: a frame before the first step, then one every `every` steps.

    Args:
        step: what is being trained.
        draw: model -> samples (n, …) of one fixed noise; called with `step.result()` in eval mode, without gradient.
        every: steps between two frames.
        scalars: which of the values that the step returns are recorded; None is all of them.
        span: the range (low, high) of the samples, which are then kept as whole numbers 0 … 255; None keeps float16, which
            needs more than twice the space.
        measure: model -> numbers by name, which are recorded with every frame; called as `draw` is.
    """

    def __init__(
        self,
        step,
        draw: Callable[[nn.Module], Tensor],
        *,
        every: int,
        scalars: Sequence[str] | None = None,
        span: tuple[float, float] | None = None,
        measure: Callable[[nn.Module], Mapping[str, float]] | None = None,
    ):
        if span is not None and not span[0] < span[1]:
            raise ValueError(f"span is {span!r}; expected (lowest, highest) value of the samples, or None")
        self.step, self.draw, self.every, self.names, self.span = step, draw, check_index(every, "every", 1), scalars, span
        self.measure = measure
        self.frames: list[Tensor] = []
        self.steps: list[int] = []
        self.scalars: dict[str, list[float | None]] = {}
        self.sums: dict[str, tuple[Tensor | float, int]] = {}  # since the last frame: the sum of a value, and how many
        self.warned = False
        self._shoot()

    def after_step(self, values: dict[str, Tensor | float]) -> None:
        """Add up what a step returned; take a frame when it is time."""
        names = list(values) if self.names is None else self.names
        if absent := [name for name in names if name not in values]:
            raise ValueError(f"scalars name {absent}, which the step does not return; expected some of {list(values)}")
        for name in names:
            total, count = self.sums.get(name, (0.0, 0))
            value = values[name]
            self.sums[name] = total + (value.detach() if isinstance(value, Tensor) else value), count + 1
        if self.step.steps % self.every == 0:
            self._shoot()

    def __call__(self, history: list[dict[str, float]]) -> None:
        """At the end of an epoch, say once if the film has become too large, while its settings can still be changed."""
        if not self.warned and len(self._packed()[0]) > LARGEST:
            print(f"the film is already too large to be kept: {len(self._packed()[0]):,} bytes of {LARGEST:,}; {FIX}")
            self.warned = True

    @torch.no_grad()
    def _shoot(self) -> None:
        """Take a frame of the present model, and the means of the scalars since the last frame."""
        model = self.step.result()
        training = model.training
        samples = self.draw(model.eval()).detach().float().cpu()
        measured = self.measure(model) if self.measure else {}
        model.train(training)
        if self.span is not None:
            low, high = self.span
            self.frames.append(((samples - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8))
        else:
            self.frames.append(samples.half())
        means = {name: float(total) / count for name, (total, count) in self.sums.items()}
        means |= {name: float(number) for name, number in measured.items()}
        for name in {**self.scalars, **means}:
            earlier = self.scalars.setdefault(name, [None] * len(self.steps))  # nothing before the first step
            earlier.append(means.get(name))
        self.steps.append(self.step.steps)
        self.sums = {}

    def _packed(self) -> tuple[bytes, tuple[int, ...], str]:
        """The frames as compressed bytes, each as its difference from the one before; their shape and type."""
        whole = torch.stack(self.frames).numpy()
        numbers = whole.view(np.uint8 if whole.itemsize == 1 else np.uint16)
        changes = np.diff(numbers, axis=0, prepend=numbers.dtype.type(0))  # modulo 256 or 65,536
        return zlib.compress(np.ascontiguousarray(changes).tobytes(), 9), whole.shape, str(whole.dtype)

    def write(self, path: Path | str) -> Path:
        """Write the film, whole or not at all. Raises ValueError where it is larger than films may be."""
        packed, shape, kind = self._packed()
        about = {"format": FORMAT, "shape": shape, "type": kind, "span": self.span, "steps": self.steps, "scalars": self.scalars}
        described = json.dumps(about)
        size = len(packed) + len(described) + 200
        if size > LARGEST:
            raise ValueError(f"the film has {size:,} bytes; expected at most {LARGEST:,}: {FIX}")
        with files.whole_file(Path(path)) as temporary:
            frames = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
            save_file({"frames": frames}, temporary, metadata={"film": described})
        return Path(path)

    def state_dict(self) -> dict[str, Any]:
        """All that was recorded so far."""
        return {"frames": torch.stack(self.frames), "steps": self.steps, "scalars": self.scalars, "sums": self.sums}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.frames, self.steps = list(state["frames"]), list(state["steps"])
        self.scalars = {name: list(values) for name, values in state["scalars"].items()}
        device = runtime.device_of(self.step.model)
        self.sums = {
            name: (total.to(device) if isinstance(total, Tensor) else total, count)
            for name, (total, count) in state["sums"].items()
        }


def path(name: str) -> Path:
    """Where the shipped film of the training of this name lies."""
    return runtime.data_dir() / "films" / f"{name}.film"


def beside(checkpoint: Path) -> Path:
    """Where the film of a training lies that ended with this checkpoint."""
    return checkpoint.with_suffix(".film")


def read(path: Path | str) -> Recording:
    """The film that `Film.write` wrote. Raises DataFileError where it is missing, damaged or of a newer format."""
    fix = "record it anew, or `git checkout` a shipped one"
    try:
        if not Path(path).is_file():
            raise ValueError("there is no file")
        with safe_open(path, framework="pt") as file:
            about, packed = json.loads(file.metadata()["film"]), file.get_tensor("frames").numpy().tobytes()
        if about["format"] > FORMAT:
            reads = f"this version of the course reads format {FORMAT}"
            raise files.NewerFormatError(f"{path} has format {about['format']}, and {reads}; fix: update the course")
        kind, shape, steps, scalars = np.dtype(about["type"]), about["shape"], about["steps"], about["scalars"]
        expected, unpacker = kind.itemsize * math.prod(shape), zlib.decompressobj()
        raw = unpacker.decompress(packed, expected + 1)
        if len(raw) != expected or not unpacker.eof:  # at the end of its stream, zlib compares a checksum
            raise ValueError(f"its frames have {len(raw)} bytes or more; expected {expected}, and an end")
        if any(len(numbers) != shape[0] for numbers in (steps, *scalars.values())):
            raise ValueError(f"it has {shape[0]} frames, and another number of steps or scalars")
        changes = np.frombuffer(raw, np.uint8 if kind.itemsize == 1 else np.uint16).reshape(shape)
        frames = torch.from_numpy(np.cumsum(changes, axis=0, dtype=changes.dtype).view(kind)).float()
        if about["span"] is not None:
            low, high = about["span"]
            frames = low + (high - low) * frames / 255
        return Recording(frames, steps, scalars)
    except files.NewerFormatError:
        raise
    except UNREADABLE as error:
        raise files.DataFileError(f"{path} is no film, or damaged ({error}); fix: {fix}") from error
